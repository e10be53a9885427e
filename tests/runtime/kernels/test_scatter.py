from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)
TYPES = ["float32", "int8", "uint8", "int32", "int64", "bool", "int16"]


@given(some_shape, st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_scatter_nd(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    r = rng(seed)
    depth = data.draw(st.integers(1, len(shape)))
    count = data.draw(st.integers(1, 6))
    indices = np.stack([r.integers(0, d, count) for d in shape[:depth]], -1).astype(np.int32)
    if data.draw(st.integers(0, 9)) == 0:
        indices[0, 0] = shape[0]
    updates = values(r, (count, *shape[depth:]), dtype)
    check(
        "SCATTER_ND",
        [Arg(indices), Arg(updates), Arg(np.array(shape, np.int32), constant=constant)],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )


def test_scatter_nd_updates_must_fit() -> None:
    inputs = [
        Arg(np.zeros((2, 1), np.int32)),
        Arg(np.zeros((3, 4), np.float32)),
        Arg(np.array([5, 4], np.int32), constant=True),
    ]
    assert check("SCATTER_ND", inputs, [Arg(shape=(5, 4))]) is None


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from(["int32", "int64"]),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32", "int64", "int16"])
def test_sparse_to_dense(
    dtype: str,
    shape: tuple[int, ...],
    count: int,
    scalar: bool,
    kind: str,
    constant: bool,
    seed: int,
) -> None:
    r = rng(seed)
    indices = np.stack([r.integers(0, d, count) for d in shape], -1).astype(kind)
    if len(shape) == 1 and seed % 2:
        indices = indices[:, 0]
    check(
        "SPARSE_TO_DENSE",
        [
            Arg(indices),
            Arg(np.array(shape, kind), constant=constant),
            Arg(values(r, () if scalar else (count,), dtype)),
            Arg(values(r, (), dtype)),
        ],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )
