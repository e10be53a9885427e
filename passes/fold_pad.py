"""Fold a spatial `kern.pad` into the padding of the contractions that read it.

That needs the pad's value to be what the contraction's own padding holds (`pad_value`), or a contraction without padding of its
own, which can take any value. All readers must be able to: otherwise the padded tensor has to exist anyway.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x3x3x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f64} : (tensor<1x4x4x1xf32>) -> tensor<1x6x6x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, groups = 1 : i64, pad_value = 0.0 : f64, roles = []} : (tensor<1x6x6x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x4x4x1xf32>
  "kern.return"(%1) : (tensor<1x4x4x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x3x3x1xf32>):
  %1 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, groups = 1 : i64, pad_value = 0.0 : f64, roles = []} : (tensor<1x4x4x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x4x4x1xf32>
  "kern.return"(%1) : (tensor<1x4x4x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Module, Operation
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.passes.support.walk import bodies


def fold_pad(module: Module, context: PassContext) -> None:
    """Fold each pad whose readers can all take it."""
    for block in bodies(module):
        for op in list(block.ops):
            if op.name == "kern.pad" and _spatial(op) and _all_can(op):
                for user in op.result.users:
                    _take(user, op)
                op.erase()
                context.count("pads folded")


def _spatial(pad: Operation) -> bool:
    """Whether only rows and columns of an NHWC tensor grow."""
    low, high = pad["low"], pad["high"]
    return len(low) == 4 and not any((low[0], high[0], low[3], high[3]))


def _all_can(pad: Operation) -> bool:
    users = pad.result.users
    return bool(users) and all(
        user.name == "kern.contract"
        and user["kind"] in ("conv", "depthwise")
        and pad.result.uses.count((user, 0)) == 1
        and all(index == 0 for op, index in pad.result.uses if op is user)
        and (
            not any(user["pad"])
            or user.get("pad_value", user.get("x_zero_point", 0)) == pad["value"]
        )
        for user in users
    )


def _take(user: Operation, pad: Operation) -> None:
    (_, top, left, _), (_, bottom, right, _) = pad["low"], pad["high"]
    own = user["pad"]
    user.attributes["pad"] = (own[0] + top, own[1] + bottom, own[2] + left, own[3] + right)
    user.attributes["pad_value"] = pad["value"]
    user.set_operand(0, pad.operands[0])
    user.location = pad.location + user.location


PASS = Pass("fold_pad", fold_pad, "padding becomes part of the contraction that reads it")
