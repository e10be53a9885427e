"""HARD_SWISH, LEAKY_RELU, PRELU, ELU and GELU.

Float bounds: ELU 2 ulp (expm1: `accurate.LIBRARY_ULP`).  GELU 8 roundings of |y|: 6 of erfc, whose
vector form in the reference may be 3 ulp off, and two products; its approximation 6 roundings of
|x| + |y|, as 1 + tanh, within 7 roundings of 1, cancels for negative x and is multiplied by x / 2.
The others are equal.

PRELU of int16 takes slopes in int8; given int16 ones, LiteRT reads their bytes (found by running
it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Prepare,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.bfloat16 import in_floats
from litefuse.runtime.kernels.bounds import rounded
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.erfc import erfc
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier, rdbp, saturate
from litefuse.runtime.kernels.int8_tables import evaluate_int8_table, through_bytes
from litefuse.runtime.kernels.int16_tables import evaluate_int16_table


def _prepare_of(*dtypes: str) -> Prepare:
    def prepare(ctx: NodeContext) -> list[Shape | None]:
        require_inputs(ctx, 1)
        x = ctx.input(0)
        require_same_dtype(ctx, x, ctx.outputs[0])
        require_dtype(ctx, x, *dtypes)
        return [x.shape]

    return prepare


def _finer_scale(x: TensorValue) -> np.float32:
    """The scale of an 8-bit HARD_SWISH input shifted left by 7 bits."""
    return np.float32(np.float32(1.0 / 128.0) * np.float32(x.scale))


def _prepare_hard_swish(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    shape = _prepare_of("float32", "int8", "uint8")(ctx)
    x, y = ctx.input(0), ctx.outputs[0]
    if x.dtype.kind != "f":
        _, shift = quantize_multiplier(float(_finer_scale(x) / np.float32(y.scale)))
        found = f"output scale {y.scale} is below a 128th of the input's {x.scale}"
        require(shift <= 0, ctx, found)
    return shape


def _srdhm16(a: Array, b: int) -> Array:
    """Saturating rounding doubling high multiply of int16."""
    return np.asarray(np.minimum((a.astype(np.int64) * b + (1 << 14)) >> 15, 32767))


def _rdbp16(x: Array, exponent: int) -> Array:
    """Rounding division of int16 by a power of two.

    From 2**16 on the reference's mask of 16 bits is -1, by which every remainder counts as more
    than half: the quotient is 1, or -1 for negative numbers (found by running it).
    """
    return rdbp(x, exponent) if exponent < 16 else np.where(x < 0, -1, 1)


def _to_int16(q: int) -> int:
    """The nearest 16-bit multiplier to a 32-bit one, rounded half up, saturated."""
    return 32767 if q >= 0x7FFFFFFF - (1 << 15) else (q + (1 << 15)) >> 16


def _hard_swish_8_bit(ctx: NodeContext, values: Array) -> Array:
    """The reference's 16-bit arithmetic: x * relu6(x + 3) / 6 with 7 extra bits of input."""
    x, y = ctx.input(0), ctx.outputs[0]
    info = np.iinfo(x.dtype)
    hires_scale = _finer_scale(x)
    out_q, out_shift = quantize_multiplier(float(hires_scale / np.float32(y.scale)))
    relu_q, relu_shift = quantize_multiplier(
        float(hires_scale / np.float32(np.float32(3.0) / np.float32(32768.0)))
    )
    hires = (values.astype(np.int64) - x.zero_point) << 7
    on_output = _srdhm16(hires, _to_int16(out_q))
    relu = hires
    relu16 = _to_int16(relu_q)
    if relu_shift > 0:
        relu = saturate(relu << (relu_shift - 1), -32768, 32767)
    relu = _srdhm16(relu, relu16)
    if relu_shift > 0:
        relu = saturate(relu << 1, -32768, 32767)
    if relu_shift < 0:
        relu = _rdbp16(relu, -relu_shift)
    relu = (relu + (1 << 15)) >> 1
    exact = relu * on_output
    product = np.sign(exact) * (np.abs(exact) >> 15)  # C truncates toward zero
    value = _rdbp16(saturate(product, -32768, 32767), -out_shift) + y.zero_point
    return np.asarray(np.clip(value, info.min, info.max).astype(x.dtype))


def evaluate_hard_swish(ctx: NodeContext) -> list[Array]:
    """x * relu6(x + 3) / 6."""
    x = ctx.data(0)
    if x.dtype.kind != "f":
        return [through_bytes(ctx, lambda values: _hard_swish_8_bit(ctx, values))]
    gate = np.minimum(np.maximum(x + np.float32(3), 0), np.float32(6))
    return [np.asarray(x * gate / np.float32(6), np.float32)]


def evaluate_leaky_relu(ctx: NodeContext) -> list[Array]:
    """x where it is not negative, else alpha * x."""
    x = ctx.data(0)
    alpha = np.float32(ctx.option("alpha", 0.0))
    if x.dtype.kind == "f":
        return [_leaky(x, alpha)]
    if x.dtype.itemsize == 1:
        return [through_bytes(ctx, lambda values: _leaky_integer(ctx, values, alpha))]
    return [_leaky_integer(ctx, x, alpha)]


def _leaky(x: Array, alpha: np.float32) -> Array:
    if 0 < alpha <= 1:  # the larger of the two, then, and no branch
        return np.asarray(np.maximum(x, x * alpha))
    return np.where(x > 0, x, x * alpha)


