from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values


@given(
    st.integers(1, 2),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from((1, 2, 4, 8)),
    st.sampled_from((2, 4, 8)),
    seeds,
)
def test_rfft2d(n: int, h: int, w: int, rows: int, columns: int, seed: int) -> None:
    # The reference reads a full window, so the image is at least that large.
    x = values(rng(seed), (n, max(h, rows), max(w, columns)), "float32")
    size = Arg(np.array([rows, columns], np.int32), constant=True)
    got = check("RFFT2D", [Arg(x), size], [Arg(shape=(1,), dtype="complex64")])
    assert got is not None


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize("op", ["REAL", "IMAG", "COMPLEX_ABS"])
def test_parts(op: str, shape: tuple[int, ...], seed: int) -> None:
    x = values(rng(seed), shape, "complex64")
    assert check(op, [Arg(x)], [Arg(shape=(1,), dtype="float32")]) is not None
