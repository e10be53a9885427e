"""One `loop.func` to LLVM text: structured control flow, numbering, hoisting and common
subexpressions.

The loop IR is structured, so the classic clean-ups need no analysis here: a pure instruction is
written into the outermost loop level where all its operands exist, and is written there once. Index
arithmetic is kept as `base + constant` for as long as possible, which turns the constants of
unrolled code into address displacements. What is left for LLVM is instruction selection, strength
reduction, scheduling and register allocation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from litefuse.codegen.llvm.text import literal, scalar_name, type_name
from litefuse.compiler.ir.core import Block, IRError, Operation, Value
from litefuse.compiler.ir.types import INDEX, PTR, Type, VectorType

if TYPE_CHECKING:
    from litefuse.codegen.targets import Target

Handler = Callable[["Emitter", Operation], None]


class Scope:
    """The text of one loop level while it is being written."""

    __slots__ = ("block", "conditional", "hoisted", "known", "lines")

    def __init__(self, block: str, conditional: bool = False) -> None:
        self.lines: list[str] = []
        self.known: dict[str, str] = {}
        self.block = block  # label of the basic block that is being written
        self.conditional = conditional
        self.hoisted = 0  # registers filled here by loads that stood in an inner loop


class Emitter:
    """Writes one function. Handlers (`arith.py`, `memory.py`, ...) call `pure`, `here`, `effect`
    and `value`.
    """

    def __init__(self, target: Target, handlers: Mapping[str, Handler]) -> None:
        self.target = target
        self.handlers = handlers
        self.scopes: list[Scope] = [Scope("entry")]
        self.depth: dict[str, int] = {}
        self.declared: dict[str, str] = {}
        self._names: dict[Value, str] = {}
        self._affine: dict[Value, tuple[str | None, int]] = {}
        self._types: dict[Type, str] = {}
        self._count = 0
        # Loads hoisted out of a loop occupy registers for all of it: leave some for the loop
        # itself.
        self.hoist_budget = target.registers // 4

    # -- names
    # --------------

    def fresh(self) -> str:
        """A new local name."""
        self._count += 1
        return f"%v{self._count}"

    def type(self, t: Type) -> str:
        """The LLVM spelling of a type."""
        name = self._types.get(t)
        if name is None:
            name = self._types[t] = type_name(t)
        return name

    def shape(self, t: Type) -> tuple[int, str]:
        """(lanes, LLVM element type) of a type."""
        if isinstance(t, VectorType):
            return t.lanes, scalar_name(t.element)
        return 1, self.type(t)

    def value(self, v: Value) -> str:
        """The operand text of a value: a name or a literal."""
        name = self._names.get(v)
        if name is None:
            if v not in self._affine:
                raise IRError(f"{_origin(v)} is used before it is defined")
            return self.sum(*self._affine[v])
        return name

    def bind(self, v: Value, name: str) -> None:
        """Say what a value is called."""
        self._names[v] = name

    def bound(self, v: Value) -> bool:
        """Whether the value has a name already."""
        return v in self._names

    def bind_index(self, v: Value, base: str | None, constant: int) -> None:
        """Say that an index value is `base + constant`; it is only computed where something needs
        the sum.
        """
        self._affine[v] = (base, constant)
        if base is None:
            self._names[v] = str(constant)

    def index(self, v: Value) -> tuple[str | None, int]:
        """An index value as (base, constant)."""
        known = self._affine.get(v)
        return known if known is not None else (self.value(v), 0)

    def constant_index(self, v: Value) -> int | None:
        """The number that an index value is, or None."""
        base, constant = self.index(v)
        return constant if base is None else None

    def sum(self, base: str | None, constant: int) -> str:
        """`base + constant` as an operand."""
        if base is None:
            return str(constant)
        return self.pure(f"add nsw i64 {base}, {constant}", base) if constant else base

    # -- instructions
    # --------------------------------------------------------------------------------------------

    def pure(self, text: str, *operands: str) -> str:
        """The result of an instruction without side effects, written once, as far out as its
        operands allow.

        It never leaves a `loop.if` unless it leaves the loop around it as well.
        """
        level = 0
        depth = self.depth
        for operand in operands:
            level = max(level, depth.get(operand, 0))
        scopes = self.scopes
        while level + 1 < len(scopes) and scopes[level + 1].conditional:
            level += 1
        return self._write(level, text)

    def load_once(self, text: str, registers: int, *operands: str) -> str:
        """A load of memory that never changes: hoisted out of loops while registers last, never out
        of an `if`.
        """
        level = max((self.depth.get(operand, 0) for operand in operands), default=0)
        top = len(self.scopes) - 1
        for i in range(top, level, -1):
            if self.scopes[i].conditional:
                level = i
                break
        while level < top:
            known = self.scopes[level].known.get(text)
            if known is not None:
                return known
            if self.scopes[level].hoisted + registers <= self.hoist_budget:
                self.scopes[level].hoisted += registers
                break
            level += 1
        return self._write(level, text)

    def _write(self, level: int, text: str) -> str:
        scope = self.scopes[level]
        name = scope.known.get(text)
        if name is None:
            name = scope.known[text] = self.fresh()
            scope.lines.append(f"  {name} = {text}")
            self.depth[name] = level
        return name

    def near(self, text: str) -> str:
        """The result of a pure instruction that instruction selection must see beside its users.

        Selection works block by block: written once in each, never hoisted.
        """
        scope = self.scopes[-1]
        key = f"{scope.block}: {text}"
        name = scope.known.get(key)
        if name is None:
            name = scope.known[key] = self.here(text)
        return name

    def here(self, text: str) -> str:
        """The result of an instruction that stays where it is."""
        name = self.fresh()
        self.scopes[-1].lines.append(f"  {name} = {text}")
        self.depth[name] = len(self.scopes) - 1
        return name

    def effect(self, text: str) -> None:
        """An instruction without a result."""
        self.scopes[-1].lines.append(f"  {text}")

    def call(self, result: str, name: str, arguments: Sequence[tuple[str, str]]) -> str:
        """The result of a pure intrinsic; arguments are (type, operand)."""
        if name not in self.declared:
            types = ", ".join(t for t, _ in arguments)
            self.declared[name] = f"declare {result} @{name}({types})"
        text = ", ".join(f"{t} {a}" for t, a in arguments)
        return self.pure(f"call {result} @{name}({text})", *(a for _, a in arguments))

    def effect_call(self, name: str, arguments: Sequence[tuple[str, str]]) -> None:
        """An intrinsic without a result. Arguments with `immarg` carry the attribute in their type
        text.
        """
        if name not in self.declared:
            types = ", ".join(t for t, _ in arguments)
            self.declared[name] = f"declare void @{name}({types})"
        self.effect(f"call void @{name}({', '.join(f'{t} {a}' for t, a in arguments)})")

    def shuffle(self, lanes: int, element: str, a: str, b: str | None, mask: Sequence[int]) -> str:
        """`shufflevector`; -1 in the mask is any lane, `b` None means the mask only names lanes of
        `a`.
        """
        if b is None and len(mask) == lanes and all(m in (i, -1) for i, m in enumerate(mask)):
            return a
        other = "poison" if b is None else b
        entries = ", ".join("i32 poison" if m < 0 else f"i32 {m}" for m in mask)
        vector = f"<{lanes} x {element}>"
        return self.pure(
            f"shufflevector {vector} {a}, {vector} {other}, <{len(mask)} x i32> <{entries}>",
            a,
            other,
        )

    def splat(self, lanes: int, element: str, scalar: str) -> str:
        """A scalar operand in all lanes."""
        if lanes == 1:
            return scalar
        if not scalar.startswith("%"):
            return f"splat ({element} {scalar})"
        vector = f"<{lanes} x {element}>"
        one = self.pure(f"insertelement {vector} poison, {element} {scalar}, i32 0", scalar)
        return self.pure(
            f"shufflevector {vector} {one}, {vector} poison, <{lanes} x i32> zeroinitializer", one
        )

    # -- control flow
    # --------------------------------------------------------------------------------------------

    def run(self, block: Block) -> None:
        """Write all ops of a block but its terminator."""
        handlers = self.handlers
        for op in block.ops:
            handler = handlers.get(op.name)
            if handler is not None:
                handler(self, op)
            elif op.name == "loop.for":
                self._for(op)
            elif op.name == "loop.if":
                self._if(op)
            elif op.name not in ("loop.yield", "loop.return"):
                raise IRError(f"{op.name} cannot be written as machine code (inside a loop.func)")

    def _for(self, op: Operation) -> None:
        lower, upper, *inits = op.operands
        first, last = self.constant_index(lower), self.constant_index(upper)
        step = op["step"]
        trip = None if first is None or last is None else max(0, -(-(last - first) // step))
        counter, *carried = op.body.args
        if trip is not None and trip <= 1:
            self._straight(op, trip, lower, counter, carried)
            return
        lb, ub = self.value(lower), self.value(upper)
        starts = [self.value(v) for v in inits]
        outer, level = self.scopes[-1], len(self.scopes)
        self._count += 1
        head, done = f"L{self._count}", f"D{self._count}"
        before = outer.block
        scope = Scope(head)
        self.scopes.append(scope)
        i = self.fresh()
        self.depth[i] = level
        self.bind_index(counter, i, 0)
        names = []
        for v in carried:
            name = self.fresh()
            names.append(name)
            self.depth[name] = level
            if v.type == INDEX:
                self.bind_index(v, name, 0)
            else:
                self.bind(v, name)
        self.run(op.body)
        nexts = [self.value(v) for v in op.body.terminator.operands]
        self.scopes.pop()
        latch = scope.block
        out = outer.lines
        if trip is None:
            self._count += 1
            out.append(f"  %g{self._count} = icmp slt i64 {lb}, {ub}")
            out.append(f"  br i1 %g{self._count}, label %{head}, label %{done}")
        else:
            out.append(f"  br label %{head}")
        out.append(f"{head}:")
        out.append(f"  {i} = phi i64 [{lb}, %{before}], [{i}.n, %{latch}]")
        for name, v, start, following in zip(names, carried, starts, nexts, strict=True):
            out.append(
                f"  {name} = phi {self.type(v.type)} [{start}, %{before}], [{following}, %{latch}]"
            )
        out.extend(scope.lines)
        out.append(f"  {i}.n = add nuw nsw i64 {i}, {step}")
        out.append(f"  {i}.c = icmp slt i64 {i}.n, {ub}")
        out.append(f"  br i1 {i}.c, label %{head}, label %{done}")
        out.append(f"{done}:")
        outer.block = done
        for result, start, following in zip(op.results, starts, nexts, strict=True):
            final = following
            if trip is None:
                final = self.here(
                    f"phi {self.type(result.type)} [{start}, %{before}], [{following}, %{latch}]"
                )
            elif self.depth.get(following, 0) >= level:
                self.depth[following] = level - 1
            if result.type == INDEX:
                self.bind_index(result, final, 0)
            else:
                self.bind(result, final)

    def _straight(
        self, op: Operation, trip: int, lower: Value, counter: Value, carried: Sequence[Value]
    ) -> None:
        inits = op.operands[2:]
        if trip:
            self._alias(counter, lower)
            for v, start in zip(carried, inits, strict=True):
                self._alias(v, start)
            self.run(op.body)
            inits = op.body.terminator.operands
        for result, final in zip(op.results, inits, strict=True):
            self._alias(result, final)

    def _alias(self, new: Value, old: Value) -> None:
        if new.type == INDEX:
            self.bind_index(new, *self.index(old))
        else:
            self.bind(new, self.value(old))

    def _if(self, op: Operation) -> None:
        condition = self.value(op.operands[0])
        outer = self.scopes[-1]
        self._count += 1
        then, done = f"T{self._count}", f"E{self._count}"
        scope = Scope(then, conditional=True)
        self.scopes.append(scope)
        self.run(op.body)
        self.scopes.pop()
        outer.lines.append(f"  br i1 {condition}, label %{then}, label %{done}")
        outer.lines.append(f"{then}:")
        outer.lines.extend(scope.lines)
        outer.lines.append(f"  br label %{done}")
        outer.lines.append(f"{done}:")
        outer.block = done


def emit_function(
    op: Operation, target: Target, handlers: Mapping[str, Handler]
) -> tuple[str, dict[str, str]]:
    """The text of a `loop.func` and the declarations (by name) that it needs."""
    e = Emitter(target, handlers)
    parameters = []
    for i, arg in enumerate(op.body.args):
        name = f"%a{i}"
        if arg.type == PTR:
            parameters.append(f"ptr noalias captures(none) {name}")
            e.bind(arg, name)
        else:
            parameters.append(f"i64 {name}")
            e.bind_index(arg, name, 0)
    e.run(op.body)
    body = "\n".join(e.scopes[0].lines)
    head = (
        f"define dso_local void @{quoted(op['sym_name'])}({', '.join(parameters)}) #0 {{\nentry:\n"
    )
    return f"{head}{body}\n  ret void\n}}\n", e.declared


def quoted(symbol: str) -> str:
    """A symbol as LLVM text wants it."""
    return symbol if symbol.replace("_", "").isalnum() else f'"{symbol}"'


def constant_operand(e: Emitter, op: Operation) -> None:
    """`arith.constant`: a literal, or the constant part of an index."""
    result = op.result
    if result.type == INDEX:
        e.bind_index(result, None, int(op["value"]))
        return
    lanes, element = e.shape(result.type)
    e.bind(result, literal(op["value"], lanes, element))


def _origin(v: Value) -> str:
    op = v.op
    return f"result {v.index} of {op.name}" if op is not None else f"block argument {v.index}"
