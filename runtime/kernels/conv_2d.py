"""CONV_2D: float32, int8 and int4 weights (per tensor or per channel), uint8, int16x8, hybrid.

Float bound: the summation bound of filter area * in products and the bias; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

from typing import Any

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
from litefuse.runtime.kernels.geometry import conv_axes, require_window
from litefuse.runtime.kernels.hybrid import quantize_rows
from litefuse.runtime.kernels.tiles import convolve
from litefuse.runtime.model.enums import TensorType


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, out_h, out_w, filters]."""
    require_inputs(ctx, 3)
    x, w, bias, y = ctx.input(0), ctx.input(1), ctx.input(2), ctx.outputs[0]
    require_rank(ctx, x, 4)
    require_rank(ctx, w, 4)
    require_filled(ctx, x, (1, 2, 3))
    require_filled(ctx, w, (0, 1, 2, 3))
    require_dtype(ctx, x, "float32", "uint8", "int8", "int16")
    require(y.dtype == x.dtype, ctx, f"output type {y.dtype} differs from the input's {x.dtype}")
    _require_filter(ctx, x, w)
    groups = _require_groups(ctx, x, w)
    require_positive(
        ctx, "stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor", most=32767
    )
    require_bias(ctx, x, bias, "int32", "int64")
    size = int(np.prod(bias.shape))
    require(size == w.shape[0], ctx, f"bias has shape {bias.shape}, needs ({w.shape[0]},)")
    if x.dtype == np.int16:
        require_symmetric_int16(ctx, x, bias)
    if x.dtype.kind != "f":
        require_convolution_scales(ctx, x, w, bias, w.shape[0])
    elif w.dtype.kind != "f":
        _require_hybrid(ctx, w, groups)
    rows, columns = conv_axes(ctx)
    require_window(ctx, rows, columns)
    return [(x.shape[0], rows.out, columns.out, w.shape[0])]


def _require_filter(ctx: NodeContext, x: TensorValue, w: TensorValue) -> None:
    """LiteRT checks less: it reads the bytes of a filter of a wrong type as another type."""
    kinds = (TensorType.INT8, TensorType.INT4, TensorType.UINT8)
    allowed = {
        "float32": (TensorType.FLOAT32, *kinds),
        "int8": kinds[:2],
    }.get(x.dtype.name, kinds)
    require(
        w.tensor.type in allowed,
        ctx,
        f"a filter of type {w.tensor.type.name} for an input of {x.dtype}",
    )
    if x.dtype.name in ("int8", "int16"):
        require(w.quantized, ctx, f"filter {w.name!r} has no scale")
        points = np.asarray(w.tensor.quantization.zero_point)  # type: ignore[union-attr]
        require(not points.any(), ctx, f"filter has zero points {points[:4]}, needs 0")


def _require_groups(ctx: NodeContext, x: TensorValue, w: TensorValue) -> int:
    require(
        x.shape[3] % w.shape[3] == 0,
        ctx,
        f"input depth {x.shape[3]} is not a multiple of the filter's {w.shape[3]}",
    )
    groups = x.shape[3] // w.shape[3]
    require(
        w.shape[0] % groups == 0, ctx, f"{w.shape[0]} filters cannot be split into {groups} groups"
    )
    return groups


def _per_channel(w: TensorValue) -> bool:
    """Whether a hybrid filter goes LiteRT's per-channel way: signed, with scales that differ."""
    if w.dtype == np.uint8 or not w.quantized:
        return False
    return bool((w.scales != w.scales[0]).any())


def _require_hybrid(ctx: NodeContext, w: TensorValue, groups: int) -> None:
    """Scales that differ, and those of groups, are one for each filter; of equal ones LiteRT takes
    the first.
    """
    count = len(w.scales) if w.quantized else 0
    require(count < 2 or w.dtype == np.int8, ctx, f"a filter of {w.dtype} has {count} scales")
    if groups != 1 or _per_channel(w):
        require(count == w.shape[0], ctx, f"filter has {count} scales, needs {w.shape[0]}")
        axis = w.tensor.quantization.quantized_dimension  # type: ignore[union-attr]
        require(axis == 0, ctx, f"filter has its scales along axis {axis}, needs 0")


