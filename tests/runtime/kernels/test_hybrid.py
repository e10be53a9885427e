"""Run-time quantisation against LiteRT's own, which shows through an identity of weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.hybrid import quantize_rows
from tests.runtime.kernels.one_op import Arg, build, litert, rng, run, seeds

HALF = np.nextafter(np.float32(0.5), np.float32(0))  # rounds to 0; with 0.5 added first, to 1


def through_litert(x: np.ndarray, asymmetric: bool) -> np.ndarray:
    """scale * (value - zero point) of each element: LiteRT's float by int8 product with 1."""
    n = x.shape[1]
    one = Arg(np.eye(n, dtype=np.int8), scale=np.float32(1), zero_point=0, constant=True)
    content = build(
        "FULLY_CONNECTED",
        [Arg(x), one],
        [Arg(shape=x.shape)],
        asymmetric_quantize_inputs=asymmetric,
    )
    return run(litert(content), [x])[0]


def ours(x: np.ndarray, asymmetric: bool) -> np.ndarray:
    rows = quantize_rows(x, asymmetric)
    steps = (rows.values.astype(np.int32) - rows.zero_points[:, None]).astype(np.float32)
    return np.asarray(steps * rows.scales[:, None])


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 40)),
    st.sampled_from(("normal", "uniform", "saturated", "halves")),
    st.booleans(),
    seeds,
)
def test_rows_are_litert_s_to_the_bit(
    size: tuple[int, int], kind: str, asymmetric: bool, seed: int
) -> None:
    r = rng(seed)
    x = {
        "normal": lambda: r.standard_normal(size),
        "uniform": lambda: r.random(size),
        "saturated": lambda: np.tanh(5 * r.standard_normal(size)),
        "halves": lambda: r.integers(-255, 256, size) / 2,
    }[kind]().astype(np.float32)
    np.testing.assert_array_equal(ours(x, asymmetric), through_litert(x, asymmetric))


@pytest.mark.parametrize("n", [7, 8, 9])
def test_half_is_added_in_float32_but_in_the_last_elements(n: int) -> None:
    x = np.full((1, n), HALF, np.float32)
    x[0, 0] = 127
    rows = quantize_rows(x, asymmetric=False)
    whole = n // 8 * 8
    assert rows.values[0, 1:].tolist() == [1] * max(0, whole - 1) + [0] * (n - max(1, whole))
    np.testing.assert_array_equal(ours(x, False), through_litert(x, False))


def test_the_range_is_rounded_to_float32_first() -> None:
    # max - min is 2 in float32; with 1.99999994 the first element would be -128.
    x = np.zeros((1, 8), np.float32)
    x[0, :2] = -1, np.nextafter(np.float32(1), np.float32(0))
    assert quantize_rows(x, asymmetric=True).values[0, 0] == -127
    np.testing.assert_array_equal(ours(x, True), through_litert(x, True))


def test_a_row_of_zeros_has_scale_1() -> None:
    for asymmetric in (False, True):
        rows = quantize_rows(np.zeros((2, 3), np.float32), asymmetric)
        assert rows.scales.tolist() == [1, 1]
        assert not rows.values.any()
        assert not rows.zero_points.any()
