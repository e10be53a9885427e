from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(some_shape, st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int64"])
def test_dilate(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    r = rng(seed)
    steps = np.array([data.draw(st.integers(1, 3)) for _ in shape], np.int32)
    check(
        "DILATE",
        [
            Arg(values(r, shape, dtype)),
            Arg(steps, constant=constant),
            Arg(values(r, (), dtype)),
        ],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )


@given(some_shape, st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int64"])
def test_stablehlo_pad(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    r = rng(seed)
    edges = st.integers(-1, 3)
    check(
        "STABLEHLO_PAD",
        [Arg(values(r, shape, dtype)), Arg(values(r, (), dtype))],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
        edge_padding_low=[data.draw(edges) for _ in shape],
        edge_padding_high=[data.draw(edges) for _ in shape],
        interior_padding=[data.draw(st.integers(0, 2)) for _ in shape],
    )
