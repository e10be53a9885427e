"""DEPTHWISE_CONV_2D: float32, int8 (per tensor or per channel), uint8, int16x8, hybrid.

Float bound: the summation bound of filter area products and the bias; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import contraction
from litefuse.runtime.kernels.contraction import (
    bias_data,
    channel_multipliers,
    float_product_multiplier,
    fused_clamp,
    requantize_rows,
    require_bias,
    require_convolution_scales,
    require_filled,
    require_positive,
    tensor_scale,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import conv_axes, require_window
from litefuse.runtime.kernels.hybrid import quantize_rows
from litefuse.runtime.kernels.tiles import convolve_depthwise
from litefuse.runtime.model.enums import TensorType


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, out_h, out_w, in * multiplier]."""
    require_inputs(ctx, 2, 3)
    x, w, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    bias = ctx.input(2) if len(ctx.inputs) == 3 else None
    require_rank(ctx, x, 4)
    require_rank(ctx, w, 4)
    require_filled(ctx, x, (1, 2, 3))
    require_filled(ctx, w, (1, 2, 3))
    require_positive(
        ctx, "stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor", most=32767
    )
    require_dtype(ctx, x, "float32", "uint8", "int8", "int16")
    require(y.dtype == x.dtype, ctx, f"output type {y.dtype} differs from the input's {x.dtype}")
    _require_filter(ctx, x, w)
    if bias is not None:
        require_bias(ctx, x, bias, "int64")
        require(
            bias.shape == (w.shape[3],), ctx, f"bias has shape {bias.shape}, needs ({w.shape[3]},)"
        )
    if x.dtype == np.int16:
        for value in (x, y):
            point = tensor_zero_point(value)
            require(point == 0, ctx, f"int16 tensor {value.name!r} has zero point {point}, needs 0")
    if x.dtype.kind != "f":
        require_convolution_scales(ctx, x, w, bias, w.shape[3])
    elif w.dtype.kind != "f":
        _require_hybrid(ctx, w)
    rows, columns = conv_axes(ctx)
    require_window(ctx, rows, columns)
    return [(x.shape[0], rows.out, columns.out, w.shape[3])]


def _require_filter(ctx: NodeContext, x: TensorValue, w: TensorValue) -> None:
    """LiteRT checks less: with int16 or int4 it reads the bytes of some types as another's."""
    allowed = {
        "float32": (TensorType.FLOAT32, TensorType.INT8),
        "uint8": (TensorType.UINT8,),
        "int8": (TensorType.INT8, TensorType.INT4),
        "int16": (TensorType.INT8, TensorType.UINT8),
    }[x.dtype.name]
    require(
        w.tensor.type in allowed,
        ctx,
        f"a filter of type {w.tensor.type.name} for an input of {x.dtype}",
    )
    require(w.shape[0] == 1, ctx, f"filter shape {w.shape} must begin with 1")
    require(
        w.shape[3] % x.shape[3] == 0,
        ctx,
        f"{w.shape[3]} filter channels are not a multiple of the input's {x.shape[3]}",
    )


def _require_hybrid(ctx: NodeContext, w: TensorValue) -> None:
    """A scale for each channel; one for all where the file says that axis 0, of size 1, has it."""
    count = len(w.scales)
    axis = w.tensor.quantization.quantized_dimension  # type: ignore[union-attr]
    require(
        count == w.shape[axis] and count in (1, w.shape[3]),
        ctx,
        f"filter has {count} scales along axis {axis} of shape {w.shape}",
    )


def _float(ctx: NodeContext) -> Array:
    out, bias, clamp = ctx.out(), bias_data(ctx, 2), fused_clamp(ctx)
    flat = out.reshape(-1, out.shape[3])
    for _, y in convolve_depthwise(ctx.data(0), ctx.data(1)[0], conv_axes(ctx), out=flat):
        if bias is not None:
            y += bias.ravel()
        clamp_float(y, clamp)
    return out


def _hybrid(ctx: NodeContext) -> Array:
    """Float activations, integer weights: one scale and zero point per batch entry."""
    x, w, out = ctx.data(0), ctx.input(1), ctx.out()
    require(len(x) > 0, ctx, "the batch is empty")
    weights, bias, clamp = ctx.data(1)[0].astype(np.int32), bias_data(ctx, 2), fused_clamp(ctx)
    for image, y in zip(x, out, strict=True):
        rows = quantize_rows(image.reshape(1, -1), asymmetric=True)
        values = rows.values.reshape(1, *image.shape)
        flat, point = y.reshape(-1, y.shape[2]), int(rows.zero_points[0])
        for positions, sums in convolve_depthwise(values, weights, conv_axes(ctx), point):
            part = flat[positions]
            part[...] = sums
            part *= w.scales * rows.scales[0]
            if bias is not None:
                part += bias
            clamp_float(part, clamp)
    return out


def _integer(ctx: NodeContext) -> Array:
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    wide = xv.dtype == np.int16
    stored = ctx.data(1)[0].view(np.uint8 if xv.dtype == np.uint8 else np.int8)
    weights: Array = stored.astype(np.int64 if wide else np.int32)
    if xv.dtype == np.uint8:
        weights = weights - tensor_zero_point(wv)
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, wv.shape[3]))
    bounds = activation_range(fused_clamp(ctx), tensor_scale(yv), tensor_zero_point(yv), yv.dtype)
    out, bias = ctx.out(), bias_data(ctx, 2)
    flat = out.reshape(-1, out.shape[3])
    largest = 255 * 255 * weights[..., :1].size
    for positions, sums in convolve_depthwise(
        ctx.data(0), weights, conv_axes(ctx), tensor_zero_point(xv)
    ):
        requantize_rows(
            flat[positions], sums, bias, q, shift, tensor_zero_point(yv), bounds, wide, largest
        )
    return out


def evaluate(ctx: NodeContext) -> list[Array]:
    """The depthwise convolution of the node's data."""
    shape = ctx.outputs[0].shape
    if 0 in shape and (len(ctx.data(0)) > 0 or ctx.input(1).dtype.kind == "f"):
        return [np.zeros(shape, ctx.outputs[0].dtype)]
    if ctx.input(0).dtype.kind != "f":
        return [_integer(ctx)]
    return [_float(ctx) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx)]


_BOUND = contraction(
    evaluate,
    "filter area + 1",
    lambda ctx: int(np.prod(ctx.input(1).shape[1:3])) + 1,
    x=0,
    w=1,
    bias=2,
)

KERNELS = (Kernel("DEPTHWISE_CONV_2D", prepare, evaluate, bound=_BOUND),)
