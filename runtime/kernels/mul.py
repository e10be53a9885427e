"""MUL in integers, floats and complex numbers; broadcasting; fused activation.

Float results are exact (one rounding, as in the reference).
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import activation_name, clamp_float, clamp_or_none
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
    quantize_multiplier,
    rescaled,
)

_TYPES = (
    "float32",
    "float16",
    "int32",
    "uint32",
    "int64",
    "int16",
    "int8",
    "uint8",
    "complex64",
)


def mul_multiplier(s1: float, s2: float, sy: float) -> tuple[int, int]:
    """(q, shift) of float32(float32(s1 * s2) / sy)."""
    return quantize_multiplier(float(np.float32(s1) * np.float32(s2) / np.float32(sy)))


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_same_dtype(ctx, a, b)
    require_dtype(ctx, a, *_TYPES)
    require_same_dtype(ctx, a, y)
    if y.dtype.kind == "c":
        require(activation_name(ctx) == "NONE", ctx, "complex64 takes no fused activation")
    if y.dtype == np.int16 and y.quantized:
        for value in (a, b, y):
            require(value.zero_point == 0, ctx, f"int16 {value.name!r} needs zero point 0")
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """a * b."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    a, b = ctx.data(0), ctx.data(1)
    activation = clamp_or_none(ctx)
    if yv.dtype.kind in "iu" and yv.dtype.itemsize <= 2 and yv.quantized:
        q, shift = ctx.memo("scale", lambda: mul_multiplier(av.scale, bv.scale, yv.scale))
        product = (a.astype(np.int64) - av.zero_point) * (b.astype(np.int64) - bv.zero_point)
        bounds = activation_range(activation, yv.scale, yv.zero_point, yv.dtype)
        return [rescaled(product, q, shift, yv.zero_point, bounds, yv.dtype)]
    product = np.atleast_1d(a * b).reshape(yv.shape)
    if yv.dtype.kind == "f":
        return [clamp_float(product, activation)]
    if yv.dtype.kind == "c":
        return [_complex_product(a, b).reshape(yv.shape)]
    if yv.dtype == np.uint32 and activation == "RELU_N1_TO_1":
        return [np.ones_like(product)]  # no number is at least the unsigned -1, and 1 is the most
    return [np.clip(product, *integer_activation_range(activation, yv.dtype))]


def _complex_product(a: Array, b: Array) -> Array:
    """Four products, each rounded; NumPy's own may fuse them with the sums."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape), np.complex64)
    out.real = a.real * b.real - a.imag * b.imag
    out.imag = a.real * b.imag + a.imag * b.real
    return out


KERNELS = (Kernel("MUL", prepare, evaluate),)
