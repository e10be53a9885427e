"""LOCAL_RESPONSE_NORMALIZATION: float32, four axes.

Float bound: the base of the power is within n + 2 roundings of |bias| + |alpha| * the sum of n
squares (n products, n - 1 sums, alpha, bias); a part of the base becomes beta times that part of
the power, which is at most 2 roundings off itself, and the product with x is one more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_dtype,
)
from litefuse.runtime.kernels.bounds import gamma


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
    bias, alpha, beta = _numbers(ctx)
    return [x * accurate.power(bias + alpha * _squares(ctx), -beta)]


def _numbers(ctx: NodeContext) -> list[np.float32]:
    return [np.float32(ctx.option(name, 0.0)) for name in ("bias", "alpha", "beta")]


def _radius(ctx: NodeContext) -> int:
    return min(int(ctx.option("radius", 0)), ctx.input(0).shape[-1])


def _squares(ctx: NodeContext) -> Array:
    x, radius = ctx.data(0), _radius(ctx)
    depth = x.shape[-1]
    squares = x * x
    total = np.zeros_like(x)
    for step in range(-radius, radius):  # from low to high; LiteRT leaves out the last channel
        low, high = max(0, -step), min(depth, depth - step)
        if low < high:
            total[..., low:high] += squares[..., low + step : high + step]
    return total


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    total = _squares(ctx).astype(np.float64)
    bias, alpha, beta = (np.float64(number) for number in _numbers(ctx))
    off = gamma(2 * _radius(ctx) + 2) * (np.abs(bias) + np.abs(alpha) * total)
    part = off / np.abs(bias + alpha * total)
    return [2 * np.abs(outputs[0]) * (np.expm1(np.abs(beta) * part) + gamma(3))]


_BOUND = Bound("2 beta times what the base may be off, as a part of it, and 3 roundings", _allowed)

KERNELS = (Kernel("LOCAL_RESPONSE_NORMALIZATION", prepare, evaluate, bound=_BOUND),)
