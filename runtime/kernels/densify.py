"""DENSIFY: a constant stored sparse, which the model reader has expanded already. Any type."""

from __future__ import annotations

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_inputs,
    require_same_dtype,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_same_dtype(ctx, x, ctx.outputs[0])
    require(x.constant, ctx, "its input must be a constant")
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The dense array."""
    return [ctx.data(0).copy()]


KERNELS = (Kernel("DENSIFY", prepare, evaluate),)
