"""The figures of `litefuse diff`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litefuse.cli.compare import difference, worse


@given(hnp.arrays(np.int8, hnp.array_shapes(max_side=6)))
def test_an_array_equals_itself(a: np.ndarray) -> None:
    found = difference(a, a.copy())
    assert (found.max, found.mean, found.unequal, found.argmax_agree) == (0, 0, 0, 1)
    assert found.within(a.dtype, 0, 0)


@given(
    hnp.arrays(np.float32, 12, elements=st.floats(-100, 100, width=32)),
    st.integers(0, 11),
    st.floats(1, 50),
)
def test_the_worst_element_is_found(a: np.ndarray, at: int, by: float) -> None:
    b = a.astype(np.float64)
    b[at] += by
    found = difference(b, a.astype(np.float64))
    assert found.worst == (at,)
    assert found.unequal == 1
    assert found.max == pytest.approx(by)
    assert found.mean == pytest.approx(by / 12)


def test_integers_are_judged_in_steps_and_floats_by_their_range() -> None:
    want = np.array([-100, 0, 100], np.int8)
    found = difference(want + np.int8(1), want)
    assert found.max == 1
    assert found.relative == pytest.approx(1 / 200)
    assert not found.within(want.dtype, float_tolerance=1, int_tolerance=0)
    assert found.within(want.dtype, float_tolerance=0, int_tolerance=1)
    real = want.astype(np.float32)
    assert difference(real + 1, real).within(real.dtype, float_tolerance=0.01, int_tolerance=0)
    assert not difference(real + 1, real).within(real.dtype, 0.001, 0)


def test_nan_and_infinity_equal_themselves_alone() -> None:
    want = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    assert difference(want, want).max == 0
    got = np.array([0, np.inf, -np.inf, 1], np.float32)
    assert difference(got, want).max == np.inf
    assert not difference(got, want).within(want.dtype, 1e9, 1e9)


def test_a_constant_reference_is_measured_by_its_magnitude() -> None:
    want = np.full(4, 8, np.float32)
    assert difference(want + 4, want).relative == pytest.approx(0.5)


def test_another_shape_or_type_is_infinitely_far() -> None:
    a = np.zeros((2, 2), np.float32)
    assert difference(a.reshape(4), a).max == np.inf
    assert difference(a.astype(np.float64), a).max == np.inf


def test_argmax_agreement_counts_rows() -> None:
    want = np.array([[0, 1], [1, 0]], np.float32)
    got = np.array([[0, 1], [0, 1]], np.float32)
    assert difference(got, want).argmax_agree == 0.5


def test_worse_keeps_the_larger_relative_difference() -> None:
    want = np.array([0, 1], np.float32)
    small, large = difference(want + 1, want), difference(want + 2, want)
    assert worse(None, small) is small
    assert worse(small, large) is large
    assert worse(large, small) is large
