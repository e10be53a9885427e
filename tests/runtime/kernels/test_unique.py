from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds


@given(st.integers(1, 30), st.sampled_from(["int32", "int64"]), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32", "int64", "bool"])
def test_unique(dtype: str, count: int, indices: str, seed: int) -> None:
    x = rng(seed).integers(0, 6, count).astype(dtype)
    check(
        "UNIQUE",
        [Arg(x)],
        [Arg(shape=(1,), dtype=dtype), Arg(shape=(1,), dtype=indices)],
        idx_out_type=indices.upper(),
    )
