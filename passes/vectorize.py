"""Vectors in place of the iterations of loops marked `vector = W`; what is left over is done by one narrower vector.

The mark is a promise by whoever wrote the loop: its iterations may run side by side (no iteration reads what another one
writes), and carried values are sums, products, maxima, minima or bitwise folds whose order does not matter. Each lane
then keeps a part of its own, and the parts meet at the end: a float sum is that of W interleaved partial sums. An index
that grows by 1 becomes a vector load or store, one that stays a scalar, any other a load a lane. A loop that has no
such form (a comparison that steers control flow, vectors already in the body) stays as it is.

Before:
```mlir
"loop.func"() ({
^bb0(%x: !loop.ptr, %y: !loop.ptr, %begin: index, %end: index):
  %0 = "arith.constant"() {value = 0 : i64} : () -> index
  %1 = "arith.constant"() {value = 11 : i64} : () -> index
  "loop.for"(%0, %1) ({
  ^bb1(%i: index):
    %2 = "loop.load"(%x, %i) : (!loop.ptr, index) -> f32
    %3 = "arith.addf"(%2, %2) : (f32, f32) -> f32
    "loop.store"(%3, %y, %i) : (f32, !loop.ptr, index) -> ()
    "loop.yield"() : () -> ()
  }) {step = 1 : i64, vector = 8 : i64} : (index, index) -> ()
  "loop.return"() : () -> ()
}) {sym_name = "double"} : () -> ()
```
After:
```mlir
"loop.func"() ({
^bb0(%x: !loop.ptr, %y: !loop.ptr, %begin: index, %end: index):
  %0 = "arith.constant"() {value = 0 : i64} : () -> index
  %1 = "arith.constant"() {value = 11 : i64} : () -> index
  %2 = "loop.load"(%x, %0) : (!loop.ptr, index) -> vector<8xf32>
  %3 = "arith.addf"(%2, %2) : (vector<8xf32>, vector<8xf32>) -> vector<8xf32>
  "loop.store"(%3, %y, %0) : (vector<8xf32>, !loop.ptr, index) -> ()
  %4 = "arith.constant"() {value = 8 : i64} : () -> index
  %5 = "loop.load"(%x, %4) : (!loop.ptr, index) -> vector<3xf32>
  %6 = "arith.addf"(%5, %5) : (vector<3xf32>, vector<3xf32>) -> vector<3xf32>
  "loop.store"(%6, %y, %4) : (vector<3xf32>, !loop.ptr, index) -> ()
  "loop.return"() : () -> ()
}) {sym_name = "double"} : () -> ()
```
"""

from __future__ import annotations

from collections.abc import Sequence

from litefuse.compiler.ir.core import Block, Builder, IRError, Module, Operation, Region, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import INDEX, FloatType, Type, element_of, lanes_of, vector
from litefuse.passes.support.counted import index_constant, known_number
from litefuse.passes.support.widen import NotWidenableError, Widener

# op -> (kind of loop.reduce or None, neutral start of a lane; None where the first value itself is one)
_FOLDS: dict[str, tuple[str | None, float | None]] = {
    "arith.addi": ("add", 0), "arith.addf": ("addf", 0.0), "arith.maxsi": ("max", None), "arith.minsi": ("min", None),
    "arith.maxf": ("maxf", None), "arith.minf": ("minf", None), "arith.muli": (None, 1), "arith.mulf": (None, 1.0),
    "arith.andi": (None, None), "arith.ori": (None, None), "arith.xori": (None, 0),
}  # fmt: skip


def vectorize(module: Module, context: PassContext) -> None:
    """Rewrite every marked loop that contains no other marked one."""
    for op in module.ops:
        for region in op.regions:
            _block(region.block, context)


def _block(block: Block, context: PassContext) -> bool:
    """Whether a loop in the block was rewritten."""
    changed = False
    for op in list(block.ops):
        inner = [_block(region.block, context) for region in op.regions]
        changed |= any(inner)
        if op.name == "loop.for" and "vector" in op.attributes:
            lanes = op.attributes.pop("vector")
            if op["step"] != 1:
                raise IRError(f"a loop marked for vectors has step {op['step']}, not 1")
            if lanes > 1 and not any(inner):
                changed |= _loop(op, lanes, context)
    return changed


