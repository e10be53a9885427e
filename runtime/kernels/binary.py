"""Elementwise functions of two tensors that broadcast: one table row an op.

DIV, POW, MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, FLOOR_DIV, FLOOR_MOD, ATAN2, LOGICAL_AND,
LOGICAL_OR, BITWISE_XOR, RIGHT_SHIFT.  Float bounds: POW and ATAN2 2 ulp (`accurate.LIBRARY_ULP`
derives it), the rest equal; 16-bit floats are computed in float32 and rounded.

Found by running LiteRT: MAXIMUM and MINIMUM give the second operand where one is NaN, and run on
empty tensors of any type; FLOOR_DIV divides floats as doubles and refuses a zero of theirs, too,
and makes of the lowest int8 by -1 the highest or the lowest, by the element's place in a vector
loop (ours: the lowest); ATAN2 pairs elements as they lie, and only asks for equal ranks.  POW of
int32 is that of doubles, and -2**31 where that is no int32; but where one whole exponent of at
least 1 is broadcast, powers are products of squares, which wrap or stop at the largest float.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.activation import clamp_float, clamp_or_none
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.bfloat16 import in_floats
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.fixed_point import (
    activation_range,
    integer_activation_range,
    mbqm,
    quantize_multiplier,
    rdbp_by_any,
    rescaled,
    srdhm,
)
from litefuse.runtime.kernels.gemmlowp import reciprocal
from litefuse.runtime.kernels.int8_tables import through_bytes

Function = Callable[[Array, Array], Any]

_HALVES = ("float16", "bfloat16")


def _prepare(ctx: NodeContext, dtypes: tuple[str, ...]) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    require_dtype(ctx, a, *dtypes)
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def _evaluate(ctx: NodeContext, function: Function) -> list[Array]:
    if ctx.outputs[0].type_name in _HALVES:
        return [in_floats(ctx, function).reshape(ctx.outputs[0].shape)]
    result = np.asarray(function(ctx.data(0), ctx.data(1)), ctx.outputs[0].dtype)
    return [result.reshape(ctx.outputs[0].shape)]


def _row(name: str, function: Function, *dtypes: str, ulp: int = 0) -> Kernel:
    return Kernel(
        name, partial(_prepare, dtypes=dtypes), partial(_evaluate, function=function), ulp=ulp
    )


def _prepare_div(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    return _prepare(ctx, ("float32", "int32", "int16", "int8", "uint8"))


def _evaluate_div(ctx: NodeContext) -> list[Array]:
    """a / b; integers truncate toward zero, and a zero divisor is an error."""
    a, b, bv = ctx.data(0), ctx.data(1), ctx.input(1)
    shape, activation = ctx.outputs[0].shape, clamp_or_none(ctx)
    if a.dtype.kind == "f":
        return [clamp_float(np.atleast_1d(a / b).reshape(shape), activation)]
    if a.dtype.itemsize <= 2:
        _refuse_zero(ctx, b.astype(np.int64) - bv.zero_point)
        return [_quotient(ctx, activation).reshape(shape)]
    _refuse_zero(ctx, b)
    wide = a.astype(np.int64), b.astype(np.int64)
    quotient = np.sign(wide[0]) * np.sign(wide[1]) * (np.abs(wide[0]) // np.abs(wide[1]))
    bounds = integer_activation_range(activation, a.dtype)
    return [np.clip(quotient, *bounds).astype(a.dtype).reshape(shape)]


def _quotient(ctx: NodeContext, activation: str) -> Array:
    """Quantised a / b: a, shifted left as far as it goes, times the fixed-point reciprocal of b."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    q, shift = quantize_multiplier(
        float(np.float32(av.scale) / (np.float32(bv.scale) * np.float32(yv.scale)))
    )
    a = ctx.data(0).astype(np.int64) - av.zero_point
    b = ctx.data(1).astype(np.int64) - bv.zero_point
    a, b = np.where(b < 0, -a, a), np.abs(b)
    inverse, over_unit = reciprocal(b, 31)
    size = np.where(a < 0, ~a, a)
    headroom = 31 - np.frexp(size.astype(np.float64))[1].astype(np.int64)
    scaled = srdhm(srdhm(a << headroom, inverse), q)
    right = over_unit + headroom - shift
    value = rdbp_by_any(scaled, right) + yv.zero_point
    bounds = activation_range(activation, yv.scale, yv.zero_point, yv.dtype)
    return np.asarray(np.clip(value, *bounds).astype(yv.dtype))


def _refuse_zero(ctx: NodeContext, b: Array) -> None:
    if not b.all():
        raise KernelError(f"{ctx.op.name}: a number is divided by 0")


def _evaluate_floor(ctx: NodeContext, function: Function) -> list[Array]:
    if ctx.data(1).dtype.kind in "iu" or ctx.op.name == "FLOOR_DIV":
        _refuse_zero(ctx, ctx.data(1))
    return _evaluate(ctx, function)


def _floor_div(a: Array, b: Array) -> Any:
    return np.floor(a.astype(np.float64) / b) if a.dtype.kind == "f" else a // b


def _floor_mod(a: Array, b: Array) -> Any:
    if a.dtype.kind != "f":
        return np.mod(a, b)
    rest = np.fmod(a, b)
    return np.where((rest != 0) & ((b < 0) != (rest < 0)), rest + b, rest)


