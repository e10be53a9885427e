"""Mark a contraction and the pooling window that alone reads it as a group, to be computed band of rows by band of rows.

Only windows that neither overlap nor stick out: then every row of the pool's output needs rows of its own, and no row of the
contraction is computed twice. The mark is an integer `group` on both ops; it never changes a result.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  "kern.return"(%1) : (tensor<1x2x2x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = [], group = 0 : i64} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = [], group = 0 : i64} : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  "kern.return"(%1) : (tensor<1x2x2x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Module, Operation
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.passes.support.walk import bodies


def fuse_pool(module: Module, context: PassContext) -> None:
    """Number the groups from 0 in each function."""
    for block in bodies(module):
        group = 0
        for op in block.ops:
            producer = _producer(op) if op.name == "kern.window" else None
            if producer is not None:
                producer.attributes["group"] = op.attributes["group"] = group
                group += 1
                context.count("pools grouped")


def _producer(window: Operation) -> Operation | None:
    x = window.operands[0]
    op = x.op
    if op is None or op.name != "kern.contract" or op["kind"] == "dense" or x.users != [window]:
        return None
    rows, columns = x.type.shape[1:3]  # type: ignore[attr-defined]
    high, wide = window["window"]
    if window["strides"] != (high, wide) or any(window["pad"]) or rows % high or columns % wide:
        return None
    # One window over the whole image leaves nothing to take in turn.
    return op if rows > high else None


PASS = Pass(
    "fuse_pool", fuse_pool, "group a contraction with the pooling window that alone reads it"
)
