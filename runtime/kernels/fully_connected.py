"""FULLY_CONNECTED: float32, 8 and 16 bits with weights of 2, 4, 8 or 16, hybrid, sparse.

The integer arithmetic is not that of the convolutions: the reference multiplies the sum by
s_x * s_w / s_y in double precision and rounds once, half away from zero.  A product beyond int32
becomes the smallest int32, as x86's conversion makes it.  Exceptions, with the fixed-point
multiplier: 16-bit weights, sparse int8 weights, and the shuffled format.

A hybrid node quantises each row of its input.  LiteRT's x86 kernels lose the sign of the weight
-128 (in blocks of 16, against negative inputs); quantisers avoid it, and we keep its sign.

Blockwise int4 weights do not run in the reference, which answers with the bias; they are computed
as LiteRT's optimised kernel does: rows quantised asymmetrically, and no activation.

Float bound: the summation bound of depth products and the bias; of a hybrid node, whose sums are
exact in integers, the roundings that follow.  With sparse weights and asymmetric rows the zero
points' part z is a sum of its own, taken off in float: the other sum is at most |y - b| + |z|, so
the roundings are of 2 |z| more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels.activation import activation_name, clamp_float, require_clamp
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import HYBRID, contraction, rounded
from litefuse.runtime.kernels.contraction import (
    bias_data,
    channel_multipliers,
    exact_sums,
    float_product_multiplier,
    requantize,
    requantize64,
    require_activation_fits,
    require_product_scale,
    require_symmetric_int16,
    tensor_scale,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import (
    IntArray,
    activation_range,
    int32_of,
    scale_rounded,
    wrap32,
)
from litefuse.runtime.kernels.hybrid import QuantizedRows, hybrid_weights, quantize_rows
from litefuse.runtime.kernels.shuffled import evaluate_shuffled, prepare_shuffled
from litefuse.runtime.kernels.sparse_weights import sixteen_wide
from litefuse.runtime.kernels.tiles import matmul_into
from litefuse.runtime.model.enums import FullyConnectedOptionsWeightsFormat as Format
from litefuse.runtime.model.enums import TensorType

_BYTES = (TensorType.UINT8, TensorType.INT8)
_PACKED = (TensorType.INT4, TensorType.INT2)
_INTEGER_BIAS = (TensorType.INT32, TensorType.INT64)


def _shuffled(ctx: NodeContext) -> bool:
    return int(ctx.option("weights_format", 0)) == Format.SHUFFLED4x16INT8


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[batch, units], or the input's shape with the last axis replaced when keep_num_dims is
    set; elements of the input beyond batch * depth are left out, as by LiteRT.
    """
    require_inputs(ctx, 2, 3)
    x, w, bias = ctx.input(0), ctx.input(1), ctx.optional(2)
    _require_types(ctx, x, w, bias, ctx.outputs[0])
    hybrid = x.dtype.kind == "f" and w.dtype.kind != "f"
    if not hybrid:
        require_clamp(ctx)
    if w.tensor.type in _PACKED and w.quantized:
        points = np.asarray(w.tensor.quantization.zero_point)  # type: ignore[union-attr]
        require(not points.any(), ctx, f"filter has zero points {points[:4]}, needs 0")
    require_rank(ctx, w, 2)
    units, depth = w.shape
    shape = _output_shape(ctx, x.shape, units, depth)
    if depth == 0:
        return [shape]
    if bias is not None:
        size = int(np.prod(bias.shape))
        require(size == units, ctx, f"bias has shape {bias.shape}, needs ({units},)")
    if x.dtype.kind != "f":
        _require_scales(ctx, x, w, bias, ctx.outputs[0])
    elif hybrid and w.quantized and len(w.scales) > 1:
        _require_channel_scales(ctx, w)
    if w.tensor.sparsity is not None and w.dtype.kind != "f":
        _require_sparse(ctx, x, w)
    return [shape, *prepare_shuffled(ctx, shape)] if _shuffled(ctx) else [shape]


