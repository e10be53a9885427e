"""Small helpers for passes: apply rewrites until nothing changes, drop what nobody uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from litefuse.compiler.ir.core import Block, Builder, IRError, Module, Operation, Value
from litefuse.compiler.ir.opdef import Dialects

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Rewrite(Generic[M]):
    """One rule: `match` says whether it applies to an op and what it found, `rewrite` does it.

    `rewrite(op, found, builder)` builds before `op`; it then replaces the op's results and erases
    the op, or changes the op in place.
    """

    name: str
    match: Callable[[Operation], M | None]
    rewrite: Callable[[Operation, M, Builder], None]


def apply_rewrites(
    module: Module, rewrites: Sequence[Rewrite[M]], limit: int = 1_000_000
) -> dict[str, int]:
    """Apply rules everywhere until none matches; how often each did.

    Every op is tried once in the order of the text; a rule's new ops, and the users of what it
    changed, are tried again. Raises `IRError` after `limit` applications: then two rules undo each
    other.
    """
    counts = dict.fromkeys((r.name for r in rewrites), 0)
    work = list(module.walk())
    work.reverse()
    queued = {id(op) for op in work}
    done = 0
    while work:
        op = work.pop()
        queued.discard(id(op))
        if not _is_in(op, module):
            continue
        for rule in rewrites:
            found = rule.match(op)
            if found is None:
                continue
            if done == limit:
                raise IRError(
                    f"rewrites do not come to an end: {rule.name} was about to be the {limit + 1}th"
                )
            done += 1
            counts[rule.name] += 1
            _apply(op, rule, found, work, queued)
            break
    return counts


def _apply(
    op: Operation, rule: Rewrite[M], found: M, work: list[Operation], queued: set[int]
) -> None:
    block = op.block
    if block is None:
        raise IRError(f"{op.name} is in no block")
    neighbours = list(op.operands)
    users = [u for r in op.results for u in r.users]
    before = {id(o) for o in block.ops}
    rule.rewrite(op, found, Builder(block, op, op.location))
    again = [o for o in block.ops if id(o) not in before]
    again += [v.op for v in neighbours if v.op is not None]
    again += [*users, op]
    for o in reversed(again):
        if id(o) not in queued:
            queued.add(id(o))
            work.append(o)


def _is_in(op: Operation, module: Module) -> bool:
    """Whether the op still hangs in the module: rules erase ops that wait in the list."""
    block = op.block
    while block is not None:
        owner = block.region.owner if block.region else None
        if owner is module.op:
            return True
        block = owner.block if owner else None
    return False


def replace_op(op: Operation, values: Iterable[Value]) -> None:
    """Let the values take the place of the op's results, and erase the op."""
    new = list(values)
    if len(new) != len(op.results):
        raise IRError(
            f"{op.name} has {len(op.results)} results, {len(new)} values cannot replace them"
        )
    for old, value in zip(op.results, new, strict=True):
        if not value.name:
            value.name = old.name
        old.replace_by(value)
    op.erase()


def erase_dead(block: Block, dialects: Dialects) -> int:
    """Erase the block's pure ops whose results nobody uses, here and in nested regions; how many
    went.

    One walk backwards suffices: in a block every user stands after what it uses.
    """
    erased = 0
    kept: list[Operation] = []
    for op in reversed(block.ops):
        definition = dialects.get(op.name)
        removable = definition is not None and definition.pure and not definition.terminator
        if removable and not any(r._uses for r in op.results):
            op.drop_uses()
            op.block = None
            erased += 1
            continue
        for region in op.regions:
            erased += erase_dead(region.block, dialects)
        kept.append(op)
    # Kept as one new list: erasing one by one would be quadratic in a block of thousands.
    block.ops[:] = reversed(kept)
    return erased
