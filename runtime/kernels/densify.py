"""DENSIFY: a constant stored sparse, which the model reader has expanded already.

float32, float16 and int8; LiteRT takes other types until it runs.
"""

from __future__ import annotations

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require(x.constant, ctx, "its input must be a constant")
    require(x.tensor.sparsity is not None, ctx, f"tensor {x.name!r} is not stored sparse")
    require_same_dtype(ctx, x, ctx.outputs[0])
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The dense array."""
    require_dtype(ctx, ctx.input(0), "float32", "float16", "int8")
    return [ctx.data(0).copy()]


KERNELS = (Kernel("DENSIFY", prepare, evaluate),)
