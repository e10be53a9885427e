"""TRANSPOSE_CONV: float32, int8 (per tensor or per channel), uint8, int16x8, hybrid.

Float bound: the summation bound of filter area * in products and the bias; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float, require_clamp
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
from litefuse.runtime.kernels.bounds import contraction
from litefuse.runtime.kernels.contraction import (
    bias_data,
    channel_multipliers,
    exact_dtype,
    float_product_multiplier,
    requantize,
    requantize64,
)
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import Axis, window_axis
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 0."""
    require_inputs(ctx, 3, 4)
    size, w, x = ctx.input(0), ctx.input(1), ctx.input(2)
    require_dtype(ctx, size, "int32")
    require_rank(ctx, w, 4)
    require_rank(ctx, x, 4)
    require_dtype(ctx, x, "float32", "int8", "uint8", "int16")
    require(x.shape[3] == w.shape[3], ctx, f"input depth {x.shape[3]} is not {w.shape[3]}")
    require_clamp(ctx)
    if w.dtype.kind != "f":
        require(len(w.scales) in (1, w.shape[0]), ctx, f"filter has {len(w.scales)} scales")
    if size.data is None:
        return [None]
    require(size.shape == (4,), ctx, f"output shape has {size.shape} entries, needs 4")
    shape = tuple(int(d) for d in size.data)
    require(shape[3] == w.shape[0], ctx, f"output depth {shape[3]} is not {w.shape[0]} filters")
    require(shape[0] == x.shape[0], ctx, f"output batch {shape[0]} is not {x.shape[0]}")
    return [shape]


def _axes(ctx: NodeContext) -> tuple[Axis, Axis]:
    """Rows and columns of the forward convolution that this op transposes."""
    out, w = ctx.outputs[0].shape, ctx.input(1)
    padding = int(ctx.option("padding", 0))
    return (
        window_axis(out[1], w.shape[1], int(ctx.option("stride_h", 1)), 1, padding),
        window_axis(out[2], w.shape[2], int(ctx.option("stride_w", 1)), 1, padding),
    )


def _scatter(ctx: NodeContext, x: Array, weights: Array, dtype: Any) -> Array:
    """Every input pixel times the filter, added up where the windows fall; `dtype` sums exactly."""
    rows, columns = _axes(ctx)
    n, height, width, depth = x.shape
    filters = weights.shape[0]
    _, out_h, out_w, _ = ctx.outputs[0].shape
    span_h = max((height - 1) * rows.stride + rows.kernel, rows.before + out_h)
    span_w = max((width - 1) * columns.stride + columns.kernel, columns.before + out_w)
    canvas = np.zeros((n, span_h, span_w, filters), dtype)
    flat = x.reshape(-1, depth).astype(dtype, copy=False)
    for i in range(rows.kernel):
        for j in range(columns.kernel):
            part = flat @ weights[:, i, j, :].T.astype(dtype, copy=False)
            canvas[
                :,
                i : i + (height - 1) * rows.stride + 1 : rows.stride,
                j : j + (width - 1) * columns.stride + 1 : columns.stride,
            ] += part.reshape(n, height, width, filters)
    top, left = rows.before, columns.before
    return canvas[:, top : top + out_h, left : left + out_w]


def _integer(ctx: NodeContext) -> Array:
    wv, xv, yv = ctx.input(1), ctx.input(2), ctx.outputs[0]
    weights = ctx.data(1).astype(np.int32)
    if wv.dtype == np.uint8:
        weights = weights - wv.zero_point
    largest = 32768 if xv.dtype == np.int16 else 255
    flat = weights.reshape(len(weights), -1).T
    x = ctx.data(2).astype(np.int32) - xv.zero_point
    acc = _scatter(ctx, x, weights, exact_dtype(flat, largest)).astype(np.int64)
    bias = bias_data(ctx, 3)
    if bias is not None:
        acc += bias.ravel().astype(np.int64)
    if xv.dtype == np.uint8:
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, wv.shape[0]))
    bounds = activation_range(require_clamp(ctx), yv.scale, yv.zero_point, yv.dtype)
    wide = xv.dtype == np.int16 and (bias is None or bias.dtype == np.int64)
    finish = requantize64 if wide else requantize
    return finish(acc, q, shift, yv.zero_point, bounds, yv.dtype)


def _hybrid(ctx: NodeContext) -> Array:
    """Float activations, integer weights: each batch entry of the image is quantised on its own."""
    x, w = ctx.data(2), ctx.input(1)
    rows = quantize_rows(x.reshape(x.shape[0], -1), asymmetric=True)
    centred = (rows.values.astype(np.int32) - rows.zero_points[:, None]).reshape(x.shape)
    weights = hybrid_weights(ctx.data(1)).astype(np.int32)
    acc = _scatter(ctx, centred, weights, np.dtype(np.float64))
    scale = rows.scales[:, None] * np.broadcast_to(w.scales, w.shape[0])
    return np.asarray(acc.astype(np.float32) * scale.astype(np.float32)[:, None, None, :])


def evaluate(ctx: NodeContext) -> list[Array]:
    """The transposed convolution of input 2 with the filter in input 1."""
    if ctx.input(2).dtype.kind != "f":
        return [_integer(ctx)]
    if ctx.input(1).dtype.kind == "f":
        y = np.ascontiguousarray(_scatter(ctx, ctx.data(2), ctx.data(1), np.float32))
    else:
        y = _hybrid(ctx)
    bias = bias_data(ctx, 3)
    if bias is not None:
        y += bias.ravel()
    return [clamp_float(y, require_clamp(ctx))]


_BOUND = contraction(
    evaluate,
    "filter area * in + 1",
    lambda ctx: int(np.prod(ctx.input(1).shape[1:])) + 1,
    x=2,
    w=1,
    bias=3,
)

KERNELS = (Kernel("TRANSPOSE_CONV", prepare, evaluate, bound=_BOUND),)
