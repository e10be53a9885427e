from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)
TYPES = ["float32", "int8", "int16", "int32", "int64", "uint8", "uint32", "bool", "float16"]


@given(some_shape, seeds, st.sampled_from(["ADD", "MULTIPLY", "MAXIMUM", "MINIMUM", "AND"]))
@pytest.mark.parametrize("dtype", TYPES)
def test_binary(dtype: str, shape: tuple[int, ...], seed: int, op: str) -> None:
    r = rng(seed)
    pair = [Arg(values(r, shape, dtype)) for _ in range(2)]
    check(f"STABLEHLO_{op}", pair, [Arg(shape=(1,), dtype=dtype)])


@given(some_shape, seeds)
@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "float32"])
def test_shift_left(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    r = rng(seed)
    bits = np.dtype(dtype).itemsize * 8
    pair = [Arg(values(r, shape, dtype)), Arg(r.integers(0, bits, shape).astype(dtype))]
    check("STABLEHLO_SHIFT_LEFT", pair, [Arg(shape=(1,), dtype=dtype)])


def test_shapes_must_agree() -> None:
    pair = [Arg(np.zeros((2, 3), np.float32)), Arg(np.zeros((3,), np.float32))]
    assert check("STABLEHLO_ADD", pair, [Arg(shape=(2, 3))]) is None
