from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@given(
    some_shape,
    st.sampled_from(["DEFAULT", "PHILOX", "THREEFRY"]),
    st.booleans(),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64"])
def test_rng_bit_generator(
    dtype: str, shape: tuple[int, ...], algorithm: str, long: bool, carry: bool, seed: int
) -> None:
    words = 3 if long and algorithm != "THREEFRY" else 2
    state = rng(seed).integers(0, 2**64, words, np.uint64)
    if carry:
        state[1] |= np.uint64(0xFFFFFFFF)
    check(
        "STABLEHLO_RNG_BIT_GENERATOR",
        [Arg(state)],
        [Arg(shape=state.shape, dtype="uint64"), Arg(shape=shape, dtype=dtype)],
        algorithm=algorithm,
    )
