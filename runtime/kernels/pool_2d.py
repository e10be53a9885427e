"""AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D.

Average and max: float32, int8, uint8, int16; L2: float32.  Float bound: the average's is the
summation bound of a window; L2's squares do not cancel, and the root halves their relative error.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.activation import clamp_float
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
from litefuse.runtime.kernels.bounds import relative, summation
from litefuse.runtime.kernels.contraction import fused_clamp
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import Axis, pad_image, pool_axes


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, out_h, out_w, c]."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_rank(ctx, x, 4)
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, x, "float32", "int8", "uint8", "int16")
    rows, columns = pool_axes(ctx)
    return [(x.shape[0], rows.out, columns.out, x.shape[3])]


def _prepare_float(ctx: NodeContext) -> list[Shape | None]:
    require_dtype(ctx, ctx.input(0), "float32")
    return prepare(ctx)


def _counts(rows: Axis, columns: Axis) -> Array:
    """Number of real pixels under each window, [out_h, out_w, 1]."""

    def along(axis: Axis) -> Array:
        first = np.arange(axis.out) * axis.stride - axis.before
        return np.minimum(first + axis.kernel, axis.size) - np.maximum(first, 0)

    return (along(rows)[:, None] * along(columns)[None, :])[:, :, None]


def _window_sum(x: Array, rows: Axis, columns: Axis, dtype: npt.DTypeLike) -> Array:
    padded = pad_image(x, rows, columns)
    total = np.zeros((x.shape[0], rows.out, columns.out, x.shape[3]), dtype)
    for i in range(rows.kernel):
        for j in range(columns.kernel):
            total += padded[:, rows.taps(i), columns.taps(j), :]
    return total


def evaluate_average(ctx: NodeContext) -> list[Array]:
    """The mean of the real pixels under each window; integers round half away from zero."""
    yv = ctx.outputs[0]
    if 0 in ctx.outputs[0].shape:
        return [ctx.out()]
    rows, columns = pool_axes(ctx)
    count = _counts(rows, columns)
    activation = fused_clamp(ctx)
    if yv.dtype.kind == "f":
        total = _window_sum(ctx.data(0), rows, columns, np.float32)
        return [clamp_float(total / count.astype(np.float32), activation)]
    total = _window_sum(ctx.data(0), rows, columns, np.int32)
    half = count // 2
    mean = np.where(total > 0, (total + half) // count, -((half - total) // count))
    return [_clamp_integer(ctx, mean, activation)]


def evaluate_max(ctx: NodeContext) -> list[Array]:
    """The largest real pixel under each window; NaN is passed over."""
    x = ctx.data(0)
    ctx.outputs[0]
    if 0 in ctx.outputs[0].shape:
        return [ctx.out()]
    rows, columns = pool_axes(ctx)
    lowest = float(np.finfo(np.float32).min) if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    padded = pad_image(x, rows, columns, lowest)
    best = ctx.out()
    best[...] = lowest
    for i in range(rows.kernel):
        for j in range(columns.kernel):
            # As the reference's comparison has it, a NaN is never the larger.
            np.fmax(best, padded[:, rows.taps(i), columns.taps(j), :], out=best)
    activation = fused_clamp(ctx)
    if x.dtype.kind == "f":
        return [clamp_float(best, activation)]
    return [_clamp_integer(ctx, best, activation)]


def evaluate_l2(ctx: NodeContext) -> list[Array]:
    """The root mean square of the real pixels under each window."""
    if 0 in ctx.outputs[0].shape:
        return [ctx.out()]
    rows, columns = pool_axes(ctx)
    total = _window_sum(np.square(ctx.data(0)), rows, columns, np.float32)
    mean = total / _counts(rows, columns).astype(np.float32)
    return [clamp_float(np.sqrt(mean), fused_clamp(ctx))]


def _clamp_integer(ctx: NodeContext, x: Array, activation: str) -> Array:
    yv = ctx.outputs[0]
    if activation == "NONE":
        return x.astype(yv.dtype, copy=False)
    bounds = activation_range(activation, yv.scale, yv.zero_point, yv.dtype)
    return np.asarray(np.clip(x, *bounds).astype(yv.dtype))


def _window(ctx: NodeContext) -> int:
    rows, columns = pool_axes(ctx)
    return rows.kernel * columns.kernel


KERNELS = (
    Kernel(
        "AVERAGE_POOL_2D",
        prepare,
        evaluate_average,
        bound=summation(evaluate_average, "window + 1", lambda ctx: _window(ctx) + 1),
    ),
    Kernel("MAX_POOL_2D", prepare, evaluate_max),
    Kernel(
        "L2_POOL_2D",
        _prepare_float,
        evaluate_l2,
        bound=relative("relative, window / 2 + 3 roundings", lambda ctx: _window(ctx) / 2 + 3),
    ),
)
