"""QUANTIZE (float to integer, integer to integer), DEQUANTIZE and FAKE_QUANT.

Float results are exact (one rounding, as in the reference).
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
)
from litefuse.runtime.kernels.fixed_point import (
    mbqm,
    quantize_float,
    quantize_multiplier,
    round_half_away,
)


def prepare_quantize(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_dtype(ctx, x, "float32", "int8", "uint8", "int16", "int32")
    require_dtype(ctx, y, "int8", "uint8", "int16", "int32")
    y.scale  # noqa: B018 - raises when absent
    if x.dtype.kind != "f":
        x.scale  # noqa: B018
    return [x.shape]


def _along_channel(values: Array, tensor: TensorValue, rank: int) -> Array:
    """Per-channel values shaped so that they broadcast along the tensor's quantised dimension."""
    if len(values) == 1:
        return values[0]  # type: ignore[no-any-return]
    shape = [1] * rank
    axis = int(tensor.tensor.quantization.quantized_dimension)  # type: ignore[union-attr]
    shape[axis] = len(values)
    return values.reshape(shape)


def _zero_points(tensor: TensorValue) -> Array:
    q = tensor.tensor.quantization
    if q is None or q.zero_point is None or len(q.zero_point) == 0:
        return np.zeros(len(tensor.scales), np.int64)
    return np.asarray(q.zero_point, np.int64)


def evaluate_quantize(ctx: NodeContext) -> list[Array]:
    """round(x / scale) + zero point for floats; rescaled with double rounding for integers."""
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        if len(yv.scales) == 1:
            return [quantize_float(x, yv.scale, yv.zero_point, yv.dtype)]
        info = np.iinfo(yv.dtype)
        scaled = round_half_away(x / _along_channel(yv.scales, yv, x.ndim)).astype(np.float64)
        moved = scaled + _along_channel(_zero_points(yv), yv, x.ndim)
        return [np.clip(moved, info.min, info.max).astype(yv.dtype)]
    info = np.iinfo(yv.dtype)
    q, shift = ctx.memo("scale", lambda: quantize_multiplier(xv.scale / yv.scale))
    value = mbqm(x.astype(np.int64) - xv.zero_point, q, shift) + yv.zero_point
    return [np.clip(value, info.min, info.max).astype(yv.dtype)]


def prepare_dequantize(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_dtype(ctx, x, "int8", "uint8", "int16", "int32", "float16", "float32")
    require_dtype(ctx, y, "float32")
    if x.dtype.kind != "f":
        x.scale  # noqa: B018 - raises when absent
    return [x.shape]


def evaluate_dequantize(ctx: NodeContext) -> list[Array]:
    """scale * (x - zero point); float16 is widened."""
    xv, x = ctx.input(0), ctx.data(0)
    if x.dtype.kind == "f":
        return [x.astype(np.float32)]
    scale = _along_channel(xv.scales.astype(np.float64), xv, x.ndim)
    zero_point = _along_channel(_zero_points(xv), xv, x.ndim)
    return [np.asarray(scale * (x.astype(np.int64) - zero_point)).astype(np.float32)]


def prepare_fake_quant(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "float32")
    bits = int(ctx.option("num_bits", 8))
    require(2 <= bits <= 16, ctx, f"num_bits {bits} is outside [2, 16]")
    require(not ctx.option("narrow_range", False), ctx, "narrow_range is not for activations")
    return [ctx.input(0).shape]


def evaluate_fake_quant(ctx: NodeContext) -> list[Array]:
    """The float value of the nearest quantised step in [min, max], the range nudged to hold 0."""
    low, high = np.float32(ctx.option("min", 0.0)), np.float32(ctx.option("max", 0.0))
    q_min = np.float32(0)
    q_max = np.float32((1 << int(ctx.option("num_bits", 8))) - 1)
    scale = np.float32((high - low) / (q_max - q_min))
    from_low = np.float32(q_min - low / scale)
    if from_low < q_min:
        point = q_min
    elif from_low > q_max:
        point = q_max
    else:
        point = np.float32(round_half_away(from_low))
    nudged_low = np.float32((q_min - point) * scale)
    nudged_high = np.float32((q_max - point) * scale)
    inverse = np.float32(1.0) / scale
    clamped = np.clip(ctx.data(0), nudged_low, nudged_high)
    steps = round_half_away(((clamped - nudged_low) * inverse).astype(np.float32))
    return [(steps * scale + nudged_low).astype(np.float32)]


KERNELS = (
    Kernel("QUANTIZE", prepare_quantize, evaluate_quantize),
    Kernel("DEQUANTIZE", prepare_dequantize, evaluate_dequantize),
    Kernel("FAKE_QUANT", prepare_fake_quant, evaluate_fake_quant),
)
