"""ADD and SUB: float32, int32, int64, int16, int8 and uint8; broadcasting; fused activation.

Float results are exact (one rounding, as in the reference).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float, clamp_or_none
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.fixed_point import (
    activation_range,
    integer_activation_range,
    mbqm,
    quantize_multiplier,
    rdbp,
    rescaled,
    saturate,
)
from litefuse.runtime.kernels.int8_tables import through_bytes


@dataclass(frozen=True, slots=True)
class AddScaling:
    """How a quantised sum is scaled: both inputs shifted left, to a common scale, then to the
    output's.
    """

    left_shift: int
    first: tuple[int, int]
    second: tuple[int, int]
    output: tuple[int, int]


def add_scaling(s1: float, s2: float, sy: float, left_shift: int) -> AddScaling:
    """Multipliers of a quantised ADD or SUB from the float32 scales; left_shift is 20 (8 bits) or
    15.
    """
    twice_max = 2 * max(s1, s2)
    return AddScaling(
        left_shift,
        quantize_multiplier(s1 / twice_max),
        quantize_multiplier(s2 / twice_max),
        quantize_multiplier(twice_max / ((1 << left_shift) * sy)),
    )


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_same_dtype(ctx, a, b, y)
    halves = ("float16",) if ctx.op.name == "ADD" else ()
    require_dtype(ctx, a, "float32", *halves, "int32", "int64", "int16", "int8", "uint8")
    if y.dtype == np.int16 and y.quantized:
        for value in (a, b, y):
            require(value.zero_point == 0, ctx, f"int16 {value.name!r} needs zero point 0")
        _shifts(ctx)
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def _exponent(scale: float) -> int | None:
    """log2 of the scale when it is a power of two (to TFLite's tolerance)."""
    log2 = math.log2(scale)
    rounded = round(log2)
    return rounded if abs(log2 - rounded) < 1e-3 else None


def _shifts(ctx: NodeContext) -> tuple[int, int] | None:
    """How far each int16 input is shifted when all scales are powers of two; None for the general
    way.

    KernelError when they are, and differ in a way that the shift cannot bridge.
    """
    if not ctx.option("pot_scale_int16", True):
        return None
    values = (ctx.input(0), ctx.input(1), ctx.outputs[0])
    e1, e2, ey = (_exponent(v.scale) for v in values)
    if e1 is None or e2 is None or ey is None:
        return None
    shift1, shift2 = e1 - ey, e2 - ey
    require(
        max(shift1, shift2) <= 0 and 0 in (shift1, shift2),
        ctx,
        f"int16 with power-of-two scales {[v.scale for v in values]} needs one input at the "
        "output's scale and the other no larger; set pot_scale_int16 to false",
    )
    return shift1, shift2


def _shifted(ctx: NodeContext, shifts: tuple[int, int], sign: int) -> Array:
    """A saturating sum of int16 inputs, one of them divided by a power of two first."""
    yv = ctx.outputs[0]
    a, b = rdbp(ctx.data(0), -shifts[0]), rdbp(ctx.data(1), -shifts[1])
    total = saturate(a + sign * b, -32768, 32767)
    low, high = activation_range(clamp_or_none(ctx), yv.scale, 0, np.int16)
    return np.asarray(np.clip(total, low, high).astype(np.int16))


def _quantized(ctx: NodeContext, sign: int) -> Array:
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    if yv.dtype == np.int16:
        shifts = _shifts(ctx)
        if shifts is not None:
            return _shifted(ctx, shifts, sign)
    bits = 15 if yv.dtype == np.int16 else 20
    scaling: AddScaling = ctx.memo(
        "scaling", lambda: add_scaling(av.scale, bv.scale, yv.scale, bits)
    )

    def first(values: Array) -> Array:
        return mbqm((values.astype(np.int64) - av.zero_point) << bits, *scaling.first)

    def second(values: Array) -> Array:
        return sign * mbqm((values.astype(np.int64) - bv.zero_point) << bits, *scaling.second)

    if yv.dtype == np.int16:
        a, b = first(ctx.data(0)), second(ctx.data(1))
    else:
        a, b = through_bytes(ctx, first, 0), through_bytes(ctx, second, 1)
    bounds = activation_range(clamp_or_none(ctx), yv.scale, yv.zero_point, yv.dtype)
    return rescaled(a + b, *scaling.output, yv.zero_point, bounds, yv.dtype)


def _evaluate(ctx: NodeContext, sign: int) -> list[Array]:
    yv = ctx.outputs[0]
    if yv.dtype.kind in "iu" and yv.dtype.itemsize <= 2 and yv.quantized:
        return [_quantized(ctx, sign)]
    a, b = ctx.data(0), ctx.data(1)
    total = np.atleast_1d(a + b if sign > 0 else a - b).reshape(yv.shape)
    activation = clamp_or_none(ctx)
    if yv.dtype.kind == "f":
        return [clamp_float(total, activation)]
    return [np.clip(total, *integer_activation_range(activation, yv.dtype))]


def evaluate_add(ctx: NodeContext) -> list[Array]:
    """a + b."""
    return _evaluate(ctx, 1)


def evaluate_sub(ctx: NodeContext) -> list[Array]:
    """a - b."""
    return _evaluate(ctx, -1)


KERNELS = (
    Kernel("ADD", prepare, evaluate_add),
    Kernel("SUB", prepare, evaluate_sub),
)
