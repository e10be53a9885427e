"""FULLY_CONNECTED: float32, int8 (per tensor or per channel), uint8, int16x8, hybrid weights.

Float bound: the summation bound of depth products and the bias; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float, require_clamp
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
    exact_dtype,
    matmul_exact,
)
from litefuse.runtime.kernels.fixed_point import activation_range, scale_rounded, wrap32
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[batch, units], or the input's shape with the last axis replaced when keep_num_dims is
    set.
    """
    require_inputs(ctx, 2, 3)
    x, w, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_rank(ctx, w, 2)
    require_dtype(ctx, x, "float32", "uint8", "int8", "int16")
    require(int(ctx.option("weights_format", 0)) == 0, ctx, "shuffled weights are not supported")
    units, depth = w.shape
    size = int(np.prod(x.shape))
    require(
        depth > 0 and size % depth == 0,
        ctx,
        f"input shape {x.shape} cannot be split into rows of {depth}",
    )
    bias = ctx.optional(2)
    if bias is not None:
        require(
            int(np.prod(bias.shape)) == units, ctx, f"bias has shape {bias.shape}, needs ({units},)"
        )
    require_clamp(ctx)
    if x.dtype.kind != "f":
        require(len(w.scales) in (1, units), ctx, f"filter has {len(w.scales)} scales for {units}")
        x.scale, y.scale  # noqa: B018 - raises when absent
    if ctx.option("keep_num_dims", False):
        require(
            len(x.shape) > 0 and x.shape[-1] == depth,
            ctx,
            f"with keep_num_dims the input's last axis must be {depth}, not {x.shape}",
        )
        return [(*x.shape[:-1], units)]
    return [(size // depth, units)]


def _float(ctx: NodeContext) -> Array:
    w = ctx.data(1)
    y = ctx.data(0).reshape(-1, w.shape[1]) @ w.T
    bias = bias_data(ctx, 2)
    if bias is not None:
        y += bias.ravel()
    return clamp_float(y, require_clamp(ctx))


def _dequantized_blocks(w: TensorValue, data: Array) -> Array:
    """Blockwise weights as float32: scales[unit, block] times the integers."""
    scales = np.asarray(w.block_scales, np.float32).reshape(len(data), -1)
    return np.asarray(data * np.repeat(scales, data.shape[1] // scales.shape[1], axis=1))


def _hybrid(ctx: NodeContext) -> Array:
    """Float activations, integer weights: each row is quantised on its own."""
    w = ctx.input(1)
    if w.block_scales is not None:
        blocks = _dequantized_blocks(w, ctx.data(1))
        y = ctx.data(0).reshape(-1, blocks.shape[1]) @ blocks.T
        bias = bias_data(ctx, 2)
        return clamp_float(y if bias is None else y + bias.ravel(), require_clamp(ctx))
    weights = hybrid_weights(ctx.data(1)).astype(np.int32)
    rows = quantize_rows(
        ctx.data(0).reshape(-1, weights.shape[1]),
        bool(ctx.option("asymmetric_quantize_inputs", False)),
    )
    centred = rows.values.astype(np.int32) - rows.zero_points[:, None]
    acc = matmul_exact(centred, weights.T, exact_dtype(weights.T, 255))
    scale = rows.scales[:, None] * np.broadcast_to(w.scales, len(weights))
    y = acc.astype(np.float32) * scale.astype(np.float32)
    bias = bias_data(ctx, 2)
    if bias is not None:
        y += bias.ravel()
    return clamp_float(y, require_clamp(ctx))


def _integer(ctx: NodeContext) -> Array:
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    per_channel = len(wv.scales) > 1
    weights = ctx.data(1).astype(np.int32)
    if not per_channel:
        weights = weights - wv.zero_point
    x = ctx.data(0).reshape(-1, weights.shape[1]).astype(np.int32) - xv.zero_point
    dtype = ctx.memo(
        "exact", lambda: exact_dtype(weights.T, 32768 if xv.dtype == np.int16 else 255)
    )
    acc = matmul_exact(x, weights.T, dtype if wv.constant else np.dtype(np.float64))
    bias = bias_data(ctx, 2)
    if bias is not None:
        acc += bias.ravel().astype(np.int64)
    bounds = activation_range(require_clamp(ctx), yv.scale, yv.zero_point, yv.dtype)
    # Unlike the convolutions', this reference scales in double precision and rounds once.
    real = wv.scales.astype(np.float64) * float(xv.scale) / float(yv.scale)
    if xv.dtype.itemsize == 1 or (bias is not None and bias.dtype == np.int32):
        acc = wrap32(acc)
    value = scale_rounded(acc, real) + yv.zero_point
    return np.asarray(np.clip(value, *bounds).astype(yv.dtype))


def evaluate(ctx: NodeContext) -> list[Array]:
    """Rows times weights, transposed, plus bias."""
    if ctx.input(0).dtype.kind != "f":
        y = _integer(ctx)
    else:
        y = _float(ctx) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx)
    return [y.reshape(ctx.outputs[0].shape)]


_BOUND = contraction(
    evaluate, "depth + 1", lambda ctx: ctx.input(1).shape[-1] + 1, x=0, w=1, bias=2
)

KERNELS = (Kernel("FULLY_CONNECTED", prepare, evaluate, bound=_BOUND),)
