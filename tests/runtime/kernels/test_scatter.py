"""SCATTER_ND, SPARSE_TO_DENSE, the segment ops, REVERSE_SEQUENCE and the diagonals."""

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


@given(some_shape, st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_segment_sum(dtype: str, shape: tuple[int, ...], constant: bool, seed: int) -> None:
    r = rng(seed)
    ids = np.cumsum(r.integers(0, 2, shape[0])).astype(np.int32)
    ids -= ids[0]
    check(
        "SEGMENT_SUM",
        [Arg(values(r, shape, dtype)), Arg(ids, constant=constant)],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )


@given(some_shape, st.integers(1, 2), st.integers(1, 5), st.booleans(), seeds)
@pytest.mark.parametrize("op", ["SUM", "PROD", "MAX", "MIN"])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_unsorted_segment(
    dtype: str, op: str, shape: tuple[int, ...], lead: int, count: int, constant: bool, seed: int
) -> None:
    r = rng(seed)
    ids = r.integers(-1, count, shape[: min(lead, len(shape))]).astype(np.int32)
    if seed % 10 == 0:
        ids.flat[0] = count
    check(
        f"UNSORTED_SEGMENT_{op}",
        [
            Arg(values(r, shape, dtype)),
            Arg(ids),
            Arg(np.array([count], np.int32), constant=constant),
        ],
        [Arg(shape=(1,) * (len(shape) - ids.ndim + 1), dtype=dtype)],
    )


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple),
    st.data(),
    st.sampled_from(["int32", "int64"]),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "int32", "int64", "int8"])
def test_reverse_sequence(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, kind: str, seed: int
) -> None:
    r = rng(seed)
    sequence, batch = data.draw(st.permutations(range(len(shape))))[:2]
    lengths = r.integers(1, shape[sequence] + 1, shape[batch]).astype(kind)
    check(
        "REVERSE_SEQUENCE",
        [Arg(values(r, shape, dtype)), Arg(lengths)],
        [Arg(shape=shape, dtype=dtype)],
        seq_dim=sequence,
        batch_dim=batch,
    )


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
