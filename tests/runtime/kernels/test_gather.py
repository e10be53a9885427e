from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values

TYPES = ["float32", "int8", "int32", "bool"]
NUMBERS = ["float32", "int8", "int16", "int32", "int64", "uint8", "bool"]


@given(shapes(1, 4), shapes(1, 3, 3), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_gather(
    dtype: str, shape: tuple[int, ...], where: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    batch = data.draw(st.integers(0, min(axis % len(shape), len(where) - 1)))
    where = (*shape[:batch], *where[batch:])
    indices = r.integers(0, shape[axis], where).astype(np.int32)
    check(
        "GATHER",
        [Arg(values(r, shape, dtype)), Arg(indices)],
        [Arg(shape=(1,), dtype=dtype)],
        axis=axis,
        batch_dims=batch,
    )


def test_gather_outside_is_refused() -> None:
    pair = [Arg(np.zeros(3, np.float32)), Arg(np.array([3], np.int32))]
    assert check("GATHER", pair, [Arg(shape=(1,))], axis=0) is None


@given(shapes(1, 4), shapes(1, 2, 3), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32"])
def test_gather_nd(
    dtype: str, shape: tuple[int, ...], where: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    depth = data.draw(st.integers(1, len(shape)))
    indices = np.stack([r.integers(0, d, where) for d in shape[:depth]], axis=-1)
    check(
        "GATHER_ND",
        [Arg(values(r, shape, dtype)), Arg(indices.astype(np.int32))],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(shapes(1, 3, 4), st.integers(1, 5), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
def test_one_hot(
    dtype: str, shape: tuple[int, ...], depth: int, data: st.DataObject, seed: int
) -> None:
    axis = data.draw(st.integers(-1, len(shape)))
    check(
        "ONE_HOT",
        [
            Arg(rng(seed).integers(-1, depth + 1, shape).astype(np.int32)),
            Arg(np.array(depth, np.int32), constant=True),
            Arg(np.array(1, dtype), constant=True),
            Arg(np.array(0, dtype), constant=True),
        ],
        [Arg(shape=(1,), dtype=dtype)],
        axis=axis,
    )


@given(shapes(1, 4), st.booleans())
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "bool"])
def test_fill(dtype: str, shape: tuple[int, ...], constant: bool) -> None:
    check(
        "FILL",
        [Arg(np.array(shape, np.int32), constant=constant), Arg(np.array(1, dtype))],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )


@given(st.integers(-5, 5), st.integers(0, 20), st.integers(1, 4), st.booleans())
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_range(dtype: str, start: int, span: int, step: int, down: bool) -> None:
    sign = -1 if down else 1
    numbers = (start, start + sign * span, sign * step)
    check(
        "RANGE",
        [Arg(np.array(n, dtype)) for n in numbers],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize("dtype", ["bool", "float32", "int32"])
def test_where(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    x = rng(seed).integers(0, 2, shape).astype(dtype)
    check("WHERE", [Arg(x)], [Arg(shape=(1,), dtype="int64")])