def _require_types(
    ctx: NodeContext, x: TensorValue, w: TensorValue, bias: TensorValue | None, y: TensorValue
) -> None:
    kind = w.tensor.type
    bias_type = None if bias is None else bias.tensor.type
    if _shuffled(ctx):
        good = x.dtype == w.dtype == np.uint8 and y.dtype == np.int16 and bias_type in _INTEGER_BIAS
        require(good, ctx, "shuffled weights need uint8, uint8 and an integer bias, giving int16")
        return
    require(len(ctx.outputs) == 1, ctx, f"has {len(ctx.outputs)} outputs, needs 1")
    text = f"{x.dtype} by {kind.name} giving {y.dtype} is no combination of LiteRT's"
    if x.dtype.kind == "f" or w.dtype.kind == "f":
        weights = (TensorType.FLOAT32, *_BYTES, *_PACKED)
        require(x.dtype == y.dtype == np.float32 and kind in weights, ctx, text)
        require(
            bias_type in (None, TensorType.FLOAT32), ctx, "a float32 input needs a float32 bias"
        )
        return
    require(kind in (*_BYTES, *_PACKED, TensorType.INT16), ctx, text)
    sixteen = kind == TensorType.INT16
    allowed = ("int16",) if sixteen else ("uint8", "int8", "int16")
    require(x.dtype.name in allowed and y.dtype.name in allowed, ctx, text)
    require(bias is None or bias_type in _INTEGER_BIAS, ctx, "the bias is not int32 or int64")
    # LiteRT reads packed weights only against input and output of the same signed type.
    require(kind not in _PACKED or x.dtype == y.dtype != np.uint8, ctx, text)
    if x.dtype == np.uint8 and y.dtype == np.int16:
        require(kind == TensorType.UINT8, ctx, text)
    if x.dtype != np.int16 and y.dtype == np.int16:
        require(bias is not None, ctx, "8-bit inputs giving int16 need a bias")