def _loop(op: Operation, lanes: int, context: PassContext) -> bool:
    assert op.block is not None
    written = Block()
    blocks = [written]
    try:
        results = _write(op, lanes, Builder(written, None, op.location), blocks)
    except NotWidenableError:
        for attempt in blocks:
            for o in attempt.ops:
                o.drop_uses()
        context.count("loops left scalar")
        return False
    context.count("loops vectorized")
    block = op.block
    at = block.ops.index(op)
    for new in written.ops:
        new.block = block
    block.ops[at:at] = written.ops
    for old, value in zip(op.results, results, strict=True):
        old.replace_by(value)
    op.erase()
    return True


def _write(op: Operation, lanes: int, b: Builder, blocks: list[Block]) -> list[Value]:
    """The vector form, at the builder: main loop and rest. What the loop's results become."""
    lower, upper, *carried = op.operands
    folds = [_fold(op, i) for i in range(len(carried))]
    first, last = known_number(lower), known_number(upper)
    if first is None or last is None:
        return _dynamic(op, lanes, b, folds, blocks)
    trip = max(0, last - first)
    if trip == 0:
        return carried
    main, rest = trip - trip % lanes, trip % lanes
    if main == lanes:
        carried = _body(op, lanes, b, lower, carried, folds, blocks)
    elif main:
        carried = _main(
            op, lanes, b, lower, index_constant(b, first + main), carried, folds, blocks
        )
    if rest:
        start = lower if main == 0 else index_constant(b, first + main)
        carried = _body(op, rest, b, start, carried, folds, blocks)
    return carried


def _dynamic(
    op: Operation, lanes: int, b: Builder, folds: Sequence[Operation], blocks: list[Block]
) -> list[Value]:
    """Bounds known only when the code runs: whole vectors first, then one iteration at a time."""
    lower, upper, *carried = op.operands
    width = index_constant(b, lanes)
    trip = b.create("arith.subi", [upper, lower], [INDEX]).result
    count = b.create("arith.divsi", [trip, width], [INDEX]).result
    whole = b.create("arith.muli", [count, width], [INDEX]).result
    middle = b.create("arith.addi", [lower, whole], [INDEX]).result
    carried = _main(op, lanes, b, lower, middle, carried, folds, blocks)
    mapping = dict(zip(op.operands[2:], carried, strict=True))
    rest = op.clone(mapping)
    rest.set_operands([middle, upper, *carried])
    b.insert(rest)
    return rest.results


def _main(
    op: Operation,
    lanes: int,
    b: Builder,
    lower: Value,
    upper: Value,
    carried: Sequence[Value],
    folds: Sequence[Operation],
    blocks: list[Block],
) -> list[Value]:
    """The loop over whole vectors; each lane folds its own part, and the parts are folded after it."""
    starts = [_start(b, fold, v, lanes) for fold, v in zip(folds, carried, strict=True)]
    block = Block([INDEX, *(v.type for v in starts)])
    blocks.append(block)
    inside = Builder(block, None, op.location)
    w = _widener(op, lanes, inside, block.args[0], blocks)
    w.values.update(zip(op.body.args[1:], block.args[1:], strict=True))
    w.run(op.body)
    inside.create("loop.yield", [w.vector(v) for v in op.body.terminator.operands])
    attributes = {**op.attributes, "step": lanes}
    loop = b.create(
        "loop.for", [lower, upper, *starts], [v.type for v in starts], attributes, [Region(block)]
    )
    return [
        _finish(b, fold, v, r, lanes)
        for fold, v, r in zip(folds, carried, loop.results, strict=True)
    ]


