"""Updates that meet are combined in their order, as by the ufunc's own `at`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import accumulate as module
from litefuse.runtime.kernels.accumulate import accumulate


@pytest.mark.parametrize("combine", [np.add, np.multiply, np.fmax, np.fmin])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int8, np.bool_])
@given(
    count=st.integers(0, 40),
    rows=st.integers(1, 5),
    rest=st.lists(st.integers(0, 3), max_size=3),
    seed=st.integers(0, 99),
    at_once=st.sampled_from([1, 7, 1 << 16]),
)
def test_it_is_at(
    combine: Any, dtype: Any, count: int, rows: int, rest: list[int], seed: int, at_once: int
) -> None:
    rng = np.random.default_rng(seed)
    updates = (rng.standard_normal((count, *rest)) * 9).astype(dtype)
    where = rng.integers(0, rows, count).astype(np.int32)
    start = np.ones((rows, *rest), dtype)
    want, got = start.copy(), start.copy()
    combine.at(want, where, updates)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ELEMENTS", at_once)
        accumulate(combine, got, where, updates)
    np.testing.assert_array_equal(got, want)
