"""Convolution2DTransposeBias, MediaPipe's: a transposed convolution with a bias, float32.

Its options are the C struct of TRANSPOSE_CONV's: int32 padding (1 SAME, 2 VALID), stride width,
stride height.  Float tolerance: 1e-5 of the output's range (another order of summation).
"""

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
    require_rank,
)
from litefuse.runtime.kernels.bounds import summation
from litefuse.runtime.kernels.custom.pool_struct import integers, padding_of
from litefuse.runtime.kernels.geometry import SAME, window_axis


def _strides(ctx: NodeContext) -> tuple[int, int, int]:
    """Padding (SAME or VALID of `geometry`), stride height, stride width."""
    padding, width, height = integers(ctx, 3)
    require(width > 0 and height > 0, ctx, f"strides {height}x{width} must be positive")
    return padding_of(ctx, padding), height, width


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, h * stride, w * stride, filters] with SAME; VALID adds what the last filter covers."""
    require_inputs(ctx, 3)
    x, w, bias = ctx.input(0), ctx.input(1), ctx.input(2)
    for value in (x, w, bias, ctx.outputs[0]):
        require_dtype(ctx, value, "float32")
    require_rank(ctx, x, 4)
    require_rank(ctx, w, 4)
    require_rank(ctx, bias, 1)
    require(x.shape[3] == w.shape[3], ctx, f"input depth {x.shape[3]} is not {w.shape[3]}")
    require(bias.shape[0] == w.shape[0], ctx, f"{bias.shape[0]} biases, {w.shape[0]} filters")
    padding, height, width = _strides(ctx)

    def grow(size: int, stride: int, kernel: int) -> int:
        return size * stride if padding == SAME else (size - 1) * stride + kernel

    return [
        (
            x.shape[0],
            grow(x.shape[1], height, w.shape[1]),
            grow(x.shape[2], width, w.shape[2]),
            w.shape[0],
        )
    ]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Every pixel times the filter, added up where the windows fall, and the bias."""
    x, weights, (_, out_h, out_w, filters) = ctx.data(0), ctx.data(1), ctx.outputs[0].shape
    padding, stride_h, stride_w = _strides(ctx)
    n, height, width, depth = x.shape
    rows = window_axis(out_h, weights.shape[1], stride_h, 1, padding)
    columns = window_axis(out_w, weights.shape[2], stride_w, 1, padding)
    span_h = max((height - 1) * stride_h + rows.kernel, rows.before + out_h)
    span_w = max((width - 1) * stride_w + columns.kernel, columns.before + out_w)
    canvas = np.zeros((n, span_h, span_w, filters), np.float32)
    flat = x.reshape(-1, depth)
    for i in range(rows.kernel):
        for j in range(columns.kernel):
            part = (flat @ weights[:, i, j, :].T).reshape(n, height, width, filters)
            canvas[
                :,
                i : i + (height - 1) * stride_h + 1 : stride_h,
                j : j + (width - 1) * stride_w + 1 : stride_w,
            ] += part
    top, left = rows.before, columns.before
    return [canvas[:, top : top + out_h, left : left + out_w] + ctx.data(2)]


_BOUND = summation(
    evaluate, "filter area * in + 1", lambda ctx: int(np.prod(ctx.input(1).shape[1:])) + 1
)

KERNELS = (Kernel("Convolution2DTransposeBias", prepare, evaluate, bound=_BOUND),)
