from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)
DIAGONAL = ["float32", "int8", "uint8", "int16", "int32", "int64"]


@given(some_shape, seeds)
@pytest.mark.parametrize("dtype", DIAGONAL)
def test_matrix_diag(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    x = Arg(values(rng(seed), shape, dtype))
    check("MATRIX_DIAG", [x], [Arg(shape=(1,), dtype=dtype)])


@given(st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple), seeds)
@pytest.mark.parametrize("dtype", DIAGONAL)
def test_matrix_set_diag(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    r = rng(seed)
    diagonal = values(r, (*shape[:-2], min(shape[-2:])), dtype)
    check(
        "MATRIX_SET_DIAG",
        [Arg(values(r, shape, dtype)), Arg(diagonal)],
        [Arg(shape=shape, dtype=dtype)],
    )