def _output_shape(ctx: NodeContext, shape: Shape, units: int, depth: int) -> Shape:
    if ctx.option("keep_num_dims", False):
        good = len(shape) > 0 and depth in (0, shape[-1])
        require(good, ctx, f"with keep_num_dims the input's last axis must be {depth}, not {shape}")
        return (*shape[:-1], units)
    if depth == 0:
        return (int(np.prod(shape[:-1])), units)
    return (int(np.prod(shape)) // depth, units)


def _require_channel_scales(ctx: NodeContext, w: TensorValue) -> None:
    """LiteRT takes as many scales as either axis has, and reads one for each unit."""
    axis = w.tensor.quantization.quantized_dimension  # type: ignore[union-attr]
    require(
        w.shape[0] <= len(w.scales) == w.shape[axis],
        ctx,
        f"filter has {len(w.scales)} scales for {w.shape[0]} units",
    )


def _require_scales(
    ctx: NodeContext, x: TensorValue, w: TensorValue, bias: TensorValue | None, y: TensorValue
) -> None:
    for value in (x, w):
        require(value.quantized, ctx, f"tensor {value.name!r} ({value.dtype}) has no scale")
    if len(w.scales) > 1:
        signed = x.dtype != np.uint8 and w.dtype != np.uint8
        require(signed, ctx, "uint8 with a scale for each unit")
        axis = w.tensor.quantization.quantized_dimension  # type: ignore[union-attr]
        require(axis == 0, ctx, f"filter has its scales along axis {axis}, needs 0")
    else:
        require_product_scale(ctx, x, w, bias)
    require_activation_fits(ctx, y, require_clamp(ctx))
    if x.dtype == y.dtype == np.int16:
        require_symmetric_int16(ctx, x, bias)


def _require_sparse(ctx: NodeContext, x: TensorValue, w: TensorValue) -> None:
    """Integer sparse weights: int8 in blocks of 16 along a row, against int8 or float32."""
    require(
        x.dtype.name in ("int8", "float32") and w.tensor.type == TensorType.INT8,
        ctx,
        f"sparse {w.tensor.type.name} weights for {x.dtype}",
    )
    require(sixteen_wide(w), ctx, "sparse integer weights need blocks of 1x16 in compressed rows")
    point = tensor_zero_point(w)
    require(x.dtype.kind == "f" or point == 0, ctx, f"sparse weights have zero point {point}")


def _rows(ctx: NodeContext, dtype: np.dtype[np.generic] | type) -> Array:
    """The input as [batch, depth]; LiteRT reads its bytes as the type of the output's kernel."""
    depth = ctx.input(1).shape[1]
    flat = np.ascontiguousarray(ctx.data(0)).reshape(-1).view(dtype)
    batch = int(np.prod(ctx.input(0).shape)) // depth
    return flat[: batch * depth].reshape(batch, depth)


def _float(ctx: NodeContext) -> Array:
    y = ctx.out().reshape(-1, ctx.input(1).shape[0])
    np.matmul(_rows(ctx, np.float32), ctx.data(1).T, out=y)
    bias = bias_data(ctx, 2)
    if bias is not None:
        y += bias.ravel()
    return clamp_float(y, require_clamp(ctx))


def _blockwise(ctx: NodeContext, w: TensorValue) -> Array:
    """Float activations, int4 weights with a scale for each run of a row."""
    data = ctx.data(1)
    scales = np.asarray(w.block_scales, np.float32).reshape(len(data), -1)
    blocks = scales.shape[1]
    rows = quantize_rows(_rows(ctx, np.float32), asymmetric=True)
    values = rows.values.reshape(-1, blocks, data.shape[1] // blocks).astype(np.float32)
    weights = data.reshape(len(data), blocks, -1).astype(np.float32)
    y = np.zeros((len(rows.values), len(data)), np.float32)
    sums = np.zeros(len(data), np.float32)
    for b in range(blocks):
        y += (values[:, b] @ weights[:, b].T) * scales[:, b]
        sums += scales[:, b] * weights[:, b].sum(axis=1)
    y -= rows.zero_points[:, None].astype(np.float32) * sums
    y *= rows.scales[:, None]
    bias = bias_data(ctx, 2)
    return y if bias is None else y + bias.ravel()


def _hybrid(ctx: NodeContext) -> Array:
    """Float activations, integer weights: each row is quantised on its own."""
    w = ctx.input(1)
    if w.block_scales is not None:
        return _blockwise(ctx, w)
    weights = hybrid_weights(ctx.data(1))
    x = _rows(ctx, np.float32)
    asymmetric = bool(ctx.option("asymmetric_quantize_inputs", False))
    rows = quantize_rows(x, asymmetric)
    acc = _products(ctx, rows.values, weights, 0, 128)
    points = rows.zero_points[:, None].astype(np.int64)
    scales = w.scales[: len(weights)] if w.quantized else np.zeros(1, np.float32)
    scale = rows.scales[:, None] * scales
    bias = bias_data(ctx, 2)
    y = np.zeros((), np.float32) if bias is None else bias.ravel()
    if not asymmetric:
        y = y + acc.astype(np.float32) * scale
    elif w.tensor.sparsity is None:
        # LiteRT keeps the sums of its first run on an input that is not 0, even if weights change.
        sums = ctx.memo("sums", lambda: weights.sum(axis=1)) if x.any() else 0
        y = y + wrap32(acc - points * sums).astype(np.float32) * scale
    else:  # the sparse kernel takes the zero point off first
        y = y - _zero_point_part(rows, w, weights)
        y = y + acc.astype(np.float32) * scale
    return y if activation_name(ctx) == "NONE" else clamp_float(y, activation_name(ctx))


def _zero_point_part(rows: QuantizedRows, w: TensorValue, weights: Array) -> Array:
    """What the rows' zero points add to the sums with sparse weights."""
    zero = rows.scales[:, None] * rows.zero_points[:, None].astype(np.float32)
    scales = w.scales[: len(weights)] if w.quantized else np.zeros(1, np.float32)
    return np.asarray(zero * scales * weights.sum(axis=1).astype(np.float32))


def _sums(ctx: NodeContext) -> IntArray:
    """The exact sums of products of a quantised node, with the bias."""
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    kind = yv.dtype if yv.dtype != np.int16 or xv.dtype == np.int16 else np.dtype(np.uint8)
    weights = ctx.data(1)
    if kind.itemsize == 1:
        weights = weights.view(kind)
    elif weights.dtype == np.uint8:
        weights = weights.view(np.int8)
    x = _rows(ctx, kind).astype(np.int32) - tensor_zero_point(xv)
    acc = _products(ctx, x, weights, tensor_zero_point(wv), 65536 if kind == np.int16 else 255)
    bias = bias_data(ctx, 2)
    return acc if bias is None else acc + _as_read(ctx, bias)


def _products(
    ctx: NodeContext, x: Array, weights: Array, zero_point: int, largest: int
) -> IntArray:
    """x @ (weights - zero_point).T, exact; no input is larger than `largest`."""
    dtype = np.dtype(np.float64)
    if ctx.input(1).constant:
        dtype = ctx.memo("exact", lambda: exact_sums(weights, zero_point, largest))
    out = np.empty((len(x), len(weights)), dtype)
    matmul_into(out, x.astype(dtype), weights, dtype, zero_point)
    return out.astype(np.int64)


def _as_read(ctx: NodeContext, bias: Array) -> Array:
    """The bias as the kernel reads it: an int64 one that it takes for int32 is read so."""
    promised = int(ctx.option("quantized_bias_type", 0))
    sixteen = ctx.input(0).dtype == ctx.outputs[0].dtype == np.int16
    eight = ctx.input(1).dtype != np.int16
    if bias.dtype == np.int64 and not (sixteen and (eight or promised == TensorType.INT64)):
        bias = np.ascontiguousarray(bias).ravel().view(np.int32)
    return bias.ravel()[: ctx.input(1).shape[0]].astype(np.int64)


def _integer(ctx: NodeContext) -> Array:
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    acc = _sums(ctx)
    by_unit = len(wv.scales) > 1
    bounds = activation_range(require_clamp(ctx), tensor_scale(yv), tensor_zero_point(yv), yv.dtype)
    zero = tensor_zero_point(yv)
    sixteen = wv.dtype == np.int16
    if sixteen or wv.tensor.sparsity is not None:
        units = wv.shape[0]
        q, shift = (
            channel_multipliers(xv, wv, yv, units)
            if by_unit
            else float_product_multiplier(xv, wv, yv)
        )
        finish = requantize64 if sixteen else requantize
        return finish(acc, q, shift, zero, bounds, yv.dtype)
    signed = yv.dtype == np.int8 or xv.dtype == yv.dtype == np.int16
    scales = wv.scales[: wv.shape[0]].astype(np.float64) if signed else np.float64(tensor_scale(wv))
    real = scales * tensor_scale(xv) / tensor_scale(yv)
    promised = int(ctx.option("quantized_bias_type", 0))
    if xv.dtype != np.int16 or yv.dtype != np.int16 or promised == TensorType.INT32:
        acc = wrap32(acc)
    value = int32_of(scale_rounded(acc, real))
    return np.asarray(np.clip(wrap32(value + zero), *bounds).astype(yv.dtype))


def evaluate(ctx: NodeContext) -> list[Array]:
    """Rows times weights, transposed, plus bias."""
    shape = ctx.outputs[0].shape
    if 0 in shape or ctx.input(1).shape[1] == 0:
        return [np.zeros(shape, ctx.outputs[0].dtype)]
    if _shuffled(ctx):
        return evaluate_shuffled(ctx)
    if ctx.input(0).dtype.kind != "f":
        y = _integer(ctx)
    else:
        y = _float(ctx) if ctx.input(1).dtype.kind == "f" else _hybrid(ctx)
    return [y.reshape(shape)]


_DENSE = contraction(
    evaluate, "depth + 1", lambda ctx: ctx.input(1).shape[-1] + 1, x=0, w=1, bias=2
)


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    (allowed,) = _DENSE.allowed(ctx, outputs)
    x, w = ctx.input(0), ctx.input(1)
    apart = w.tensor.sparsity is not None and ctx.option("asymmetric_quantize_inputs", False)
    if not apart or x.dtype.kind != "f" or w.dtype.kind == "f" or not allowed.size:
        return [allowed]
    weights = hybrid_weights(ctx.data(1))
    part = _zero_point_part(quantize_rows(_rows(ctx, np.float32), True), w, weights)
    return [allowed + rounded(HYBRID, 2 * np.abs(part)).reshape(allowed.shape)]


_BOUND = Bound(f"{_DENSE.text} (sparse, asymmetric: also of twice the zero points' part)", _allowed)

KERNELS = (Kernel("FULLY_CONNECTED", prepare, evaluate, bound=_BOUND),)
