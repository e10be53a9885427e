"""TFLite's quantised arithmetic to the bit, vectorised with NumPy.

Every function accepts Python integers or arrays (broadcast together) and works on int64 arrays
that hold int32 values; results are int64 arrays whose values fit int32 unless said otherwise.  The
rules are those of the
*reference* kernels (`OpResolverType.BUILTIN_REF`): double rounding.  Section numbers refer to the
numerics page of the TFLite quantisation specification that the project keeps beside its design
notes.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
IntLike = npt.ArrayLike

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def round_half_away(x: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """C's `round`: to the nearest integer, ties away from zero; keeps the floating dtype; exact
    for every input.
    """
    value = np.asarray(x)
    # The largest number below a half: with it no sum reaches an integer that the half would not.
    almost_half = np.nextafter(value.dtype.type(0.5), value.dtype.type(0))
    out = np.asarray(np.copysign(almost_half, value))
    out += value
    return np.asarray(np.trunc(out, out=out))


def quantize_multiplier(m: float) -> tuple[int, int]:
    """(q, shift) with m ~= q * 2**(shift - 31), q in [2**30, 2**31); (0, 0) for 0 and for m below
    2**-32.

    `m` must be finite and >= 0 (as TFLite requires).  Positive shift means left.
    """
    if not math.isfinite(m) or m < 0.0:
        raise ValueError(
            f"quantised multiplier {m!r} is not a finite number >= 0; check the tensor scales"
        )
    if m == 0.0:
        return 0, 0
    fraction, shift = math.frexp(m)
    q = int(round_half_away(np.float64(fraction * (1 << 31))))
    if q == 1 << 31:
        q //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return q, shift


def mbqm_multiplier(m: float) -> tuple[int, int]:
    """`quantize_multiplier` for code that does `mbqm` itself: a left shift modulo 32, as processors
    take it for a 32-bit number.
    """
    q, shift = quantize_multiplier(m)
    return q, shift & 31 if shift > 31 else shift


def mbqm_multipliers(m: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """`mbqm_multiplier` of each element: (q int32[n], shift int32[n])."""
    pairs = [mbqm_multiplier(float(v)) for v in np.asarray(m, np.float64).ravel()]
    return np.array([p[0] for p in pairs], np.int32), np.array([p[1] for p in pairs], np.int32)


def wrap32(x: IntLike) -> IntArray:
    """x modulo 2**32 as a signed int32 value: what C's int32 arithmetic leaves."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def int32_of(x: npt.ArrayLike) -> IntArray:
    """A float's conversion to int32, toward zero; what does not fit, and NaN, becomes the smallest
    int32, as x86's instruction makes it.
    """
    value = np.trunc(np.asarray(x, np.float64))
    fits = (value >= INT32_MIN) & (value <= INT32_MAX)
    return np.where(fits, value, INT32_MIN).astype(np.int64)


def saturate(x: IntLike, low: int, high: int) -> IntArray:
    """Clamp to [low, high]."""
    return np.clip(np.asarray(x, np.int64), low, high)


def srdhm(a: IntLike, b: IntLike) -> IntArray:
    """Saturating rounding doubling high multiply of int32: round_half_up(a * b / 2**31).

    gemmlowp writes it with a sign-dependent nudge and a truncating division; both are the same
    function.
    """
    out = _doubled_high(a, b)
    return np.minimum(out, INT32_MAX, out=out)


def _doubled_high(a: IntLike, b: IntLike) -> IntArray:
    """`srdhm` without the saturation, which only the lowest numbers of both need; a new array."""
    out = np.asarray(np.multiply(a, b, dtype=np.int64))
    out += 1 << 30
    out >>= 31
    return out


def rdbp(x: IntLike, exponent: IntLike) -> IntArray:
    """Rounding divide by 2**exponent, ties away from zero; exponent in [0, 31]."""
    return rdbp_in_place(np.array(x, np.int64), exponent)


def rdbp_in_place(value: IntArray, exponent: IntLike) -> IntArray:
    """`rdbp`, in the memory of `value` unless the exponents broadcast it: half is added, and of
    negative numbers one less, so that a tie goes away from zero.
    """
    e = np.asarray(exponent, np.int64)
    if np.broadcast_shapes(value.shape, e.shape) != value.shape:
        value = value + np.zeros_like(e)
    if not e.any():
        return value
    below = value >> 63
    if not e.all():
        below = below * (e > 0)
    value += (np.int64(1) << e) >> 1
    value += below
    value >>= e
    return value


def rdbp_by_any(x: IntLike, exponent: IntLike) -> IntArray:
    """`rdbp` of int32 with any exponent, as the compiled reference does it outside of [0, 31].

    The processor takes the count of a 32-bit shift modulo 32 and that of a 64-bit one (which makes
    the mask) modulo 64; of the mask 32 bits remain, and are -1 from 32 on, by which the remainder
    of what is not negative counts as more than half.
    """
    value = np.asarray(x, np.int64)
    e = np.asarray(exponent, np.int64)
    mask = np.where((e & 63) < 32, (np.int64(1) << (e & 31)) - 1, -1)
    up = (value & mask) > (mask >> 1) + (value < 0)
    return np.asarray((value >> (e & 31)) + up)


