from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(some_shape, st.integers(1, 4), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int8", "int64"])
def test_add_n(dtype: str, shape: tuple[int, ...], count: int, seed: int) -> None:
    r = rng(seed)
    inputs = [Arg(values(r, shape, dtype)) for _ in range(count)]
    got = check("ADD_N", inputs, [Arg(shape=shape, dtype=dtype)])
    assert (got is None) == (count < 2 or dtype in ("int8", "int64"))


def test_add_n_of_two_shapes_is_refused() -> None:
    pair = [Arg(np.zeros((2, 3), np.float32)), Arg(np.zeros((3, 2), np.float32))]
    assert check("ADD_N", pair, [Arg(shape=(2, 3))]) is None