def _filter(ctx: NodeContext) -> tuple[Array, int]:
    """The filter's integers and the zero point that LiteRT takes off them."""
    x, w = ctx.input(0), ctx.input(1)
    # The input's type says how the bytes are read.
    data = ctx.data(1).view(np.uint8 if x.dtype == np.uint8 else np.int8)
    return data, tensor_zero_point(w) if x.dtype == np.uint8 else 0


def _float(ctx: NodeContext) -> Array:
    out = ctx.out()
    flat, bias, clamp = out.reshape(-1, out.shape[3]), ctx.data(2).ravel(), fused_clamp(ctx)
    for _, y in convolve(ctx.data(0), ctx.data(1), conv_axes(ctx), out.dtype, out=flat):
        y += bias
        clamp_float(y, clamp)
    return out


def _hybrid(ctx: NodeContext) -> Array:
    """Float activations, integer weights: the image is quantised as a whole per batch entry,
    symmetric for one scale, asymmetric for scales that differ and for groups.
    """
    x, w = ctx.data(0), ctx.input(1)
    by_channel = _per_channel(w) or x.shape[3] != w.shape[3]
    out = ctx.out()
    if by_channel:
        scale = np.broadcast_to(w.scales, out.shape[3])
    else:
        scale = w.scales[:1] if w.quantized else np.zeros(1, np.float32)
    filters, _ = _filter(ctx)
    dtype = _exact(ctx, filters, 0, 255)
    bias, clamp = ctx.data(2).ravel(), fused_clamp(ctx)
    for image, y in zip(x, out, strict=True):
        rows = quantize_rows(image.reshape(1, -1), asymmetric=by_channel)
        values = rows.values.reshape(1, *image.shape)
        point, first = int(rows.zero_points[0]), scale if by_channel else scale * rows.scales[0]
        flat = y.reshape(-1, y.shape[2])
        for positions, sums in convolve(values, filters, conv_axes(ctx), dtype, (point, 0)):
            part = flat[positions]
            # Two roundings where the filters have scales of their own, as in the reference.
            np.multiply(sums, first, out=part, dtype=np.float32, casting="same_kind")
            if by_channel:
                part *= rows.scales[0]
            part += bias
            clamp_float(part, clamp)
    return out


def _exact(ctx: NodeContext, filters: Array, zero_point: int, largest: int) -> np.dtype[Any]:
    """The dtype in which the node's sums are exact."""
    if not ctx.input(1).constant:
        return exact_sums(filters, zero_point, largest)
    return ctx.memo("exact", lambda: exact_sums(filters, zero_point, largest))  # type: ignore[no-any-return]


def _integer(ctx: NodeContext) -> Array:
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    x, bias, out = ctx.data(0), ctx.data(2), ctx.out()
    filters, w_point = _filter(ctx)
    dtype = _exact(ctx, filters, w_point, 32768 if xv.dtype == np.int16 else 255)
    if xv.dtype == np.uint8:
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, out.shape[3]))
    bounds = activation_range(fused_clamp(ctx), tensor_scale(yv), tensor_zero_point(yv), yv.dtype)
    wide = xv.dtype == np.int16 and bias.dtype == np.int64
    flat = out.reshape(-1, out.shape[3])
    largest = 1 << (24 if dtype == np.float32 else 53)
    # With the zero point taken off first, padding is plain 0 and contributes nothing.
    points = (tensor_zero_point(xv), w_point)
    for positions, sums in convolve(x, filters, conv_axes(ctx), dtype, points):
        requantize_rows(
            flat[positions], sums, bias, q, shift, tensor_zero_point(yv), bounds, wide, largest
        )
    return out


def evaluate(ctx: NodeContext) -> list[Array]:
    """The convolution of the node's data."""
    shape = ctx.outputs[0].shape
    if 0 in shape:
        return [np.zeros(shape, ctx.outputs[0].dtype)]
    if ctx.input(0).dtype.kind != "f":
        return [_integer(ctx)]
    return [_float(ctx) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx)]


_BOUND = contraction(
    evaluate,
    "filter area * in + 1",
    lambda ctx: int(np.prod(ctx.input(1).shape[1:])) + 1,
    x=0,
    w=1,
    bias=2,
)

KERNELS = (Kernel("CONV_2D", prepare, evaluate, bound=_BOUND),)
