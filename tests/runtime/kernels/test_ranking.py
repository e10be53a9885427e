"""The k largest of long rows, which are not sorted as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.ranking import _first


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64])
@given(
    count=st.integers(1, 90),
    part=st.floats(0, 1),
    spread=st.sampled_from([1, 3, 120]),
    seed=st.integers(0, 99),
)
def test_the_first_are_those_of_a_stable_sort(
    dtype: Any, count: int, part: float, spread: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0 if dtype is np.uint8 else -spread, spread + 1, (3, count)).astype(dtype)
    if dtype is np.float32:
        values = values * np.float32(0.37) * rng.choice([1, -1], values.shape).astype(np.float32)
        values[rng.random(values.shape) < 0.05] = rng.choice([np.inf, -np.inf])
    k = int(part * count)
    want = np.argsort(values, axis=-1, kind="stable")[:, :k]
    np.testing.assert_array_equal(_first(values, k), want)