def mbqm(x: IntLike, q: IntLike, shift: IntLike) -> IntArray:
    """MultiplyByQuantizedMultiplier, double rounding: rdbp(srdhm(x << max(shift, 0), q),
    max(-shift, 0)).

    The left shift is one of 32 bits, as the compiled reference does it: its count is taken modulo
    32, and what it shifts out is gone. A right shift by more than 31 is `rdbp_by_any`'s.
    """
    s = np.asarray(shift, np.int64)
    left = np.maximum(s, 0) & 31
    value = np.asarray(x, np.int64)
    if np.any(left > 0):
        value = wrap32(value << left)
    product, right = _doubled_high(value, q), np.maximum(-s, 0)
    return rdbp_by_any(product, right) if np.any(right > 31) else rdbp_in_place(product, right)


def rescaled(
    x: IntLike,
    q: IntLike,
    shift: IntLike,
    zero_point: int,
    bounds: tuple[int, int],
    dtype: npt.DTypeLike,
) -> npt.NDArray[np.integer]:
    """clamp(mbqm(x) + zero_point) as `dtype`: how most quantised ops end."""
    value = mbqm(x, q, shift)
    value += zero_point
    return np.clip(value, *bounds, out=value).astype(dtype)


def mbqm64(x: IntLike, q: IntLike, shift: IntLike) -> IntArray:
    """MultiplyByQuantizedMultiplier of an int64 accumulator (int16x8 ops): 16-bit multiplier, one
    rounding half up.

    Needs |x| < 2**47; from shift 15 on LiteRT's shift by a negative count is the processor's,
    modulo 64.
    """
    q64 = np.asarray(q, np.int64)
    s = np.asarray(shift, np.int64)
    reduced = np.where(q64 < 0x7FFF0000, (q64 + (1 << 15)) >> 16, 0x7FFF)
    total = 15 - s
    half = np.int64(1) << ((total - 1) & 63)
    return wrap32((np.asarray(x, np.int64) * reduced + half) >> (total & 63))


def mbqm_single(x: IntLike, q: IntLike, shift: IntLike) -> IntArray:
    """MultiplyByQuantizedMultiplier with single rounding: (x * q + 2**(30 - shift)) >> (31 -
    shift), half up.
    """
    total = 31 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * np.asarray(q, np.int64)
    return wrap32((product + (np.int64(1) << (total - 1))) >> total)


def scale_rounded(x: IntLike, m: npt.ArrayLike) -> IntArray:
    """round_half_away(double(x) * m), the product rounded to a double first.

    This, and not `mbqm`, is what the reference FULLY_CONNECTED of int8 (and int16) does, with
    m = double(s_x) * double(s_w) / double(s_y) per tensor or per channel.
    """
    product = np.asarray(x, np.int64).astype(np.float64) * np.asarray(m, np.float64)
    return round_half_away(product).astype(np.int64)


def activation_bounds(activation: str) -> tuple[float, float]:
    """Real bounds (low, high) of a fused activation that only clamps; KeyError for TANH and
    SIGN_BIT.
    """
    return _BOUNDS[activation]


_BOUNDS: dict[str, tuple[float, float]] = {
    "NONE": (-math.inf, math.inf),
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


def quantize_bound(real: float, scale: float, zero_point: int) -> int:
    """zero_point + round(real / float32(scale)), in float32 as TFLite does it."""
    quotient = np.float32(np.float32(real) / np.float32(scale))
    return zero_point + int(round_half_away(quotient))


@lru_cache(maxsize=1024)
def activation_range(
    activation: str, scale: float, zero_point: int, dtype: npt.DTypeLike
) -> tuple[int, int]:
    """(act_min, act_max) of a fused activation on an output of integer `dtype` with this scale and
    zero point.
    """
    info = np.iinfo(dtype)
    low, high = activation_bounds(activation)
    act_min, act_max = int(info.min), int(info.max)
    if math.isfinite(low):
        act_min = max(act_min, quantize_bound(low, scale, zero_point))
    if math.isfinite(high):
        act_max = min(act_max, quantize_bound(high, scale, zero_point))
    return act_min, act_max


def integer_activation_range(activation: str, dtype: npt.DTypeLike) -> tuple[int, int]:
    """(min, max) of a fused activation on an unquantised integer tensor (int32 ADD and the
    like).
    """
    info = np.iinfo(dtype)
    low, high = activation_bounds(activation)
    return (
        int(low) if math.isfinite(low) else int(info.min),
        int(high) if math.isfinite(high) else int(info.max),
    )


def input_radius(integer_bits: int, left_shift: int, total_signed_bits: int = 31) -> int:
    """The largest |x| whose rescaled value still fits `integer_bits` (TFLite's
    CalculateInputRadius).
    """
    largest = ((1 << integer_bits) - 1) * float(1 << (total_signed_bits - integer_bits))
    return math.floor(largest / math.ldexp(1.0, left_shift))


def quantize_float(
    x: npt.ArrayLike, scale: float, zero_point: int, dtype: npt.DTypeLike
) -> npt.NDArray[np.integer]:
    """round(x / float32(scale)) + zero_point in float32, clamped to `dtype`: TFLite's affine
    quantisation.
    """
    info = np.iinfo(dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        value = round_half_away(np.asarray(x, np.float32) / np.float32(scale)).astype(np.float64)
    value += zero_point
    np.clip(value, info.min, info.max, out=value)
    np.copyto(value, info.min, where=np.isnan(value))
    return value.astype(dtype)
