from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(some_shape, st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_segment_sum(dtype: str, shape: tuple[int, ...], constant: bool, seed: int) -> None:
    r = rng(seed)
    ids = np.cumsum(r.integers(0, 2, shape[0])).astype(np.int32)
    ids -= ids[0]
    check(
        "SEGMENT_SUM",
        [Arg(values(r, shape, dtype)), Arg(ids, constant=constant)],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )


@given(some_shape, st.integers(1, 2), st.integers(1, 5), st.booleans(), seeds)
@pytest.mark.parametrize("op", ["SUM", "PROD", "MAX", "MIN"])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_unsorted_segment(
    dtype: str, op: str, shape: tuple[int, ...], lead: int, count: int, constant: bool, seed: int
) -> None:
    r = rng(seed)
    ids = r.integers(-1, count, shape[: min(lead, len(shape))]).astype(np.int32)
    if seed % 10 == 0:
        ids.flat[0] = count
    check(
        f"UNSORTED_SEGMENT_{op}",
        [
            Arg(values(r, shape, dtype)),
            Arg(ids),
            Arg(np.array([count], np.int32), constant=constant),
        ],
        [Arg(shape=(1,) * (len(shape) - ids.ndim + 1), dtype=dtype)],
    )
