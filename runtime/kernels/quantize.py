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
    int32_of,
    quantize_float,
    quantize_multiplier,
    rescaled,
    round_half_away,
    wrap32,
)
from litefuse.runtime.kernels.int8_tables import through_bytes

_TARGETS = {
    "float32": ("int8", "uint8", "int16", "int4", "uint4"),
    "int8": ("int8", "uint8", "int16"),
    "uint8": ("int8", "uint8", "int16"),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
}


def _kind(value: TensorValue) -> str:
    """The tensor's type, of which NumPy's name does not tell int4 from int8."""
    return value.tensor.type.name.lower()


def prepare_quantize(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    targets = _TARGETS.get(_kind(x), ())
    require(_kind(y) in targets, ctx, f"{_kind(x)} becomes {targets}, not {_kind(y)}")
    y.scale  # noqa: B018 - raises when absent
    if x.dtype.kind != "f":
        x.scale  # noqa: B018
    if x.dtype == y.dtype == np.int16:
        points = x.zero_point, y.zero_point
        require(points == (0, 0), ctx, f"from int16 to int16 needs zero points 0, not {points}")
    several = len(y.scales) > 1
    whole = not _kind(y).endswith("int4")
    require(not several or whole, ctx, f"{_kind(y)} has one scale, not one for each channel")
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
    """round(x / scale) + zero point for floats; rescaled with double rounding for integers.

    With a scale for each channel, what does not fit int32 becomes the smallest one, as x86 converts
    it; with one scale it is clamped.
    """
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        if len(yv.scales) == 1:
            made = quantize_float(x, yv.scale, yv.zero_point, yv.dtype)
            limits = {"int4": (-8, 7), "uint4": (0, 15)}.get(_kind(yv))
            return [np.clip(made, *limits) if limits else made]
        info = np.iinfo(yv.dtype)
        scaled = int32_of(round_half_away(x / _along_channel(yv.scales, yv, x.ndim)))
        moved = wrap32(scaled + _along_channel(_zero_points(yv), yv, x.ndim))
        return [np.clip(moved, info.min, info.max).astype(yv.dtype)]
    q, shift = ctx.memo("scale", lambda: quantize_multiplier(xv.scale / yv.scale))

    def requantized(values: Array) -> Array:
        info = np.iinfo(yv.dtype)
        centred, bounds = values.astype(np.int64) - xv.zero_point, (int(info.min), int(info.max))
        return rescaled(centred, q, shift, yv.zero_point, bounds, yv.dtype)

    return [through_bytes(ctx, requantized) if x.dtype.itemsize == 1 else requantized(x)]


def prepare_dequantize(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_dtype(ctx, x, "int8", "uint8", "int16", "float16")
    require_dtype(ctx, y, "float32")
    if x.dtype == np.int16:
        require(x.zero_point == 0, ctx, f"int16 needs zero point 0, not {x.zero_point}")
        several = x.quantized and len(x.scales) > 1
        require(not several, ctx, "int16 has one scale, not one for each channel")
    return [x.shape]


def evaluate_dequantize(ctx: NodeContext) -> list[Array]:
    """scale * (x - zero point); float16 is widened."""
    xv, x = ctx.input(0), ctx.data(0)
    if x.dtype.kind == "f":
        return [x.astype(np.float32)]
    if not xv.quantized:  # as if the scale were 0
        return [np.zeros(x.shape, np.float32)]
    scale = _along_channel(xv.scales.astype(np.float64), xv, x.ndim)
    zero_point = _along_channel(_zero_points(xv), xv, x.ndim)
    return [np.asarray(scale * (x.astype(np.int64) - zero_point)).astype(np.float32)]


def prepare_fake_quant(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "float32")
    require(not ctx.option("narrow_range", False), ctx, "narrow_range is not for activations")
    return [ctx.input(0).shape]


def evaluate_fake_quant(ctx: NodeContext) -> list[Array]:
    """The float value of the nearest quantised step in [min, max], the range nudged to hold 0; the
    lowest for a NaN.
    """
    low, high = np.float32(ctx.option("min", 0.0)), np.float32(ctx.option("max", 0.0))
    q_min = np.float32(0)
    q_max = np.float32((1 << int(ctx.option("num_bits", 8))) - 1)
    scale = np.float32((high - low) / (q_max - q_min))
    from_low = np.float32(q_min - low / scale)
    nearest = int(round_half_away(np.clip(from_low, q_min, q_max)))
    point = np.float32(nearest & 0xFFFF)  # the reference keeps it in 16 bits
    nudged_low = np.float32((q_min - point) * scale)
    nudged_high = np.float32((q_max - point) * scale)
    inverse = np.float32(1.0) / scale
    x = ctx.data(0)
    clamped = np.clip(np.where(np.isnan(x), nudged_low, x), nudged_low, nudged_high)
    steps = round_half_away(((clamped - nudged_low) * inverse).astype(np.float32))
    return [(steps * scale + nudged_low).astype(np.float32)]


KERNELS = (
    Kernel("QUANTIZE", prepare_quantize, evaluate_quantize),
    Kernel("DEQUANTIZE", prepare_dequantize, evaluate_dequantize),
    Kernel("FAKE_QUANT", prepare_fake_quant, evaluate_fake_quant),
)
