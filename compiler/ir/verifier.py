"""Check a module against the rules of the IR and of its ops' declarations."""

from __future__ import annotations

from typing import Any

from litefuse.compiler.ir.core import Block, IRError, Location, Module, Operation, Value
from litefuse.compiler.ir.opdef import Dialects, OpDef


class VerifyError(IRError):
    """A module breaks a rule. The text has the op, the model's nodes that it came from, and the
    rule.
    """

    def __init__(self, op: Operation, rule: str) -> None:
        super().__init__(f'"{op.name}"{describe_location(op.location)}: {rule}')
        self.op = op
        self.rule = rule


def verify(module: Module, dialects: Dialects) -> None:
    """Raise `VerifyError` for the first rule that the module breaks, in the order of the text.

    Checked: every op is declared; numbers of operands, results and regions; attributes and their
    Python types; operands are defined before their use and in scope; use lists agree with operands;
    blocks end in terminators and have none elsewhere; symbol names differ; the op's own `verify`.
    """
    _Verifier(dialects).op(module.op)


def describe_location(location: Location) -> str:
    """`` at CONV_2D#12`` (node numbers of subgraph 0), empty when unknown."""
    if not location.nodes:
        return ""
    parts = [
        f"{n.op}#{n.node}" + (f" of subgraph {n.subgraph}" if n.subgraph else "")
        for n in location.nodes
    ]
    more = f" and {len(parts) - 4} more" if len(parts) > 4 else ""
    return " at " + ", ".join(parts[:4]) + more


class _Verifier:
    def __init__(self, dialects: Dialects) -> None:
        self.dialects = dialects
        self.visible: set[Value] = set()

    def op(self, op: Operation) -> None:
        definition = self.dialects.get(op.name)
        if definition is None:
            raise VerifyError(op, f"{op.name} is not a known op{self.hint(op.name)}")
        self.operands(op)
        _count(op, "operand", len(op.operands), definition.operands)
        _count(op, "result", len(op.results), definition.results)
        _count(op, "region", len(op.regions), definition.regions)
        _attributes(op, definition)
        for region in op.regions:
            if region.owner is not op or region.block.region is not region:
                raise VerifyError(op, "its region does not know it as its owner")
            self.block(op, region.block, definition)
        if definition.verify is not None:
            try:
                definition.verify(op)
            except IRError as e:
                raise VerifyError(op, str(e)) from None
        for i, r in enumerate(op.results):
            if r.owner is not op or r.index != i:
                raise VerifyError(op, f"result {i} does not know the op as its owner")
            self.visible.add(r)

    def operands(self, op: Operation) -> None:
        for i, v in enumerate(op.operands):
            if v not in self.visible:
                raise VerifyError(op, f"operand {i}{_named(v)} is {_why_hidden(v, op)}")
            if v._uses.get((id(op), i)) is not op:
                raise VerifyError(op, f"operand {i}{_named(v)} does not know of this use")

    def block(self, owner: Operation, block: Block, definition: OpDef) -> None:
        for i, a in enumerate(block.args):
            if a.owner is not block or a.index != i:
                raise VerifyError(owner, f"block argument {i} does not know its block")
        defined = list(block.args)
        self.visible.update(block.args)
        symbols: set[str] = set()
        for n, op in enumerate(block.ops):
            if op.block is not block:
                raise VerifyError(op, "it does not know the block that it is in")
            self.op(op)
            defined += op.results
            known = self.dialects.get(op.name)
            if known is not None and known.terminator and n + 1 < len(block.ops):
                raise VerifyError(op, "a terminator stands before the end of its block")
            symbol = op.attributes.get("sym_name")
            if symbol is not None:
                if symbol in symbols:
                    raise VerifyError(op, f"the name @{symbol} is taken by another op of the block")
                symbols.add(symbol)
        if definition.terminated:
            last = self.dialects.get(block.ops[-1].name) if block.ops else None
            if last is None or not last.terminator:
                end = f"ends in {block.ops[-1].name}" if block.ops else "is empty"
                raise VerifyError(owner, f"its region {end}: a terminator must end it")
        self.visible.difference_update(defined)

    def hint(self, name: str) -> str:
        dialect = name.partition(".")[0]
        near = [n for n in self.dialects.names() if n.partition(".")[0] == dialect]
        return f"; {dialect} has {', '.join(near)}" if near else f"; there is no dialect {dialect}"


def _named(v: Value) -> str:
    return f" (%{v.name})" if v.name else ""


def _why_hidden(v: Value, user: Operation) -> str:
    maker = v.op
    if maker is None:
        return "an argument of a block that does not hold the op"
    if maker.block is None:
        return f"the result of {maker.name}, which is in no block"
    inside: Block | None = user.block
    while inside is not None:
        if inside is maker.block:
            return f"defined after its use, by {maker.name}"
        owner = inside.region.owner if inside.region else None
        inside = owner.block if owner else None
    return f"the result of {maker.name} in another region"


def _count(op: Operation, what: str, n: int, allowed: int | tuple[int, int | None]) -> None:
    low, high = allowed if isinstance(allowed, tuple) else (allowed, allowed)
    if n < low or (high is not None and n > high):
        if high is None:
            text = f"at least {low}"
        elif low == high:
            text = str(low)
        else:
            text = f"{low} to {high}"
        raise VerifyError(op, f"it has {n} {what}{'' if n == 1 else 's'}, it needs {text}")


def _attributes(op: Operation, definition: OpDef) -> None:
    for key, kind in definition.required.items():
        if key not in op.attributes:
            raise VerifyError(op, f"attribute {key} ({_kind_text(kind)}) is missing")
    for key, value in op.attributes.items():
        wanted = definition.required.get(key) or definition.optional.get(key)
        if wanted is None:
            if "." in key:
                continue  # an attribute of another dialect, such as a note that a tool left
            known = sorted({*definition.required, *definition.optional})
            raise VerifyError(op, f"it has no attribute {key}; it has {', '.join(known) or 'none'}")
        if not _is_of(value, wanted):
            raise VerifyError(
                op,
                f"attribute {key} is {value!r}, a {type(value).__name__}, not {_kind_text(wanted)}",
            )


def _is_of(value: Any, wanted: type | tuple[type, ...]) -> bool:
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if isinstance(value, bool):
        return bool in kinds or object in kinds
    return isinstance(value, kinds)


def _kind_text(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join("any value" if k is object else k.__name__ for k in kinds)
