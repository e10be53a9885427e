"""Drop what has no effect inside regions, as intervals prove it.

A clamp that no value reaches goes (the one behind an int8 maximum, or the second of two). A multiplication by a power of two of
what was shifted left before becomes a shorter shift: in a residual ADD that is the operand with the larger scale. Equal
constants become one, and what nobody reads goes.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<2x!quant.uniform<i8:f32, 0.5:0>>):
  %0 = "kern.map"(%x) ({
  ^bb0(%a: i32):
    %n = "arith.constant"() {value = 20 : i64} : () -> i32
    %1 = "arith.shli"(%a, %n) : (i32, i32) -> i32
    %m = "arith.constant"() {value = 1073741824 : i64} : () -> i32
    %s = "arith.constant"() {value = -18 : i64} : () -> i32
    %2 = "arith.mbqm"(%1, %m, %s) : (i32, i32, i32) -> i32
    %h = "arith.constant"() {value = 127 : i64} : () -> i32
    %3 = "arith.minsi"(%a, %h) : (i32, i32) -> i32
    %l = "arith.constant"() {value = -127 : i64} : () -> i32
    %4 = "arith.maxsi"(%3, %l) : (i32, i32) -> i32
    %5 = "arith.subi"(%4, %2) : (i32, i32) -> i32
    "kern.yield"(%5) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<2x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<2xsi32>
  "kern.return"(%0) : (tensor<2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<2x!quant.uniform<i8:f32, 0.5:0>>):
  %0 = "kern.map"(%x) ({
  ^bb0(%a: i32):
    %k = "arith.constant"() {value = 1 : i64} : () -> i32
    %2 = "arith.shli"(%a, %k) : (i32, i32) -> i32
    %l = "arith.constant"() {value = -127 : i64} : () -> i32
    %4 = "arith.maxsi"(%a, %l) : (i32, i32) -> i32
    %5 = "arith.subi"(%4, %2) : (i32, i32) -> i32
    "kern.yield"(%5) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<2x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<2xsi32>
  "kern.return"(%0) : (tensor<2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Block, Builder, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import erase_dead, replace_op
from litefuse.passes.support.intervals import Interval
from litefuse.passes.support.ranges import Ranges
from litefuse.passes.support.walk import bodies


def simplify_regions(module: Module, context: PassContext) -> None:
    """Simplify the region of every `kern` op that has one."""
    for block in bodies(module):
        ranges = Ranges()
        for op in block.ops:
            inside = ranges.visit(op)
            if inside is None:
                continue
            for inner in list(op.body.ops):
                if _useless_clamp(inner, inside) or _power_of_two(inner, inside):
                    context.count("region ops simplified")
            _merge_constants(op.body)
            erase_dead(op.body, context.dialects)


def _useless_clamp(op: Operation, inside: dict[Value, Interval]) -> bool:
    """min(x, c) where x is never above c, max(x, c) where x is never below."""
    if op.name not in ("arith.minsi", "arith.maxsi"):
        return False
    for x, c in (op.operands, op.operands[::-1]):
        limit = inside[c].exact
        if limit is None or inside[x].exact is not None:
            continue
        least, most = inside[x].low, inside[x].high
        inert = most <= limit if op.name == "arith.minsi" else least >= limit
        if inert.all():
            _forward(op, x)
            return True
    return False


def _power_of_two(op: Operation, inside: dict[Value, Interval]) -> bool:
    """mbqm(x << n, 2**30, s) is x << (n - 1 + s) while that is a left shift and nothing wraps: no bit is rounded away."""
    if op.name != "arith.mbqm":
        return False
    source, multiplier, shift = op.operands
    shl = source.op
    if shl is None or shl.name != "arith.shli" or op.block is None:
        return False
    s = inside[shift].exact
    n = inside[shl.operands[1]].exact
    if inside[multiplier].least != 1 << 30 or inside[multiplier].most != 1 << 30:
        return False
    if s is None or n is None or s.size != 1 or n.size != 1 or int(s) > 0:
        return False
    left, x = int(n) - 1 + int(s), inside[shl.operands[0]]
    # The shift before must not have wrapped: its bits above 31 would be lost where the shorter one keeps them.
    if left < 0 or x.magnitude << int(n) >= 1 << 31:
        return False
    builder = Builder(op.block, op, op.location)
    i32 = op.result.type
    amount = builder.create("arith.constant", (), [i32], {"value": left}).result
    shorter = builder.create("arith.shli", (shl.operands[0], amount), [i32]).result
    inside[amount], inside[shorter] = Interval.of(left, left), inside[op.result]
    replace_op(op, [shorter])
    return True


def _forward(op: Operation, value: Value) -> None:
    name = value.name
    replace_op(op, [value])
    value.name = name


def _merge_constants(block: Block) -> None:
    seen: dict[object, Value] = {}
    for op in list(block.ops):
        if op.name == "arith.constant":
            # By class and text as well: 0.0 equals -0.0, and NaN is not equal to itself.
            value = op["value"]
            first = seen.setdefault((op.result.type, type(value), repr(value)), op.result)
            if first is not op.result:
                op.result.replace_by(first)
                op.erase()


PASS = Pass("simplify_regions", simplify_regions, "drop what intervals prove to have no effect")
