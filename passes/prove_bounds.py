"""Prove what integers can be, and write it where code generation can use it.

Every `arith.mbqm` with known multipliers learns the largest magnitude of what it multiplies (from the actual weights and bias),
the range of its shifts, how many trailing zero bits a multiplier has, and whether negative results are all the same: because a
later clamp swallows them, or because there are none. Every int8 contraction learns the range of x, which a ReLU before it
halves (`x_range`, padding included).

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>):
  %w = "kern.const"() {value = dense<[[1, -2]]> : tensor<1x2xsi8>} : () -> tensor<1x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    %m = "arith.constant"() {value = 1073741824 : i64} : () -> i32
    %s = "arith.constant"() {value = -1 : i64} : () -> i32
    %1 = "arith.mbqm"(%a, %m, %s) : (i32, i32, i32) -> i32
    %z = "arith.constant"() {value = 3 : i64} : () -> i32
    %2 = "arith.addi"(%1, %z) : (i32, i32) -> i32
    %3 = "arith.maxsi"(%2, %z) : (i32, i32) -> i32
    "kern.yield"(%3) : (i32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x2xsi8>) -> tensor<1x1x!quant.uniform<i8:f32, 1.0:3>>
  "kern.return"(%0) : (tensor<1x1x!quant.uniform<i8:f32, 1.0:3>>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>):
  %w = "kern.const"() {value = dense<[[1, -2]]> : tensor<1x2xsi8>} : () -> tensor<1x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    %m = "arith.constant"() {value = 1073741824 : i64} : () -> i32
    %s = "arith.constant"() {value = -1 : i64} : () -> i32
    %1 = "arith.mbqm"(%a, %m, %s) {x_bound = 383 : i64, shift_range = array<i64: -1, -1>, max_trailing_zeros = 30 : i64, clamped_below = true} : (i32, i32, i32) -> i32
    %z = "arith.constant"() {value = 3 : i64} : () -> i32
    %2 = "arith.addi"(%1, %z) : (i32, i32) -> i32
    %3 = "arith.maxsi"(%2, %z) : (i32, i32) -> i32
    "kern.yield"(%3) : (i32) -> ()
  }) {kind = "dense", roles = [], x_range = array<i64: -128, 127>} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x2xsi8>) -> tensor<1x1x!quant.uniform<i8:f32, 1.0:3>>
  "kern.return"(%0) : (tensor<1x1x!quant.uniform<i8:f32, 1.0:3>>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

import numpy as np

from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.passes.support.intervals import Interval
from litefuse.passes.support.ranges import Ranges
from litefuse.passes.support.walk import bodies


def prove_bounds(module: Module, context: PassContext) -> None:
    """Annotate every region's `arith.mbqm` and every int8 contraction."""
    for block in bodies(module):
        ranges = Ranges()
        for op in block.ops:
            inside = ranges.visit(op)
            if inside is None:
                continue
            for inner in op.body.ops:
                if inner.name == "arith.mbqm":
                    context.count("multiplications bounded", _annotate(inner, inside))
            x = ranges.of_x(op) if op.name == "kern.contract" else None
            if x is not None:
                op.attributes["x_range"] = (x.least, x.most)


def _annotate(op: Operation, known: dict[Value, Interval]) -> int:
    x, multiplier, shift = (known[v] for v in op.operands)
    if multiplier.exact is None or shift.exact is None:
        return 0
    used = multiplier.exact[multiplier.exact != 0]
    # Trailing zeros: the lowest set bit, of multipliers that are not 0 (those give 0 whatever the rounding).
    lowest = (used & -used) if used.size else np.ones(1, np.int64)
    op.attributes["x_bound"] = x.magnitude
    op.attributes["shift_range"] = (shift.least, shift.most)
    op.attributes["max_trailing_zeros"] = int(lowest.max()).bit_length() - 1
    op.attributes["clamped_below"] = x.least >= 0 or _clamped_below(op, known)
    return 1


def _clamped_below(op: Operation, known: dict[Value, Interval]) -> bool:
    """Whether a maximum follows that swallows every result of at most 0: with or without a zero point in between."""
    value, zero_point = op.result, 0
    for _ in range(2):
        users = value.uses
        if len(users) != 1:
            return False
        user, index = users[0]
        if user.name not in ("arith.addi", "arith.maxsi"):
            return False
        other = known.get(user.operands[1 - index])
        if other is None or other.exact is None:
            return False
        if user.name == "arith.maxsi":
            return other.least >= zero_point
        value, zero_point = user.result, other.most
    return False


PASS = Pass("prove_bounds", prove_bounds, "write what integers can be at most on mbqm and contract")
