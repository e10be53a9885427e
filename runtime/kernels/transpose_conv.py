"""TRANSPOSE_CONV: float32, int8 (per tensor or per channel), uint8, int16x8, hybrid.

Float bound: the summation bound of filter area * in products and the bias; the reference scales
each product of a hybrid node (3 more roundings) before it adds it, where we add exactly first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import contraction, rounded
from litefuse.runtime.kernels.contraction import (
    bias_data,
    channel_multipliers,
    exact_sums,
    float_product_multiplier,
    fused_clamp,
    requantize_rows,
    require_bias,
    require_convolution_scales,
    require_filled,
    require_positive,
    require_symmetric_int16,
    tensor_scale,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import Axis, window_axis
from litefuse.runtime.kernels.hybrid import quantize_rows
from litefuse.runtime.model.enums import TensorType


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 0, which may be known only when the node runs."""
    require_inputs(ctx, 3, 4)
    size, w, x, y = ctx.input(0), ctx.input(1), ctx.input(2), ctx.outputs[0]
    bias = ctx.optional(3)
    require_rank(ctx, size, 1)
    require_dtype(ctx, size, "int32")
    require_rank(ctx, w, 4)
    require_rank(ctx, x, 4)
    require_filled(ctx, x, (1, 2, 3))
    require_filled(ctx, w, (0, 1, 2, 3))
    require_dtype(ctx, x, "float32", "int8", "uint8", "int16")
    require(y.dtype == x.dtype, ctx, f"output type {y.dtype} differs from the input's {x.dtype}")
    _require_filter(ctx, x, w)
    require(x.shape[3] == w.shape[3], ctx, f"input depth {x.shape[3]} is not {w.shape[3]}")
    if bias is not None:
        if x.dtype == np.uint8:  # whose zero point LiteRT does not look at
            require_dtype(ctx, bias, "int32")
        else:
            require_bias(ctx, x, bias, "int32", "int64")
        count = int(np.prod(bias.shape))
        require(count == w.shape[0], ctx, f"bias has shape {bias.shape}, needs ({w.shape[0]},)")
    if x.dtype == np.int16:
        require_symmetric_int16(ctx, x, bias)
    if x.dtype.kind != "f":
        require_convolution_scales(ctx, x, w, bias, w.shape[0])
    elif w.dtype.kind != "f":
        count = len(w.scales)
        require(count in (1, w.shape[0]), ctx, f"filter has {count} scales for {w.shape[0]}")
    require_positive(ctx, "stride_h", "stride_w", most=32767)
    return [None if size.data is None else _output_shape(ctx)]


def _require_filter(ctx: NodeContext, x: TensorValue, w: TensorValue) -> None:
    """LiteRT checks less: it reads the bytes of a filter of a wrong type as another type."""
    allowed = {
        "float32": (TensorType.FLOAT32, TensorType.INT8),
        "uint8": (TensorType.UINT8,),
    }.get(x.dtype.name, (TensorType.INT8,))
    require(
        w.tensor.type in allowed,
        ctx,
        f"a filter of type {w.tensor.type.name} for an input of {x.dtype}",
    )


def _output_shape(ctx: NodeContext) -> Shape:
    w, x = ctx.input(1), ctx.input(2)
    shape = tuple(int(d) for d in ctx.data(0))
    require(len(shape) == 4 and min(shape) >= 0, ctx, f"{shape} is no output shape of rank 4")
    require(shape[3] == w.shape[0], ctx, f"output depth {shape[3]} is not {w.shape[0]} filters")
    require(shape[0] == x.shape[0], ctx, f"output batch {shape[0]} is not {x.shape[0]}")
    require(min(shape[1:]) > 0, ctx, f"output {shape} is empty")
    sizes = tuple(axis.out for axis in _axes(ctx, shape))
    require(
        sizes == x.shape[1:3], ctx, f"output {shape} needs an image of {sizes}, not {x.shape[1:3]}"
    )
    return shape


def _axes(ctx: NodeContext, shape: Shape) -> tuple[Axis, Axis]:
    """Rows and columns of the forward convolution that this op transposes."""
    w, padding = ctx.input(1), int(ctx.option("padding", 0))
    return (
        window_axis(shape[1], w.shape[1], int(ctx.option("stride_h", 1)), 1, padding),
        window_axis(shape[2], w.shape[2], int(ctx.option("stride_w", 1)), 1, padding),
    )