def _evaluate_pow(ctx: NodeContext) -> list[Array]:
    """a ** b."""
    a, b, y = ctx.data(0), ctx.data(1), ctx.outputs[0]
    if b.dtype.kind == "i":
        require(int(b.min(initial=0)) >= 0, ctx, "an integer is raised to a negative power")
    if b.size == 1 and a.shape != b.shape:
        exponent = b.ravel()[0]
        whole = int(np.clip(np.nan_to_num(np.round(exponent)), -1, 2**31 - 1))
        if abs(float(exponent) - whole) < 1e-5 and whole >= 1:
            return [_whole_power(a, whole).reshape(y.shape)]
    return _evaluate(ctx, _power)


def _whole_power(a: Array, exponent: int) -> Array:
    """The power of an exponent of at least 1: that of its half squared, times the base if odd."""
    if exponent == 1:
        return a.copy()
    half = _whole_power(a, exponent // 2)
    square = _within(np.asarray(half * half))
    return _within(np.asarray(a * square)) if exponent % 2 else square


def _within(x: Array) -> Array:
    return clamp_float(np.atleast_1d(x), "NONE") if x.dtype.kind == "f" else x


def _power(a: Array, b: Array) -> Any:
    if a.dtype.kind == "f":
        return accurate.power(a, b)
    exact = np.power(a.astype(np.float64), b)
    info = np.iinfo(np.int32)
    inside = (exact >= info.min) & (exact <= info.max)
    return np.where(inside, exact, info.min).astype(np.int32)


def _squared_difference(a: Array, b: Array) -> Any:
    return np.square(a - b)


def _prepare_extremum(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    shape = broadcast_shapes(ctx, a.shape, b.shape)
    if 0 not in shape:
        require_dtype(ctx, a, "float32", *_HALVES, "int8", "uint8", "int16", "int32", "int64")
    return [shape]


def _greater(a: Array, b: Array) -> Any:
    return np.where(a > b, a, b)


def _lesser(a: Array, b: Array) -> Any:
    return np.where(a < b, a, b)


def _prepare_atan2(ctx: NodeContext) -> list[Shape | None]:
    """The first input's shape."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    require_dtype(ctx, a, "float32", "float64", *_HALVES)
    require(len(a.shape) == len(b.shape), ctx, f"shapes {a.shape} and {b.shape} differ in rank")
    count = math.prod(a.shape)
    # LiteRT reads past the end of a shorter one.
    require(math.prod(b.shape) >= count, ctx, f"shapes {a.shape} and {b.shape} differ")
    return [a.shape]


def _evaluate_atan2(ctx: NodeContext) -> list[Array]:
    """The angle of the point (b, a)."""
    shape = ctx.outputs[0].shape
    size = math.prod(shape)

    def angle(a: Array, b: Array) -> Array:
        return accurate.arctan2(a.ravel(), b.ravel()[:size]).reshape(shape)

    return _evaluate(ctx, angle)


def _prepare_squared_difference(ctx: NodeContext) -> list[Shape | None]:
    return _prepare(ctx, ("float32", "int32", "int8"))


def _evaluate_squared_difference(ctx: NodeContext) -> list[Array]:
    """(a - b) ** 2; int8 through a common scale, as quantised ADD."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    if yv.dtype != np.int8:
        return _evaluate(ctx, _squared_difference)
    twice_max = 2.0 * max(av.scale, bv.scale)

    def common(i: int) -> Array:
        value = ctx.input(i)

        def scaled(x: Array) -> Array:
            centred = (x.astype(np.int64) - value.zero_point) << 7
            return mbqm(centred, *quantize_multiplier(value.scale / twice_max))

        return through_bytes(ctx, scaled, i)

    # The difference keeps 7 extra bits, and its square 14.
    final = quantize_multiplier(twice_max * twice_max / ((1 << 14) * yv.scale))
    square = np.square(common(0) - common(1))
    return [rescaled(square, *final, yv.zero_point, (-128, 127), np.int8)]


def _prepare_shift(ctx: NodeContext) -> list[Shape | None]:
    return _prepare(ctx, ("int8", "uint8", "int16", "uint16", "int32", "uint32"))


def _evaluate_shift(ctx: NodeContext) -> list[Array]:
    """a >> b, arithmetic for signed types; b is clamped to the type's bits."""
    a = ctx.data(0)
    bits = a.dtype.itemsize * 8 - 1
    return _evaluate(ctx, lambda x, y: x >> np.clip(y, 0, bits).astype(x.dtype))


_WORDS = ("int8", "uint8", "int16", "uint16", "int32", "uint32")

KERNELS = (
    Kernel("DIV", _prepare_div, _evaluate_div),
    Kernel(
        "POW",
        partial(_prepare, dtypes=("float32", "int32")),
        _evaluate_pow,
        ulp=accurate.LIBRARY_ULP,
    ),
    Kernel("MAXIMUM", _prepare_extremum, partial(_evaluate, function=_greater)),
    Kernel("MINIMUM", _prepare_extremum, partial(_evaluate, function=_lesser)),
    Kernel("SQUARED_DIFFERENCE", _prepare_squared_difference, _evaluate_squared_difference),
    Kernel(
        "FLOOR_DIV",
        partial(_prepare, dtypes=("float32", "int32", "int16", "int8")),
        partial(_evaluate_floor, function=_floor_div),
    ),
    Kernel(
        "FLOOR_MOD",
        partial(_prepare, dtypes=("float32", "int8", "int16", "int32", "int64")),
        partial(_evaluate_floor, function=_floor_mod),
    ),
    Kernel("ATAN2", _prepare_atan2, _evaluate_atan2, ulp=accurate.LIBRARY_ULP),
    _row("LOGICAL_AND", np.logical_and, "bool"),
    _row("LOGICAL_OR", np.logical_or, "bool"),
    _row("BITWISE_XOR", np.bitwise_xor, *_WORDS),
    Kernel("RIGHT_SHIFT", _prepare_shift, _evaluate_shift),
)
