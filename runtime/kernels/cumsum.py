"""CUMSUM: running sums along an axis; equal to the reference, whose order it keeps."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.reshape import require_scalar_axis


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 2)
    x, axis = ctx.input(0), ctx.input(1)
    require_type(ctx, x, "float32", "int32", "int64")
    require_same_type(ctx, x, ctx.outputs[0])
    require_dtype(ctx, axis, "int32")
    require(int(np.prod(axis.shape)) == 1, ctx, f"needs one axis, has shape {axis.shape}")
    require(len(x.shape) >= 1, ctx, "a scalar has no axis")
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Running sums along the axis, perhaps from the end, perhaps without the element itself."""
    x = ctx.data(0)
    axis = require_scalar_axis(ctx, int(ctx.data(1).ravel()[0]), x.ndim)
    if x.size == 0:
        return [np.zeros_like(x)]
    work = np.flip(x, axis) if ctx.option("reverse", False) else x
    total = np.cumsum(work, axis=axis, dtype=x.dtype)
    if ctx.option("exclusive", False):
        total = np.roll(total, 1, axis)
        total[tuple(0 if i == axis else slice(None) for i in range(x.ndim))] = 0
    return [np.flip(total, axis).copy() if ctx.option("reverse", False) else total]


KERNELS = (Kernel("CUMSUM", prepare, evaluate),)
