from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import accurate
from tests.runtime.kernels.one_op import Arg, build, litert, rng, run, seeds, shapes, values

FUNCTIONS = {
    "EXP": accurate.exp,
    "LOG": accurate.log,
    "SIN": accurate.sin,
    "COS": accurate.cos,
    "TANH": accurate.tanh,
}


@pytest.mark.parametrize("op", sorted(FUNCTIONS))
def test_functions_are_the_references_but_for_few_last_places(op: str) -> None:
    x = values(rng(3), (1, 20000), "float32")
    x = np.abs(x) if op == "LOG" else x
    (want,) = run(litert(build(op, [Arg(x)], [Arg(shape=x.shape)])), [x])
    got = FUNCTIONS[op](x)
    assert got.dtype == np.float32
    assert (got != want).mean() < (0.1 if op == "TANH" else 0.02)
    assert (np.abs(got - want) <= 3 * np.spacing(np.abs(want))).all()


def test_functions_keep_the_type_of_their_argument() -> None:
    x = np.linspace(-3, 3, 50)
    np.testing.assert_array_equal(accurate.tanh(x), np.tanh(x))
    assert accurate.exp(x).dtype == np.float64
    assert accurate.sigmoid(x.astype(np.float32)).dtype == np.float32


def test_the_ends_of_tanh_and_sigmoid() -> None:
    ends = np.float32([-np.inf, -100, -0.0, 0, 1e-30, 100, np.inf, np.nan])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(accurate.tanh(ends), np.tanh(ends))
        found = accurate.sigmoid(ends)
    np.testing.assert_array_equal(found, np.float32([0, 0, 0.5, 0.5, 0.5, 1, 1, np.nan]))
    assert np.signbit(accurate.tanh(np.float32([-0.0]))[0])


@given(shapes(1, 4, 9), st.data(), seeds)
def test_a_sum_goes_through_the_elements_in_order(
    shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    x = values(rng(seed), shape, "float32")
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    kept = [n for i, n in enumerate(shape) if i not in axes]
    want = np.zeros(kept, np.float32)
    for index in itertools.product(*map(range, shape)):
        place = tuple(k for i, k in enumerate(index) if i not in axes)
        want[place] = want[place] + x[index]
    np.testing.assert_array_equal(accurate.ordered_sum(x, axes), want)


def test_a_long_sum_is_not_added_by_pairs() -> None:
    x = rng(0).standard_normal((1, 5000)).astype(np.float32)
    total = np.float32(0)
    for value in x[0]:
        total += value
    assert accurate.ordered_sum(x, (1,))[0] == total
    assert x.sum() != total


def test_a_sum_of_nothing() -> None:
    np.testing.assert_array_equal(
        accurate.ordered_sum(np.zeros((0, 3), np.float32), (0,)), np.zeros(3, np.float32)
    )
    assert accurate.ordered_sum(np.zeros((2, 0, 3), np.float32), (2,)).shape == (2, 0)
