"""The vectorised primitives beside the definitions written out in Python integers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import fixed_point as fp

int32 = st.integers(-(2**31), 2**31 - 1)
multipliers = st.integers(2**30, 2**31 - 1)


def c_divide(a: int, b: int) -> int:
    """C's division: truncated toward zero."""
    return int(math.copysign(abs(a) // abs(b), a * b)) if a * b else 0


def srdhm(a: int, b: int) -> int:
    if a == b == -(2**31):
        return 2**31 - 1
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    total = product + nudge
    return abs(total) // 2**31 * (1 if total >= 0 else -1)


def rdbp(x: int, e: int) -> int:
    magnitude = (abs(x) + (2**e >> 1)) >> e
    return magnitude if x >= 0 else -magnitude


@given(int32, int32)
def test_srdhm(a: int, b: int) -> None:
    assert int(fp.srdhm(a, b)) == srdhm(a, b)


@given(int32, st.integers(0, 31))
def test_rdbp_rounds_half_away_from_zero(x: int, e: int) -> None:
    assert int(fp.rdbp(x, e)) == rdbp(x, e)


@given(
    st.lists(int32, min_size=1, max_size=4), st.lists(st.integers(0, 31), min_size=1, max_size=3)
)
def test_rdbp_and_mbqm_of_arrays_broadcast_and_leave_them(
    xs: list[int], exponents: list[int]
) -> None:
    """An exponent for each channel, 0 and others side by side, as of a convolution."""
    x, e = np.array(xs, np.int64)[:, None], np.array(exponents)
    assert fp.rdbp(x, e).tolist() == [[rdbp(a, b) for b in exponents] for a in xs]
    scaled = fp.mbqm(x, 3 << 29, -e)
    assert scaled.tolist() == [[rdbp(srdhm(a, 3 << 29), b) for b in exponents] for a in xs]
    assert x.ravel().tolist() == xs
    assert e.tolist() == exponents


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_round_half_away_beside_ties_and_whole_numbers(dtype: Any) -> None:
    """The neighbours of n + 1/2 and of n, up to where there are no fractions any more."""
    whole = np.array(
        [0, 1, 2, 3, 7, 100, 1000, 2.0**9, 2.0**10, 2.0**22, 2.0**23, 2.0**51, 2.0**52]
    )
    base = np.concatenate([whole, whole + 0.5, whole - 0.5])
    base = base[base < float(np.finfo(dtype).max)].astype(dtype)
    up = np.nextafter(base, np.array(np.inf, dtype))
    x = np.concatenate([base, up, np.nextafter(base, np.array(-np.inf, dtype))])
    x = np.concatenate([x, -x])
    want = [math.copysign(math.floor(abs(Fraction(float(v))) + Fraction(1, 2)), v) for v in x]
    got = fp.round_half_away(x)
    assert got.dtype == dtype
    assert got.astype(np.float64).tolist() == want


@given(int32, st.integers(0, 31))
def test_rdbp_by_any_is_rdbp_where_that_is_defined(x: int, e: int) -> None:
    assert int(fp.rdbp_by_any(x, e)) == rdbp(x, e)


@pytest.mark.parametrize(
    ("x", "exponent", "want"),
    [(5, 32, 6), (-5, 32, -5), (5, -1, 1), (-5, -1, -1), (2**29, -3, 2), (2**29, 64, 2**29)],
)
def test_rdbp_by_any_beyond(x: int, exponent: int, want: int) -> None:
    assert int(fp.rdbp_by_any(x, exponent)) == want


def test_int32_of_what_does_not_fit_is_the_smallest() -> None:
    given = [1.9, -1.9, 2.0**31, -(2.0**31), -(2.0**31) - 1, np.nan, np.inf, -np.inf]
    least = -(2**31)
    assert fp.int32_of(given).tolist() == [1, -1, least, least, least, least, least, least]


@given(st.integers(-(2**20), 2**20), multipliers, st.integers(-31, 10))
def test_mbqm(x: int, q: int, shift: int) -> None:
    left, right = max(shift, 0), max(-shift, 0)
    assert int(fp.mbqm(x, q, shift)) == rdbp(srdhm(x << left, q), right)


def test_mbqm_wraps_a_left_shift_like_int32() -> None:
    assert int(fp.mbqm(2**30, 2**30, 1)) == srdhm(-(2**31), 2**30)


@given(st.integers(-(2**40), 2**40), multipliers, st.integers(-31, 7))
def test_mbqm64(x: int, q: int, shift: int) -> None:
    reduced = (q + 2**15) >> 16 if q < 0x7FFF0000 else 0x7FFF
    exact = math.floor(Fraction(x * reduced, 2 ** (15 - shift)) + Fraction(1, 2))
    assert int(fp.mbqm64(x, q, shift)) == (exact + 2**31) % 2**32 - 2**31


@given(st.floats(1e-9, 1e6))
def test_quantize_multiplier(m: float) -> None:
    q, shift = fp.quantize_multiplier(m)
    assert 2**30 <= q < 2**31
    assert q * 2.0 ** (shift - 31) == pytest.approx(m, rel=2**-30)


@pytest.mark.parametrize(
    ("m", "want"),
    [(0.0, (0, 0)), (1.0, (2**30, 1)), (2.0**-40, (0, 0)), (1.0 - 2.0**-40, (2**30, 1))],
)
def test_quantize_multiplier_at_the_edges(m: float, want: tuple[int, int]) -> None:
    assert fp.quantize_multiplier(m) == want


@pytest.mark.parametrize("m", [-1.0, math.inf, math.nan])
def test_no_multiplier_is_refused(m: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        fp.quantize_multiplier(m)


@given(st.floats(-1e9, 1e9))
def test_round_half_away(x: float) -> None:
    want = math.floor(abs(Fraction(x)) + Fraction(1, 2)) * (1 if x >= 0 else -1)
    assert int(fp.round_half_away(x)) == want


@pytest.mark.parametrize(
    ("activation", "want"),
    [("NONE", (-128, 127)), ("RELU", (3, 127)), ("RELU6", (3, 63)), ("RELU_N1_TO_1", (-7, 13))],
)
def test_activation_range(activation: str, want: tuple[int, int]) -> None:
    assert fp.activation_range(activation, 0.1, 3, np.int8) == want


def test_activation_range_is_clipped_to_the_type() -> None:
    assert fp.activation_range("RELU6", 0.001, 0, np.uint8) == (0, 255)
    assert fp.integer_activation_range("RELU6", np.int32) == (0, 6)


def test_quantize_float_saturates() -> None:
    x = np.array([-np.inf, -1e30, 0.25, 0.75, 1e30, np.inf], np.float32)
    got = fp.quantize_float(x, 0.5, 1, np.int8)
    assert got.tolist() == [-128, -128, 2, 3, 127, 127]
