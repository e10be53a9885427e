"""gemmlowp's fixed-point transcendental functions on int32, vectorised: what SOFTMAX, LOGISTIC and
TANH are made of.

A value in format Qm (m integer bits) is an int32 raw r that means r * 2**(m - 31).  Functions take
and give int64 arrays of raw values.  Algorithms: gemmlowp's fixedpoint header (Taylor series about
-1/8 with a barrel shifter of exp(-2**k) factors; three Newton steps from 48/17 - 32/17 d for the
reciprocal).
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    IntArray,
    IntLike,
    input_radius,
    mbqm,
    quantize_multiplier,
    rdbp,
    saturate,
    srdhm,
    wrap32,
)

_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0
_ONE_THIRD = 715827883  # 1/3 in Q0
# (k, exp(-2**k) in Q0): the factors of the barrel shifter.
_EXP_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_48_OVER_17 = 1515870810  # in Q2
_MINUS_32_OVER_17 = -1010580540  # in Q2


def multiply_by_pot(x: IntLike, exponent: int) -> IntArray:
    """x * 2**exponent: saturating to int32 when it grows, rounded half away from zero when it
    shrinks.
    """
    if exponent >= 0:
        return saturate(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX)
    return rdbp(x, -exponent)


def _exp_on_last_quarter(a: IntArray) -> IntArray:
    """exp(a) for a in [-1/4, 0), Q0 to Q0."""
    x = wrap32(a + (1 << 28))
    x2 = srdhm(x, x)
    x3 = srdhm(x2, x)
    x4 = srdhm(x2, x2)
    tail = rdbp(srdhm(rdbp(x4, 2) + x3, _ONE_THIRD) + x2, 1)
    return wrap32(_EXP_MINUS_EIGHTH + srdhm(_EXP_MINUS_EIGHTH, x + tail))


def exp_on_negative_values(a: IntLike, integer_bits: int) -> IntArray:
    """exp(a) for a <= 0; `a` raw in Q(integer_bits), result raw in Q0 (INT32_MAX stands for 1)."""
    raw = np.asarray(a, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    modulo = (raw & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(multiply_by_pot(modulo, integer_bits))
    remainder = wrap32(modulo - raw)
    for power, factor in _EXP_POWERS:
        if integer_bits > power:
            bit = np.int64(1) << (fractional_bits + power)
            result = np.where(remainder & bit, srdhm(result, factor), result)
    if integer_bits > 5:
        result = np.where(raw < -(1 << (36 - integer_bits)), 0, result)
    return np.where(raw == 0, INT32_MAX, result)


def _newton_reciprocal(a: IntLike) -> IntArray:
    """1 / ((1 + a) / 2) in Q2 for `a` in [0, 1), raw Q0."""
    half_denominator = (np.asarray(a, np.int64) + INT32_MAX + 1) // 2
    x = wrap32(_48_OVER_17 + srdhm(half_denominator, _MINUS_32_OVER_17))
    for _ in range(3):
        error = wrap32((1 << 29) - srdhm(half_denominator, x))
        x = wrap32(x + multiply_by_pot(srdhm(x, error), 2))
    return x


def one_over_one_plus_x(a: IntLike) -> IntArray:
    """1 / (1 + a) for `a` in [0, 1), raw Q0 to raw Q0."""
    return multiply_by_pot(_newton_reciprocal(a), 1)


def one_minus_x_over_one_plus_x(a: IntLike) -> IntArray:
    """(1 - a) / (1 + a) for `a` in [0, 1), raw Q0 to raw Q0."""
    return multiply_by_pot(wrap32(_newton_reciprocal(a) - (1 << 29)), 2)


def logistic(a: IntLike, integer_bits: int) -> IntArray:
    """1 / (1 + exp(-a)), raw Q(integer_bits) to raw Q0."""
    raw = np.asarray(a, np.int64)
    positive = one_over_one_plus_x(exp_on_negative_values(-np.abs(raw), integer_bits))
    signed = np.where(raw > 0, positive, INT32_MAX - positive)
    return np.where(raw == 0, 1 << 30, signed)


def tanh(a: IntLike, integer_bits: int) -> IntArray:
    """tanh(a), raw Q(integer_bits) to raw Q0."""
    raw = np.asarray(a, np.int64)
    # Doubling is exact: the same raw value is read with one more integer bit.
    magnitude = one_minus_x_over_one_plus_x(exp_on_negative_values(-np.abs(raw), integer_bits + 1))
    return np.where(raw == 0, 0, np.where(raw < 0, -magnitude, magnitude))


def reciprocal(x: IntLike, integer_bits: int) -> tuple[IntArray, IntArray]:
    """(scale, bits_over_unit) with 1 / x = scale(Q0) * 2**-bits_over_unit, for x > 0 raw in
    Q(integer_bits).
    """
    raw = np.asarray(x, np.int64)
    headroom = 32 - np.frexp(raw.astype(np.float64))[1].astype(np.int64)  # leading zeros
    shifted = (raw << headroom) - (1 << 31)
    return one_over_one_plus_x(shifted), integer_bits - headroom


# --- softmax --------------------------------------------------------------------------------------

SOFTMAX_DIFF_BITS = 5
SOFTMAX_SUM_BITS = 12


def softmax_scaling(beta: float, scale: float) -> tuple[int, int, int]:
    """(multiplier, left_shift, diff_min) by which SOFTMAX turns x - max into Q5; smaller
    differences count as 0.
    """
    real = min(
        float(np.float32(beta)) * float(np.float32(scale)) * (1 << (31 - SOFTMAX_DIFF_BITS)),
        (1 << 31) - 1.0,
    )
    multiplier, shift = quantize_multiplier(real)
    return multiplier, shift, -input_radius(SOFTMAX_DIFF_BITS, shift)


def softmax_int8_table(beta: float, scale: float) -> np.ndarray:
    """exp of every possible difference: int32[256], entry d is exp(beta * scale * -d) in Q0, 0
    below diff_min.

    With this table 8-bit SOFTMAX of a row is
      total = sum(rdbp(table[max - x], 12)) ; (r, b) = reciprocal(total, 12)
      y = clamp(rdbp(srdhm(r, table[max - x]), b + 31 - 8) + qmin, qmin, qmax), and y = qmin below
      diff_min,
    where qmin, qmax are the limits of the output type (for an int16 output 8 becomes 16).  A table
    entry of 0 gives qmin by the same formula, so diff_min needs no test of its own.
    """
    multiplier, shift, diff_min = softmax_scaling(beta, scale)
    diff = -np.arange(256, dtype=np.int64)
    used = diff >= diff_min
    table = exp_on_negative_values(
        mbqm(np.where(used, diff, 0), multiplier, shift), SOFTMAX_DIFF_BITS
    )
    return np.where(used, table, 0).astype(np.int32)


def softmax_rows(exp_rows: np.ndarray, out_dtype: np.dtype) -> np.ndarray:
    """Quantised probabilities of each row (last axis) of `softmax_int8_table` entries."""
    info = np.iinfo(out_dtype)
    entries = exp_rows.astype(np.int64)
    total = wrap32(rdbp(entries, SOFTMAX_SUM_BITS).sum(axis=-1, keepdims=True))
    scale, over = reciprocal(total, SOFTMAX_SUM_BITS)
    value = rdbp(srdhm(scale, entries), over + 31 - info.bits) + info.min
    return np.clip(value, info.min, info.max).astype(out_dtype)