def _scatter(ctx: NodeContext, x: Array, weights: Array, dtype: Any) -> Array:
    """Every input pixel times the filter, added up where the windows fall; `dtype` sums exactly."""
    shape = _output_shape(ctx)
    rows, columns = _axes(ctx, shape)
    n, height, width, depth = x.shape
    filters = weights.shape[0]
    _, out_h, out_w, _ = shape
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
    weights: Array = ctx.data(1).view(np.uint8 if xv.dtype == np.uint8 else np.int8)
    if xv.dtype == np.uint8:
        weights = weights.astype(np.int32) - tensor_zero_point(wv)
    largest = 32768 if xv.dtype == np.int16 else 255
    x = ctx.data(2).astype(np.int32) - tensor_zero_point(xv)
    sums = _scatter(ctx, x, weights, exact_sums(weights, 0, largest))
    bias = bias_data(ctx, 3)
    if xv.dtype == np.uint8:
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, wv.shape[0]))
    bounds = activation_range(fused_clamp(ctx), tensor_scale(yv), tensor_zero_point(yv), yv.dtype)
    promised = int(ctx.option("quantized_bias_type", 0))
    wide = xv.dtype == np.int16 and promised != TensorType.INT32
    out = ctx.out()
    flat, rows = (array.reshape(-1, out.shape[3]) for array in (out, sums))
    requantize_rows(flat, rows, bias, q, shift, tensor_zero_point(yv), bounds, wide)
    return out


def _hybrid(ctx: NodeContext, magnitude: bool = False) -> Array:
    """Float activations, integer weights: each batch entry of the image is quantised on its own.

    With `magnitude` the sum of the absolute values of the products.
    """
    x, w = ctx.data(2), ctx.input(1)
    require(len(x) > 0, ctx, "the batch is empty")
    rows = quantize_rows(x.reshape(x.shape[0], -1), asymmetric=True)
    centred = (rows.values.astype(np.int32) - rows.zero_points[:, None]).reshape(x.shape)
    weights = ctx.data(1).astype(np.int32)
    if magnitude:
        centred, weights = np.abs(centred), np.abs(weights)
    acc = _scatter(ctx, centred, weights, np.dtype(np.float64))
    scale = rows.scales[:, None] * np.broadcast_to(w.scales, w.shape[0])
    return np.asarray(acc.astype(np.float32) * scale.astype(np.float32)[:, None, None, :])


def _is_hybrid(ctx: NodeContext) -> bool:
    return ctx.input(2).dtype.kind == "f" and ctx.input(1).dtype.kind != "f"


def evaluate(ctx: NodeContext) -> list[Array]:
    """The transposed convolution of input 2 with the filter in input 1."""
    shape = _output_shape(ctx)
    hybrid = _is_hybrid(ctx)
    if shape[0] == 0 and not hybrid:
        return [np.zeros(shape, ctx.outputs[0].dtype)]
    if ctx.input(2).dtype.kind != "f":
        return [_integer(ctx)]
    if hybrid:
        y = _hybrid(ctx)
    else:
        y = np.ascontiguousarray(_scatter(ctx, ctx.data(2), ctx.data(1), np.float32))
    bias = bias_data(ctx, 3)
    if bias is not None:
        y += bias.ravel()
    return [clamp_float(y, fused_clamp(ctx))]


_FLOAT = contraction(
    evaluate,
    "filter area * in + 1",
    lambda ctx: int(np.prod(ctx.input(1).shape[1:])) + 1,
    x=2,
    w=1,
    bias=3,
)


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    """The reference scales each product of a hybrid node before it adds them up, in float32."""
    if not _is_hybrid(ctx):
        return _FLOAT.allowed(ctx, outputs)
    magnitude = _hybrid(ctx, magnitude=True)
    bias = bias_data(ctx, 3)
    if bias is not None:
        magnitude = magnitude + np.abs(bias.ravel())
    return [rounded(int(np.prod(ctx.input(1).shape[1:])) + 4, magnitude)]


_BOUND = Bound("summation bound, n = filter area * in + 1; hybrid: 3 more", _allowed)

KERNELS = (Kernel("TRANSPOSE_CONV", prepare, evaluate, bound=_BOUND),)
