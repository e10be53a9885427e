"""MUL: float32, int32, int64, int16, int8 and uint8; broadcasting; fused activation.

Float results are exact (one rounding, as in the reference).
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float, require_clamp
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
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
)


def mul_multiplier(s1: float, s2: float, sy: float) -> tuple[int, int]:
    """(q, shift) of float32(float32(s1 * s2) / sy)."""
    return quantize_multiplier(float(np.float32(s1) * np.float32(s2) / np.float32(sy)))


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_same_dtype(ctx, a, b)
    require_dtype(
        ctx, a, "float32", "int32", "uint32", "int64", "int16", "int8", "uint8", "complex64"
    )
    require_same_dtype(ctx, a, y)
    require_clamp(ctx)
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """a * b."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    a, b = ctx.data(0), ctx.data(1)
    activation = require_clamp(ctx)
    if yv.dtype.kind in "iu" and yv.dtype.itemsize <= 2 and yv.quantized:
        q, shift = ctx.memo("scale", lambda: mul_multiplier(av.scale, bv.scale, yv.scale))
        product = (a.astype(np.int64) - av.zero_point) * (b.astype(np.int64) - bv.zero_point)
        bounds = activation_range(activation, yv.scale, yv.zero_point, yv.dtype)
        return [np.clip(mbqm(product, q, shift) + yv.zero_point, *bounds).astype(yv.dtype)]
    with np.errstate(all="ignore"):
        product = np.atleast_1d(a * b).reshape(yv.shape)
    if yv.dtype.kind == "f":
        return [clamp_float(product, activation)]
    if yv.dtype.kind == "c":
        return [product]
    return [np.clip(product, *integer_activation_range(activation, yv.dtype))]


KERNELS = (Kernel("MUL", prepare, evaluate),)
