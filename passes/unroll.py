"""Loops marked `unroll = N` run N iterations a turn; one with at most N iterations in all leaves no loop behind.

Iterations that do not fill a turn follow the loop one by one, or in a loop of their own where the bounds are only known
when the code runs.

Before:
```mlir
"loop.func"() ({
^bb0(%x: !loop.ptr, %begin: index, %end: index):
  %0 = "arith.constant"() {value = 0 : i64} : () -> index
  %1 = "arith.constant"() {value = 5 : i64} : () -> index
  %2 = "arith.constant"() {value = 0.0 : f64} : () -> f32
  "loop.for"(%0, %1) ({
  ^bb1(%i: index):
    "loop.store"(%2, %x, %i) : (f32, !loop.ptr, index) -> ()
    "loop.yield"() : () -> ()
  }) {step = 1 : i64, unroll = 2 : i64} : (index, index) -> ()
  "loop.return"() : () -> ()
}) {sym_name = "clear"} : () -> ()
```
After:
```mlir
"loop.func"() ({
^bb0(%x: !loop.ptr, %begin: index, %end: index):
  %0 = "arith.constant"() {value = 0 : i64} : () -> index
  %1 = "arith.constant"() {value = 5 : i64} : () -> index
  %2 = "arith.constant"() {value = 0.0 : f64} : () -> f32
  %3 = "arith.constant"() {value = 4 : i64} : () -> index
  "loop.for"(%0, %3) ({
  ^bb1(%i: index):
    "loop.store"(%2, %x, %i) : (f32, !loop.ptr, index) -> ()
    %4 = "arith.constant"() {value = 1 : i64} : () -> index
    %5 = "arith.addi"(%i, %4) : (index, index) -> index
    "loop.store"(%2, %x, %5) : (f32, !loop.ptr, index) -> ()
    "loop.yield"() : () -> ()
  }) {step = 2 : i64} : (index, index) -> ()
  %6 = "arith.constant"() {value = 4 : i64} : () -> index
  "loop.store"(%2, %x, %6) : (f32, !loop.ptr, index) -> ()
  "loop.return"() : () -> ()
}) {sym_name = "clear"} : () -> ()
```
"""

from __future__ import annotations

from collections.abc import Sequence

from litefuse.compiler.ir.core import Block, Builder, IRError, Module, Operation, Region, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import INDEX
from litefuse.passes.support.counted import index_constant, known_number


def unroll(module: Module, context: PassContext) -> None:
    """Rewrite every marked loop, inner ones first."""
    for op in module.ops:
        for region in op.regions:
            _block(region.block, context)


def _block(block: Block, context: PassContext) -> None:
    for op in list(block.ops):
        for region in op.regions:
            _block(region.block, context)
        if op.name == "loop.for" and "unroll" in op.attributes:
            times = op.attributes.pop("unroll")
            if times < 1:
                raise IRError(
                    f"a loop is marked to be unrolled {times} times; it must be at least 1"
                )
            if times > 1:
                _loop(op, times)
                context.count("loops unrolled")


def _loop(op: Operation, times: int) -> None:
    block = op.block
    assert block is not None
    written = Block()
    results = _write(op, times, Builder(written, None, op.location))
    at = block.ops.index(op)
    for new in written.ops:
        new.block = block
    block.ops[at:at] = written.ops
    for old, value in zip(op.results, results, strict=True):
        old.replace_by(value)
    op.erase()


def _write(op: Operation, times: int, b: Builder) -> list[Value]:
    lower, upper, *carried = op.operands
    step = op["step"]
    first, last = known_number(lower), known_number(upper)
    if first is None or last is None:
        return _dynamic(op, times, b)
    trip = max(0, -(-(last - first) // step))
    main = trip - trip % times if trip > times else 0
    if main:
        carried = _turns(op, times, b, lower, index_constant(b, first + main * step), carried)
    for i in range(main, trip):
        carried = _copy(op, b, index_constant(b, first + i * step), carried)
    return carried


def _dynamic(op: Operation, times: int, b: Builder) -> list[Value]:
    lower, upper, *carried = op.operands
    width = index_constant(b, times * op["step"])
    span = b.create("arith.subi", [upper, lower], [INDEX]).result
    turns = b.create("arith.divsi", [span, width], [INDEX]).result
    whole = b.create("arith.muli", [turns, width], [INDEX]).result
    middle = b.create("arith.addi", [lower, whole], [INDEX]).result
    carried = _turns(op, times, b, lower, middle, carried)
    rest = op.clone()
    # A negative span divides to nothing or less: the rest then starts at or after its end as well.
    rest.set_operands([middle, upper, *carried])
    b.insert(rest)
    return rest.results


def _turns(
    op: Operation, times: int, b: Builder, lower: Value, upper: Value, carried: Sequence[Value]
) -> list[Value]:
    block = Block([INDEX, *(v.type for v in carried)])
    for old, new in zip(op.body.args, block.args, strict=True):
        new.name = old.name
    inside = Builder(block, None, op.location)
    counter, *values = block.args
    for i in range(times):
        at = counter
        if i:
            at = inside.create(
                "arith.addi", [counter, index_constant(inside, i * op["step"])], [INDEX]
            ).result
        values = _copy(op, inside, at, values)
    inside.create("loop.yield", values)
    attributes = {**op.attributes, "step": op["step"] * times}
    return b.create(
        "loop.for", [lower, upper, *carried], [v.type for v in carried], attributes, [Region(block)]
    ).results


def _copy(op: Operation, b: Builder, counter: Value, carried: Sequence[Value]) -> list[Value]:
    """One iteration."""
    mapping: dict[Value, Value] = dict(zip(op.body.args, [counter, *carried], strict=True))
    for o in op.body.ops[:-1]:
        b.insert(o.clone(mapping))
    return [mapping.get(v, v) for v in op.body.terminator.operands]


PASS = Pass("unroll", unroll, "several iterations a turn of marked loops")
