"""CONV_2D: float32, int8 and int4 weights (per tensor or per channel), uint8, int16x8, hybrid.

Float bound: the summation bound of filter area * in products and the bias; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    exact_dtype,
    float_product_multiplier,
    fused_clamp,
    matmul_exact,
    requantize,
    requantize64,
    require_bias,
    require_convolution_scales,
    require_filled,
    require_positive,
    require_symmetric_int16,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import conv_axes, patches, require_window
from litefuse.runtime.kernels.hybrid import quantize_rows
from litefuse.runtime.model.enums import TensorType


@dataclass(frozen=True, slots=True)
class _Weights:
    """A group's filter as a matrix [kernel_h * kernel_w * in, out] in the dtype of the product."""

    matrices: list[Array]
    dtype: np.dtype[Any]


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
    require_positive(ctx, "stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor")
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
    kinds = (TensorType.INT8, TensorType.UINT8, TensorType.INT4)
    float_filter = x.dtype.kind == "f" and w.tensor.type == TensorType.FLOAT32
    require(
        float_filter or w.tensor.type in kinds,
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
    if groups != 1 or _per_channel(w):
        count = len(w.scales)
        require(count == w.shape[0], ctx, f"filter has {count} scales, needs {w.shape[0]}")


def _pack(ctx: NodeContext, largest_input: int | None) -> _Weights:
    x, w = ctx.input(0), ctx.input(1)
    data = ctx.data(1)
    if w.dtype.kind != "f":  # the input's type says how the bytes are read
        data = data.view(np.uint8 if x.dtype == np.uint8 else np.int8)
    if x.dtype == np.uint8:
        data = data.astype(np.int32) - tensor_zero_point(w)
    groups = x.shape[3] // w.shape[3]
    flat = data.reshape(groups, w.shape[0] // groups, -1).transpose(0, 2, 1)
    if largest_input is None:
        dtype = np.dtype(np.float32)
    else:
        dtype = max(exact_dtype(m, largest_input) for m in flat)
    return _Weights([np.ascontiguousarray(m, dtype) for m in flat], dtype)


def _weights(ctx: NodeContext, largest_input: int | None) -> _Weights:
    if ctx.input(1).constant:
        return ctx.memo("weights", lambda: _pack(ctx, largest_input))  # type: ignore[no-any-return]
    return _pack(ctx, largest_input)


def _columns(ctx: NodeContext, x: Array) -> list[Array]:
    """Per group the matrix [positions, kernel_h * kernel_w * in] of an image, padded with 0."""
    rows, columns = conv_axes(ctx)
    view = patches(x, rows, columns)
    depth = ctx.input(1).shape[3]
    groups = x.shape[3] // depth
    return [
        view[..., g * depth : (g + 1) * depth].reshape(-1, rows.kernel * columns.kernel * depth)
        for g in range(groups)
    ]


def _float(ctx: NodeContext, shape: Shape) -> Array:
    x = ctx.data(0)
    parts = [
        columns @ weights
        for columns, weights in zip(_columns(ctx, x), _weights(ctx, None).matrices, strict=True)
    ]
    y = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    y += ctx.data(2).ravel()
    return clamp_float(y.reshape(shape), fused_clamp(ctx))


def _hybrid(ctx: NodeContext, shape: Shape) -> Array:
    """Float activations, integer weights: the image is quantised as a whole per batch entry,
    symmetric for one scale, asymmetric for scales that differ and for groups.
    """
    x, w = ctx.data(0), ctx.input(1)
    require(len(x) > 0, ctx, "the batch is empty")
    by_channel = _per_channel(w) or x.shape[3] != w.shape[3]
    rows = quantize_rows(x.reshape(x.shape[0], -1), asymmetric=by_channel)
    centred = (rows.values.astype(np.int32) - rows.zero_points[:, None]).reshape(x.shape)
    packed = _weights(ctx, 255)
    acc = np.concatenate(
        [
            matmul_exact(c, m, packed.dtype)
            for c, m in zip(_columns(ctx, centred), packed.matrices, strict=True)
        ],
        axis=1,
    ).reshape(shape)
    y = acc.astype(np.float32)
    if by_channel:
        y = y * w.scales * rows.scales[:, None, None, None]
    else:
        one = w.scales[0] if w.quantized else np.float32(0)
        y *= (rows.scales * one)[:, None, None, None]
    return clamp_float(y + ctx.data(2).ravel(), fused_clamp(ctx))


def _integer(ctx: NodeContext, shape: Shape) -> Array:
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    largest = 32768 if xv.dtype == np.int16 else 255
    packed = _weights(ctx, largest)
    # With the zero point taken off first, padding is plain 0 and contributes nothing.
    x = ctx.data(0).astype(packed.dtype) - packed.dtype.type(xv.zero_point)
    parts = [
        matmul_exact(c, m, packed.dtype)
        for c, m in zip(_columns(ctx, x), packed.matrices, strict=True)
    ]
    acc = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    bias = ctx.data(2)
    acc += bias.ravel().astype(np.int64)
    if xv.dtype == np.uint8:
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, shape[3]))
    bounds = activation_range(fused_clamp(ctx), yv.scale, yv.zero_point, yv.dtype)
    wide = xv.dtype == np.int16 and bias.dtype == np.int64
    finish = requantize64 if wide else requantize
    return finish(acc, q, shift, yv.zero_point, bounds, yv.dtype).reshape(shape)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The convolution of the node's data."""
    shape = ctx.outputs[0].shape
    if 0 in shape and (len(ctx.data(0)) > 0 or ctx.input(1).dtype.kind == "f"):
        return [np.zeros(shape, ctx.outputs[0].dtype)]
    if ctx.input(0).dtype.kind != "f":
        return [_integer(ctx, shape)]
    return [_float(ctx, shape) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx, shape)]


_BOUND = contraction(
    evaluate,
    "filter area * in + 1",
    lambda ctx: int(np.prod(ctx.input(1).shape[1:])) + 1,
    x=0,
    w=1,
    bias=2,
)

KERNELS = (Kernel("CONV_2D", prepare, evaluate, bound=_BOUND),)
