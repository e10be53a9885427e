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


# Of the logarithm: constants in Q0, the last four those of a rational function about 2**(-1/4).
_LOG_2 = 1488522236
_SQRT_HALF = 1518500250
_FOURTH_ROOT_OF_HALF = 1805811301
_QUARTER = 1 << 29
_ALPHA_N, _ALPHA_D, _ALPHA_I, _ALPHA_F = 117049297, 127690142, 1057819769, 638450708


def _leading_zeros(x: IntArray) -> IntArray:
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)


def _shift_left(x: IntLike, bits: IntLike) -> IntArray:
    """x * 2**bits, saturated to int32 (TFLite's, whose lower limit is one off gemmlowp's)."""
    raw, count = np.asarray(x, np.int64), np.asarray(bits, np.int64)
    threshold = (np.int64(1) << (31 - count)) - 1
    shifted = np.where(raw > threshold, INT32_MAX, wrap32(raw << count))
    shifted = np.where(raw < -threshold, INT32_MIN, shifted)
    return np.where(count == 0, raw, shifted)


def log_from_one(x: IntLike, input_bits: int, output_bits: int) -> IntArray:
    """log(x) for x >= 1, raw Q(input_bits) to raw Q(output_bits): x is brought near 2**(-1/4) by a
    power of two, in two ways of which the better is taken, and a rational function does the rest.
    """
    raw = np.asarray(x, np.int64)
    bits = output_bits + 1  # of headroom
    quarter = rdbp(_QUARTER, bits)
    zeros = _leading_zeros(raw)
    near_a = _shift_left(srdhm(_shift_left(raw, zeros - 1), _SQRT_HALF), 1)
    power_a = saturate(_shift_left(input_bits - zeros, 31 - bits) + quarter, INT32_MIN, INT32_MAX)
    headroom = _leading_zeros(srdhm(raw, _SQRT_HALF)) - 1
    near_b = _shift_left(raw, headroom)
    power_b = _shift_left(input_bits - headroom, 31 - bits) - quarter
    power_b = saturate(power_b, INT32_MIN, INT32_MAX)
    r, power = np.minimum(near_a, near_b), np.maximum(power_a, power_b)

    total = r + _FOURTH_ROOT_OF_HALF
    p = (total + 1) >> 1  # both are positive
    q = wrap32(2 * (r - _FOURTH_ROOT_OF_HALF))
    square = srdhm(q, q)
    numerator = wrap32(srdhm(q, r) + srdhm(srdhm(q, square), _ALPHA_N))
    inner = wrap32(_ALPHA_I + q + srdhm(_ALPHA_D, square))
    denominator = wrap32(srdhm(p, inner) + srdhm(_ALPHA_F, q))
    fraction = srdhm(rdbp(numerator, bits), one_over_one_plus_x(denominator))
    return multiply_by_pot(wrap32(srdhm(power, _LOG_2) + fraction), 1)


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


def log_softmax_rows(x: np.ndarray, scale: float) -> np.ndarray:
    """LOG_SOFTMAX of 8-bit rows (last axis) in 1 / 16, its highest value standing for 0."""
    info = np.iinfo(x.dtype)
    multiplier, shift, diff_min = softmax_scaling(1.0, scale)
    back, back_shift = quantize_multiplier((1 << (31 - shift)) / multiplier)
    diff = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scaled = mbqm(np.where(diff >= diff_min, diff, 0), multiplier, shift)
    terms = rdbp(exp_on_negative_values(scaled, SOFTMAX_DIFF_BITS), SOFTMAX_SUM_BITS)
    total = wrap32(np.where(diff >= diff_min, terms, 0).sum(axis=-1, keepdims=True))
    log = log_from_one(total, SOFTMAX_SUM_BITS, SOFTMAX_DIFF_BITS)
    # Below this the difference less the logarithm would overflow.
    lowest = np.maximum(diff_min - 1, mbqm(log + INT32_MIN, back, back_shift))
    scaled = mbqm(np.where(diff > lowest, diff, 0), multiplier, shift)
    value = rdbp(wrap32(scaled - log), 31 - SOFTMAX_DIFF_BITS - 4) + info.max
    value = np.where(diff > lowest, np.clip(value, info.min, info.max), info.min)
    return value.astype(x.dtype)