def _leaky_integer(ctx: NodeContext, x: Array, alpha: np.float32) -> Array:
    xv, yv = ctx.input(0), ctx.outputs[0]
    s_x, s_y = np.float32(xv.scale), np.float32(yv.scale)
    identity = quantize_multiplier(float(s_x / s_y))
    slope = float(s_x * alpha / s_y)
    q, shift = quantize_multiplier(abs(slope))
    centred = x.astype(np.int64) - xv.zero_point
    sloped = mbqm(centred, q, shift)
    if slope < 0:
        sloped = -sloped  # after rounding: the multiplier itself has no sign
    value = np.where(centred >= 0, mbqm(centred, *identity), sloped) + yv.zero_point
    info = np.iinfo(yv.dtype)
    return np.asarray(np.clip(value, info.min, info.max).astype(yv.dtype))


def prepare_prelu(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape; the slopes broadcast to it."""
    require_inputs(ctx, 2)
    x, alpha = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, x, ctx.outputs[0])
    if x.dtype != np.int16 or alpha.dtype != np.int8:
        require_same_dtype(ctx, x, alpha)
    require_dtype(ctx, x, "float32", "int8", "uint8", "int16")
    shape = broadcast_shapes(ctx, x.shape, alpha.shape)
    require(shape == x.shape, ctx, f"slopes of shape {alpha.shape} exceed the input's {x.shape}")
    return [x.shape]


def evaluate_prelu(ctx: NodeContext) -> list[Array]:
    """x where it is not negative, else slope * x."""
    xv, av, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    x, alpha = ctx.data(0), ctx.data(1)
    if x.dtype.kind == "f":
        return [np.where(x >= 0, x, x * alpha)]
    if x.dtype == alpha.dtype == np.int16:
        alpha = np.frombuffer(alpha.tobytes(), np.int8)[: alpha.size].reshape(alpha.shape)
    s_x, s_a, s_y = np.float32(xv.scale), np.float32(av.scale), np.float32(yv.scale)
    identity = quantize_multiplier(float(s_x / s_y))
    slope = quantize_multiplier(float(s_x * s_a / s_y))
    centred = x.astype(np.int64) - xv.zero_point
    sloped = mbqm(centred * (alpha.astype(np.int64) - av.zero_point), *slope)
    value = np.where(centred >= 0, mbqm(centred, *identity), sloped) + yv.zero_point
    info = np.iinfo(yv.dtype)
    return [np.clip(value, info.min, info.max).astype(yv.dtype)]


def _elu(x: Array) -> Array:
    return np.asarray(np.where(x < 0, accurate.expm1(np.minimum(x, 0)), x))


def evaluate_elu(ctx: NodeContext) -> list[Array]:
    """x where it is not negative, else exp(x) - 1."""
    if ctx.data(0).dtype == np.int8:
        return [evaluate_int8_table(ctx, _elu)]
    return [_elu(ctx.data(0))]


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _gelu(x: Array) -> Array:
    return np.float32(0.5) * x * erfc(x * np.float32(-math.sqrt(0.5)))


def _gelu_tanh(x: Array) -> Array:
    inner = np.float32(math.sqrt(2.0 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (np.float32(1) + accurate.tanh(inner))


def _rounded16(x: Array) -> Array:
    return np.asarray(x, np.float32).astype(np.float16).astype(np.float32)


def _gelu16(x: Array) -> Array:
    """Each step rounded to float16, but for erf."""
    inner = _rounded16(x * _rounded16(np.array(math.sqrt(0.5))))
    return _rounded16(0.5 * x) * _rounded16(1 + _erf(inner).astype(np.float32))


def _gelu_tanh16(x: Array) -> Array:
    """Each step rounded to float16."""
    factor, cubic = (_rounded16(np.array(c)) for c in (math.sqrt(2.0 / math.pi), 0.044715))
    cube = _rounded16(cubic * _rounded16(_rounded16(x * x) * x))
    inner = _rounded16(factor * _rounded16(x + cube))
    slope = _rounded16(1 + _rounded16(np.tanh(inner.astype(np.float64))))
    return _rounded16(0.5 * x) * slope


def evaluate_gelu(ctx: NodeContext) -> list[Array]:
    """x * Phi(x), exactly or by its tanh approximation."""
    x, approximate = ctx.data(0), bool(ctx.option("approximate", False))
    if x.dtype == np.float16:
        return [in_floats(ctx, _gelu_tanh16 if approximate else _gelu16)]
    function = _gelu_tanh if approximate else _gelu
    if x.dtype == np.int16:
        return [evaluate_int16_table(ctx, function)]
    if x.dtype.kind in "iu":
        return [evaluate_int8_table(ctx, function)]
    return [function(x)]


def _allowed_gelu(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    x, y = np.abs(ctx.data(0)).astype(np.float64), np.abs(outputs[0]).astype(np.float64)
    if outputs[0].dtype == np.float16:
        return [np.asarray(2.0**-9 * y + 2.0**-22 * x + 2.0**-24)]
    if ctx.option("approximate", False):
        return [rounded(6, x + y)]
    return [rounded(8, y)]


_GELU = Bound(
    "8 roundings; approximate: 6 of abs(x) + abs(y); float16: 2 ulp of y, 2 roundings of x",
    _allowed_gelu,
)

KERNELS = (
    Kernel("HARD_SWISH", _prepare_hard_swish, evaluate_hard_swish),
    Kernel("LEAKY_RELU", _prepare_of("float32", "int8", "uint8", "int16"), evaluate_leaky_relu),
    Kernel("PRELU", prepare_prelu, evaluate_prelu),
    Kernel("ELU", _prepare_of("float32", "int8"), evaluate_elu, ulp=accurate.LIBRARY_ULP),
    Kernel(
        "GELU",
        _prepare_of("float32", "float16", "int8", "uint8", "int16"),
        evaluate_gelu,
        bound=_GELU,
    ),
)
