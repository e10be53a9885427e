"""Prove what integers can be, and write it where code generation can use it.

Every `arith.mbqm` with known multipliers learns the largest magnitude of what it multiplies (from the actual weights and bias),
the range of its shifts, how many trailing zero bits a multiplier has, and whether a later clamp makes negative results all the
same. Every int8 contraction learns the range of x, which a ReLU before it halves (`x_range`, padding included).

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

import math

import numpy as np

from litefuse.compiler.ir.core import Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import IntegerType, QuantizedType, TensorType
from litefuse.passes.support.constants import constant
from litefuse.passes.support.intervals import Interval, region_intervals
from litefuse.passes.support.walk import bodies

# Number of operands that are not extras.
_FIRST_EXTRA = {"kern.contract": 2, "kern.window": 1, "kern.reduce": 1, "kern.map": 0}
_MOVES = (
    "kern.reshape",
    "kern.transpose",
    "kern.slice",
    "kern.resize_nearest",
    "kern.concat",
    "kern.pad",
)


def prove_bounds(module: Module, context: PassContext) -> None:
    """Annotate every region's `arith.mbqm` and every int8 contraction."""
    for block in bodies(module):
        ranges: dict[Value, Interval] = {}
        for op in block.ops:
            if op.name in _FIRST_EXTRA:
                known = region_intervals(op.body, _arguments(op, ranges))
                for inner in op.body.ops:
                    if inner.name == "arith.mbqm":
                        context.count("multiplications bounded", _annotate(inner, known))
                _remember(op, known, ranges)
            elif op.name in _MOVES:
                _moved(op, ranges)


def _range(value: Value, ranges: dict[Value, Interval]) -> Interval | None:
    """What the stored elements can be; None where they are not integers of up to 32 bits."""
    known = ranges.get(value)
    if known is not None:
        return known
    t = value.type
    element = t.element if isinstance(t, TensorType) else t
    storage = element.storage if isinstance(element, QuantizedType) else element
    if not isinstance(storage, IntegerType) or storage.width > 32:
        return None
    if storage.signedness == "u":
        return Interval.of(0, 2**storage.width - 1)
    half = 2 ** (storage.width - 1)
    return Interval.of(-half, half - 1)


def _arguments(op: Operation, ranges: dict[Value, Interval]) -> list[Interval | None]:
    first = _FIRST_EXTRA[op.name]
    found: list[Interval | None] = []
    if op.name == "kern.contract":
        found.append(_sums_of_products(op, ranges))
    elif op.name == "kern.window":
        taps = math.prod(op["window"])
        x = _range(op.operands[0], ranges)
        found += [x if op["kind"] == "max" else _sums(x, taps), Interval.of(1, taps)]
    elif op.name == "kern.reduce":
        x = _range(op.operands[0], ranges)
        shape = op.operands[0].type.shape  # type: ignore[attr-defined]
        count = math.prod(shape[a] for a in op["axes"])
        found.append(_sums(x, count) if op["kind"] == "sum" else x)
    for value, role in zip(op.operands[first:], op["roles"], strict=True):
        array = constant(value)
        if array is not None and array.dtype.kind == "i" and array.size:
            if role == "channel" or array.size == 1:
                found.append(Interval.of(array.reshape(-1), array.reshape(-1)))
            else:
                found.append(Interval.of(array.min(), array.max()))
        else:
            found.append(_range(value, ranges))
    return found


def _sums(x: Interval | None, taps: int) -> Interval | None:
    """The sum of at least one and at most `taps` elements."""
    if x is None:
        return None
    return Interval.of(min(x.least, x.least * taps), max(x.most, x.most * taps))


def _sums_of_products(op: Operation, ranges: dict[Value, Interval]) -> Interval | None:
    x, w = _range(op.operands[0], ranges), constant(op.operands[1])
    if x is None:
        return None
    low, high = x.least, x.most
    zero_point = int(op.get("x_zero_point", 0))
    if any(op.get("pad", ())):
        outside = int(op.get("pad_value", zero_point))
        low, high = min(low, outside), max(high, outside)
    op.attributes["x_range"] = (low, high)
    if w is None or w.dtype.kind != "i":
        return None
    low, high = low - zero_point, high - zero_point
    over = (0, 1, 2) if op["kind"] == "depthwise" else tuple(range(1, w.ndim))
    wide = w.astype(np.int64)
    positive, negative = np.maximum(wide, 0).sum(axis=over), np.minimum(wide, 0).sum(axis=over)
    return Interval.of(positive * low + negative * high, positive * high + negative * low)


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
    op.attributes["clamped_below"] = _clamped_below(op, known)
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


def _remember(op: Operation, known: dict[Value, Interval], ranges: dict[Value, Interval]) -> None:
    stored = _range(op.result, {})
    yielded = known.get(op.body.terminator.operands[0])
    if stored is None or yielded is None:
        return
    if yielded.least >= stored.least and yielded.most <= stored.most:
        ranges[op.result] = Interval.of(yielded.least, yielded.most)


def _moved(op: Operation, ranges: dict[Value, Interval]) -> None:
    found = [_range(v, ranges) for v in op.operands]
    if any(x is None for x in found):
        return
    low = min(x.least for x in found if x is not None)
    high = max(x.most for x in found if x is not None)
    if op.name == "kern.pad":
        low, high = min(low, int(op["value"])), max(high, int(op["value"]))
    ranges[op.result] = Interval.of(low, high)


PASS = Pass("prove_bounds", prove_bounds, "write what integers can be at most on mbqm and contract")