def _body(
    op: Operation,
    lanes: int,
    b: Builder,
    start: Value,
    carried: Sequence[Value],
    folds: Sequence[Operation],
    blocks: list[Block],
) -> list[Value]:
    """One vector of iterations, without a loop."""
    if lanes == 1:
        mapping: dict[Value, Value] = dict(zip(op.body.args, [start, *carried], strict=True))
        for o in op.body.ops[:-1]:
            b.insert(o.clone(mapping))
        return [mapping.get(v, v) for v in op.body.terminator.operands]
    w = _widener(op, lanes, b, start, blocks)
    starts = [_start(b, fold, v, lanes) for fold, v in zip(folds, carried, strict=True)]
    w.values.update(zip(op.body.args[1:], starts, strict=True))
    w.run(op.body)
    ends = [w.vector(v) for v in op.body.terminator.operands]
    return [_finish(b, fold, v, e, lanes) for fold, v, e in zip(folds, carried, ends, strict=True)]


def _widener(op: Operation, lanes: int, b: Builder, start: Value, blocks: list[Block]) -> Widener:
    return Widener(b, lanes, op.body.args[0], start, blocks)


def _fold(op: Operation, i: int) -> Operation:
    """The op that folds carried value `i`: an associative op with the carried value as one operand, or a chain of them."""
    value = op.body.terminator.operands[i]
    carried = op.body.args[1 + i]
    found: Operation | None = None
    while value is not carried:
        step = value.op
        if step is None or step.block is not op.body or len(value.uses) != 1:
            raise NotWidenableError("a carried value is not folded by one op")
        if step.name == "arith.fma":
            name, chain = "arith.addf", step.operands[2]
        elif step.name in _FOLDS:
            name = step.name
            a, c = step.operands
            chain = a if _leads_to(a, carried) else c
        else:
            raise NotWidenableError(f"{step.name} cannot fold a carried value lane by lane")
        if found is not None and name != _fold_name(found):
            raise NotWidenableError("a carried value is folded by different ops")
        found = step
        value = chain
    if found is None or len(carried.uses) != 1:
        raise NotWidenableError("a carried value is used besides its fold")
    return found


def _fold_name(op: Operation) -> str:
    return "arith.addf" if op.name == "arith.fma" else op.name


def _leads_to(v: Value, carried: Value) -> bool:
    """Whether the chain of first or last operands from `v` ends in the carried value."""
    if v is carried:
        return True
    op = v.op
    if op is None or op.block is None or op.block is not carried.owner:
        return False
    if op.name == "arith.fma":
        return _leads_to(op.operands[2], carried)
    return op.name in _FOLDS and any(_leads_to(o, carried) for o in op.operands)


def _start(b: Builder, fold: Operation, first: Value, lanes: int) -> Value:
    """What each lane starts at."""
    if lanes_of(first.type) != 1 or first.type == INDEX:
        raise NotWidenableError("a carried value is an index or a vector")
    wide = vector(lanes, first.type)
    neutral = _FOLDS[_fold_name(fold)][1]
    if neutral is None:
        return b.create("loop.splat", [first], [wide]).result
    value = float(neutral) if isinstance(element_of(wide), FloatType) else int(neutral)
    return b.create("arith.constant", (), [wide], {"value": value}).result


def _finish(b: Builder, fold: Operation, first: Value, parts: Value, lanes: int) -> Value:
    """All lanes' parts and the value that the loop started from, folded."""
    name = _fold_name(fold)
    kind, neutral = _FOLDS[name]
    if kind is not None:
        total = b.create("loop.reduce", [parts], [first.type], {"kind": kind}).result
    else:
        total = _lane(b, parts, 0, first.type)
        for i in range(1, lanes):
            total = b.create(name, [total, _lane(b, parts, i, first.type)], [first.type]).result
    if neutral is None:
        return total
    return b.create(name, [first, total], [first.type]).result


def _lane(b: Builder, v: Value, i: int, t: Type) -> Value:
    return b.create("loop.extract", [v], [t], {"lane": i}).result


PASS = Pass("vectorize", vectorize, "vectors in place of the iterations of marked loops")
