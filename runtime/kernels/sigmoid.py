"""LOGISTIC and TANH: float32, float16, bfloat16, int8, uint8 and int16.

16-bit floats are computed in float32 and rounded.

On 8 bits the reference, too, looks the float function up in a table of 256 entries.

Float bounds: LOGISTIC 7 ulp. A rounding is at most a unit in the last place of the result: ours are
1 of exp, 1 of the sum and 1 of the quotient; the reference's exp is within 1 unit, which is 2
roundings, and the same two follow. (exp's error comes down by the quotient's derivative.)
TANH 4 ulp: glibc's manual gives 2 for its own, and ours is the same formula (`accurate.tanh`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.bfloat16 import in_floats
from litefuse.runtime.kernels.fixed_point import int32_of, round_half_away, wrap32
from litefuse.runtime.kernels.int8_tables import evaluate_int8_table

_HALVES = ("float16", "bfloat16")


def _prepare(ctx: NodeContext) -> list[Shape | None]:
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, x, "float32", *_HALVES, "int8", "uint8", "int16")
    if x.type_name in ("int8", "uint8", "int16"):
        for value in (x, y):
            value.scale  # noqa: B018 - raises when absent
            zero = x.dtype != np.int16 or value.zero_point == 0
            require(zero, ctx, f"int16 {value.name!r} needs zero point 0")
    return [x.shape]


def prepare_logistic(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    shape = _prepare(ctx)
    x, y = ctx.input(0), ctx.outputs[0]
    if x.type_name in ("int8", "uint8", "int16"):
        step = 2.0**-15 if x.dtype == np.int16 else 2.0**-8
        require(y.scale == step, ctx, f"{x.dtype} output needs scale {step}, has {y.scale}")
    return shape


def prepare_tanh(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    shape = _prepare(ctx)
    y = ctx.outputs[0]
    if y.dtype == np.int16:
        log2 = float(np.log2(y.scale))
        near = round(log2) == -15 and abs(log2 + 15) < 1e-3
        require(near, ctx, f"int16 output needs scale {2.0**-15}, has {y.scale}")
    return shape


def _logistic(x: Array) -> Array:
    return np.asarray(np.where(x < -9, accurate.exp(x), accurate.sigmoid(x)), x.dtype)


@lru_cache(maxsize=1)
def sigmoid_table() -> npt.NDArray[np.int64]:
    """65536 * sigmoid(i / 24) for i < 256, raised by half the error of linear interpolation.

    The error is that at the middle of the segment that follows; so corrected, the table's 16-bit
    entries are those of the reference (found by running it at every grid point).
    """

    def curve(x: Array) -> Array:
        return np.asarray(65536.0 / (1.0 + np.exp(-x)))

    x, step = np.arange(256) / 24.0, 1 / 24.0
    chord = (curve(x) + curve(x + step)) / 2
    values = round_half_away(curve(x) + (curve(x + step / 2) - chord) / 2)
    values[-1] = 65535  # the last entry stands for infinity
    return np.asarray(values, np.int64)


def _int16_steps(x: TensorValue, data: Array, largest_pot_shift: int) -> npt.NDArray[np.int64]:
    """The input in units of 1 / (3 * 4096), in which the table has its steps."""
    log2 = float(np.log2(x.scale))
    exponent = round(log2)
    left = 12 + exponent
    if abs(log2 - exponent) < 1e-3 and 0 <= left <= largest_pot_shift:
        multiplier, shift = 3 << left, 0
    else:
        real = float(x.scale) * 4096.0 * 3.0
        shift = 0
        while real <= 32767.0 / 2.0 and shift <= 30:
            shift += 1
            real *= 2.0
        multiplier = int(int32_of(real))
    rounding = 1 << (shift - 1) if shift > 0 else 0
    # A product of a large scale wraps.
    return np.asarray(wrap32(data.astype(np.int64) * multiplier + rounding) >> shift)


def _logistic_int16(x: TensorValue, data: Array) -> Array:
    steps = _int16_steps(x, data, 0)
    size = np.abs(steps)
    index = np.minimum(size >> 9, 254)
    table = sigmoid_table()
    inside = (table[index] << 9) + (size & 0x1FF) * (table[index + 1] - table[index])
    value = np.where(size >> 9 >= 255, 0x7FFF << 10, inside)
    value = np.where(steps >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1)
    return np.asarray((value >> 10).astype(np.int16))


def _tanh_int16(x: TensorValue, data: Array) -> Array:
    steps = _int16_steps(x, data, 1)
    size = np.abs(steps)
    index = np.minimum(size >> 8, 254)
    table = sigmoid_table()
    inside = (table[index] << 8) + (size & 0xFF) * (table[index + 1] - table[index])
    value = np.where(size >> 8 >= 255, 0xFFFF << 8, inside)
    half = 1 << 23
    value = np.where(steps >= 0, value - half + (1 << 7), -value + half + (1 << 7) - 1)
    return np.asarray((value >> 8).astype(np.int16))


def evaluate_logistic(ctx: NodeContext) -> list[Array]:
    """1 / (1 + exp(-x))."""
    x = ctx.data(0)
    if ctx.input(0).type_name in _HALVES or x.dtype.kind == "f":
        return [in_floats(ctx, _logistic)]
    if x.dtype == np.int16:
        return [_logistic_int16(ctx.input(0), x)]
    return [evaluate_int8_table(ctx, accurate.sigmoid)]


def evaluate_tanh(ctx: NodeContext) -> list[Array]:
    """tanh(x)."""
    x = ctx.data(0)
    if ctx.input(0).type_name in _HALVES or x.dtype.kind == "f":
        return [in_floats(ctx, accurate.tanh)]
    if x.dtype == np.int16:
        return [_tanh_int16(ctx.input(0), x)]
    return [evaluate_int8_table(ctx, accurate.tanh)]


KERNELS = (
    Kernel("LOGISTIC", prepare_logistic, evaluate_logistic, ulp=7),
    Kernel("TANH", prepare_tanh, evaluate_tanh, ulp=4),
)
