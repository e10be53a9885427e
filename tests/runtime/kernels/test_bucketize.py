from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, seeds

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(some_shape, st.lists(st.floats(-5, 5), max_size=6), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int8"])
def test_bucketize(
    dtype: str, shape: tuple[int, ...], edges: list[float], ordered: bool, seed: int
) -> None:
    edges = [float32(e) for e in (sorted(edges) if ordered else edges)]
    r = rng(seed)
    x = r.integers(-6, 7, shape).astype(dtype)
    if edges:
        x[r.integers(0, 2, shape) == 1] = np.asarray(edges[0]).astype(dtype)
    check("BUCKETIZE", [Arg(x)], [Arg(shape=shape, dtype="int32")], boundaries=edges)
