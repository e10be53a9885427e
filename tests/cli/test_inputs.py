"""Random inputs and inputs at the limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from litefuse.cli import inputs


def detail(dtype: Any, *shape: int) -> dict[str, Any]:
    return {"dtype": np.dtype(dtype).type, "shape": np.array(shape, np.int32), "name": "x"}


def test_the_same_seed_gives_the_same_inputs() -> None:
    details = [detail(np.float32, 2, 3), detail(np.int8, 4)]
    one, again, other = (inputs.random_inputs(details, seed) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_small_integers_reach_both_ends_of_their_type() -> None:
    (values,) = inputs.random_inputs([detail(np.int8, 100_000)], 0)
    assert (values.min(), values.max()) == (-128, 127)
    (values,) = inputs.random_inputs([detail(np.uint8, 100_000)], 0)
    assert (values.min(), values.max()) == (0, 255)


def test_wide_integers_stay_small_since_they_are_mostly_indices() -> None:
    (values,) = inputs.random_inputs([detail(np.int64, 1000)], 0)
    assert values.min() >= 0
    assert values.max() < 100


def test_floats_fill_the_range_of_images() -> None:
    (values,) = inputs.random_inputs([detail(np.float32, 10_000)], 0)
    assert values.dtype == np.float32
    assert -1 <= values.min() < -0.99
    assert 0.99 < values.max() <= 1


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.int8, -128, 127), (np.uint8, 0, 255), (np.int16, -32768, 32767), (np.float32, -1, 1)],
)
def test_limits_are_those_of_the_type(dtype: Any, low: int, high: int) -> None:
    details = [detail(dtype, 3, 2)]
    seen = {kind: inputs.limit_inputs(details, kind)[0] for kind in inputs.LIMITS}
    assert np.array_equal(seen["lowest"], np.full((3, 2), low, dtype))
    assert np.array_equal(seen["highest"], np.full((3, 2), high, dtype))
    assert np.array_equal(seen["alternating"], np.array([[low, high]] * 3, dtype))
    assert not seen["zero"].any()


def test_open_dimensions_become_one() -> None:
    assert inputs.shape_of(detail(np.float32, -1, 0, 5)) == (1, 1, 5)


def test_text_and_booleans_have_inputs_too() -> None:
    text, flags = inputs.random_inputs([detail(np.object_, 3), detail(np.bool_, 50)], 0)
    assert all(isinstance(item, bytes) for item in text)
    assert set(flags.tolist()) == {False, True}


def test_cases_are_named_by_their_seed_and_limit() -> None:
    names = [name for name, _ in inputs.cases([detail(np.int8, 1)], seed=3, runs=2, limits=True)]
    assert names == ["seed 3", "seed 4", *inputs.LIMITS]
