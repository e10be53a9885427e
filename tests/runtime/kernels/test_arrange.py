from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values

TYPES = ["float32", "int8", "int32"]


@given(shapes(1, 5, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", [*TYPES, "bool", "int64"])
def test_transpose(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    check(
        "TRANSPOSE",
        [
            Arg(values(rng(seed), shape, dtype)),
            Arg(np.array(order, np.int32), constant=constant),
        ],
        [Arg(shape=(1,), dtype=dtype)],
    )


def test_transpose_by_no_permutation_is_refused() -> None:
    x = Arg(np.zeros((2, 3), np.float32))
    order = Arg(np.array([0, 5], np.int32), constant=True)
    assert check("TRANSPOSE", [x, order], [Arg(shape=(1,))]) is None


@given(shapes(1, 3), st.integers(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_pack(
    dtype: str, shape: tuple[int, ...], count: int, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    check(
        "PACK",
        [Arg(values(r, shape, dtype)) for _ in range(count)],
        [Arg(shape=(1,), dtype=dtype)],
        values_count=count,
        axis=axis,
    )


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_unpack(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    check(
        "UNPACK",
        [Arg(values(rng(seed), shape, dtype))],
        [Arg(shape=(1,), dtype=dtype) for _ in range(shape[axis])],
        num=shape[axis],
        axis=axis,
    )


@given(shapes(1, 4, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_tile(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    times = np.array([data.draw(st.integers(1, 3)) for _ in shape], np.int32)
    check(
        "TILE",
        [Arg(values(rng(seed), shape, dtype)), Arg(times, constant=constant)],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(shapes(1, 4, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_broadcast_to(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    small = [1 if data.draw(st.booleans()) else d for d in shape]
    small = small[data.draw(st.integers(0, len(small) - 1)) :]
    check(
        "BROADCAST_TO",
        [Arg(values(rng(seed), small, dtype)), Arg(np.array(shape, np.int32), constant=True)],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_reverse(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    check(
        "REVERSE_V2",
        [Arg(values(rng(seed), shape, dtype)), Arg(np.array([axis], np.int32), constant=True)],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(shapes(4, 4, 4), st.integers(1, 3), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_depth_and_space(dtype: str, shape: tuple[int, ...], block: int, seed: int) -> None:
    n, h, w, c = shape
    y = [Arg(shape=(1,), dtype=dtype)]
    deep = Arg(values(rng(seed), (n, h, w, c * block * block), dtype))
    check("DEPTH_TO_SPACE", [deep], y, block_size=block)
    wide = Arg(values(rng(seed), (n, h * block, w * block, c), dtype))
    check("SPACE_TO_DEPTH", [wide], y, block_size=block)


@given(shapes(3, 4, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_space_to_batch_and_back(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    count = len(shape) - 2
    blocks = [data.draw(st.integers(1, 3)) for _ in range(count)]
    before = [data.draw(st.integers(0, 2)) for _ in range(count)]
    after = [-(d + b) % block for d, b, block in zip(shape[1:], before, blocks, strict=False)]
    amounts = np.array(list(zip(before, after, strict=True)), np.int32)
    size = Arg(np.array(blocks, np.int32), constant=constant)
    r = rng(seed)
    check(
        "SPACE_TO_BATCH_ND",
        [Arg(values(r, shape, dtype)), size, Arg(amounts, constant=constant)],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )
    batches = (shape[0] * int(np.prod(blocks)), *shape[1:])
    crops = np.array(
        [
            [data.draw(st.integers(0, 1)), 0] if d * b > 1 else [0, 0]
            for d, b in zip(shape[1:], blocks, strict=False)
        ],
        np.int32,
    )
    check(
        "BATCH_TO_SPACE_ND",
        [Arg(values(r, batches, dtype)), size, Arg(crops, constant=constant)],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
    )
