from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)
WIDTHS = ["int8", "uint8", "int16", "int32", "float32", "int64", "uint32", "float64", "complex64"]


@given(some_shape, st.sampled_from(WIDTHS), st.sampled_from(WIDTHS), st.booleans(), seeds)
def test_bitcast(shape: tuple[int, ...], source: str, target: str, fits: bool, seed: int) -> None:
    ratio = np.dtype(target).itemsize // np.dtype(source).itemsize
    if ratio > 1 and fits:
        shape = (*shape, ratio)
    x = np.frombuffer(
        rng(seed).bytes(int(np.prod(shape)) * np.dtype(source).itemsize), source
    ).reshape(shape)
    got = check("BITCAST", [Arg(x.view("u1").view(source))], [Arg(shape=(1,), dtype=target)])
    assert got is not None or (ratio > 1 and not fits)
