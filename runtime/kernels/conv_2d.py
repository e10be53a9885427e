"""CONV_2D: float32, int8 and int4 weights (per tensor or per channel), uint8, int16x8, hybrid.

Float tolerance: 1e-5 of the output's range (another order of summation).
"""

from __future__ import annotations

from dataclasses import dataclass
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
from litefuse.runtime.kernels.contraction import (
    bias_data,
    channel_multipliers,
    exact_dtype,
    float_product_multiplier,
    matmul_exact,
    requantize,
    requantize64,
)
from litefuse.runtime.kernels.fixed_point import activation_range
from litefuse.runtime.kernels.geometry import conv_axes, patches, require_output
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows


@dataclass(frozen=True, slots=True)
class _Weights:
    """A group's filter as a matrix [kernel_h * kernel_w * in, out] in the dtype of the product."""

    matrices: list[Array]
    dtype: np.dtype[Any]


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, out_h, out_w, filters]."""
    require_inputs(ctx, 3)
    x, w, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_rank(ctx, x, 4)
    require_rank(ctx, w, 4)
    require_dtype(ctx, x, "float32", "uint8", "int8", "int16")
    require(
        w.shape[3] > 0 and x.shape[3] % w.shape[3] == 0,
        ctx,
        f"input depth {x.shape[3]} is not a multiple of the filter's {w.shape[3]}",
    )
    groups = x.shape[3] // w.shape[3]
    require(
        w.shape[0] % groups == 0, ctx, f"{w.shape[0]} filters cannot be split into {groups} groups"
    )
    require(y.dtype == x.dtype, ctx, f"output type {y.dtype} differs from the input's {x.dtype}")
    bias = ctx.optional(2)
    if bias is not None:
        require(
            bias.shape == (w.shape[0],) or int(np.prod(bias.shape)) == w.shape[0],
            ctx,
            f"bias has shape {bias.shape}, needs ({w.shape[0]},)",
        )
    require_clamp(ctx)
    if x.dtype.kind != "f":
        channels = len(w.scales)
        require(
            channels in (1, w.shape[0]),
            ctx,
            f"filter has {channels} scales; needs 1 or one per filter ({w.shape[0]})",
        )
        x.scale, y.scale  # noqa: B018 - raises when absent
    rows, columns = conv_axes(ctx)
    require_output(ctx, rows, columns)
    return [(x.shape[0], rows.out, columns.out, w.shape[0])]


def _pack(ctx: NodeContext, largest_input: int | None) -> _Weights:
    w = ctx.input(1)
    data = ctx.data(1)
    hybrid = ctx.input(0).dtype.kind == "f"
    if w.dtype == np.uint8:
        data = hybrid_weights(data) if hybrid else data.astype(np.int32) - w.zero_point
    groups = ctx.input(0).shape[3] // w.shape[3]
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
    bias = bias_data(ctx, 2)
    if bias is not None:
        y += bias.ravel()
    return clamp_float(y.reshape(shape), require_clamp(ctx))


def _hybrid(ctx: NodeContext, shape: Shape) -> Array:
    """Float activations, integer weights: the image is quantised as a whole per batch entry."""
    x, w = ctx.data(0), ctx.input(1)
    per_channel = len(w.scales) > 1
    rows = quantize_rows(x.reshape(x.shape[0], -1), asymmetric=per_channel)
    centred = (rows.values.astype(np.int32) - rows.zero_points[:, None]).reshape(x.shape)
    packed = _weights(ctx, 255)
    acc = np.concatenate(
        [
            matmul_exact(c, m, packed.dtype)
            for c, m in zip(_columns(ctx, centred), packed.matrices, strict=True)
        ],
        axis=1,
    ).reshape(shape)
    scale = (rows.scales[:, None] * np.broadcast_to(w.scales, shape[3])).astype(np.float32)
    y = acc.astype(np.float32) * scale[:, None, None, :]
    bias = bias_data(ctx, 2)
    if bias is not None:
        y += bias.ravel()
    return clamp_float(y, require_clamp(ctx))


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
    bias = bias_data(ctx, 2)
    if bias is not None:
        acc += bias.ravel().astype(np.int64)
    if xv.dtype == np.uint8:
        q, shift = ctx.memo("scale", lambda: float_product_multiplier(xv, wv, yv))
    else:
        q, shift = ctx.memo("scale", lambda: channel_multipliers(xv, wv, yv, shape[3]))
    bounds = activation_range(require_clamp(ctx), yv.scale, yv.zero_point, yv.dtype)
    wide = xv.dtype == np.int16 and (bias is None or bias.dtype == np.int64)
    finish = requantize64 if wide else requantize
    return finish(acc, q, shift, yv.zero_point, bounds, yv.dtype).reshape(shape)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The convolution of the node's data."""
    shape = ctx.outputs[0].shape
    if ctx.input(0).dtype.kind != "f":
        return [_integer(ctx, shape)]
    return [_float(ctx, shape) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx, shape)]


KERNELS = (Kernel("CONV_2D", prepare, evaluate, range_tolerance=1e-5),)
