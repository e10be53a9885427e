"""LOCAL_RESPONSE_NORMALIZATION: float32, four axes; within 4 ulp (the power)."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_dtype,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_rank(ctx, x, 4)
    require_dtype(ctx, x, "float32")
    require_same_dtype(ctx, x, ctx.outputs[0])
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """x * (bias + alpha * sum of squares of channels c - radius to c + radius - 1) ** -beta."""
    x = ctx.data(0)
    depth = x.shape[-1]
    radius = min(int(ctx.option("radius", 0)), depth)
    bias, alpha, beta = (np.float32(ctx.option(n, 0.0)) for n in ("bias", "alpha", "beta"))
    squares = x * x
    total = np.zeros_like(x)
    for step in range(-radius, radius):  # from low to high; LiteRT leaves out the last channel
        low, high = max(0, -step), min(depth, depth - step)
        if low < high:
            total[..., low:high] += squares[..., low + step : high + step]
    return [x * np.power(bias + alpha * total, -beta)]


KERNELS = (Kernel("LOCAL_RESPONSE_NORMALIZATION", prepare, evaluate, ulp=4),)
