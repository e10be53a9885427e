"""gemmlowp's logistic and tanh on int16 fixed point, as tables of all 65536 arguments.

The algorithms are those of `gemmlowp`, with every step in 16 bits: a value in format Qm is an int16
raw r that means r * 2**(m - 15), and the constants are those of 32 bits, rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.fixed_point import IntArray, rdbp

_MAX = 32767
_EXP_MINUS_EIGHTH = 28918
_ONE_THIRD = 10923
_EXP_POWERS = ((-2, 25520), (-1, 19875), (0, 12055), (1, 4435), (2, 600), (3, 11), (4, 0))
_48_OVER_17, _MINUS_32_OVER_17 = 23130, -15420  # in Q2


def _wrap(x: npt.ArrayLike) -> IntArray:
    return np.asarray(x, np.int64).astype(np.int16).astype(np.int64)


def _multiply(a: npt.ArrayLike, b: npt.ArrayLike) -> IntArray:
    """Saturating rounding doubling high multiply of int16."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 14)) >> 15, _MAX))


def _times_power(x: npt.ArrayLike, exponent: int) -> IntArray:
    """x * 2**exponent, saturated."""
    return np.asarray(np.clip(np.asarray(x, np.int64) << exponent, -32768, _MAX))


def _exp(raw: IntArray, integer_bits: int) -> IntArray:
    """exp of raw Q(integer_bits) <= 0, in Q0."""
    fraction = 15 - integer_bits
    quarter = 1 << (fraction - 2)
    modulo = (raw & (quarter - 1)) - quarter
    x = _wrap(_times_power(modulo, integer_bits) + (1 << 12))
    x2 = _multiply(x, x)
    x3, x4 = _multiply(x2, x), _multiply(x2, x2)
    tail = rdbp(_multiply(_wrap(rdbp(x4, 2) + x3), _ONE_THIRD) + x2, 1)
    result = _wrap(_EXP_MINUS_EIGHTH + _multiply(_EXP_MINUS_EIGHTH, _wrap(x + tail)))
    remainder = _wrap(modulo - raw)
    for power, factor in _EXP_POWERS:
        if integer_bits > power:
            bit = np.int64(1) << (fraction + power)
            result = np.where(remainder & bit, _multiply(result, factor), result)
    if integer_bits > 5:
        result = np.where(raw < -(1 << (20 - integer_bits)), 0, result)
    return np.where(raw == 0, _MAX, result)


def _reciprocal(a: IntArray) -> IntArray:
    """2 / (1 + a) in Q2 for `a` in [0, 1), raw Q0."""
    half = (a + _MAX + 1) // 2
    x = _wrap(_48_OVER_17 + _multiply(half, _MINUS_32_OVER_17))
    for _ in range(3):
        error = _wrap((1 << 13) - _multiply(half, x))
        x = _wrap(x + _times_power(_multiply(x, error), 2))
    return x


def _table(function: Callable[[IntArray], IntArray]) -> npt.NDArray[np.int16]:
    """int16[65536] of `function`, in parts: each of its steps takes 8 bytes an entry."""
    raw = np.arange(65536, dtype=np.int64).astype(np.int16).astype(np.int64)
    return np.concatenate([function(part).astype(np.int16) for part in np.split(raw, 16)])


@lru_cache(maxsize=1)
def _logistic_table() -> npt.NDArray[np.int16]:
    def exact(raw: IntArray) -> IntArray:
        positive = _times_power(_reciprocal(_exp(-np.abs(raw), 3)), 1)
        signed = np.where(raw > 0, positive, _MAX - positive)
        return np.where(raw == 0, 1 << 14, signed)

    return _table(exact)


@lru_cache(maxsize=8)
def _tanh_table(integer_bits: int) -> npt.NDArray[np.int16]:
    def exact(raw: IntArray) -> IntArray:
        exp = _exp(-np.abs(raw), integer_bits + 1)
        size = _times_power(_wrap(_reciprocal(exp) - (1 << 13)), 2)
        return np.where(raw == 0, 0, np.where(raw < 0, -size, size))

    return _table(exact)


def logistic(x: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """1 / (1 + exp(-x)) of raw Q3, in Q0."""
    return _logistic_table()[x.view(np.uint16)]


def tanh(x: npt.NDArray[np.int16], integer_bits: int) -> npt.NDArray[np.int16]:
    """tanh of raw Q(integer_bits), in Q0; `integer_bits` in 0 .. 6."""
    return _tanh_table(integer_bits)[x.view(np.uint16)]
