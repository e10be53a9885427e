from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values

TYPES = ["float32", "int8", "int32", "bool"]


@st.composite
def strided(draw: Any) -> tuple[tuple[int, ...], list[list[int]], dict[str, int]]:
    shape = draw(shapes(1, 4))
    spec: list[list[int]] = [[], [], []]
    masks = {"begin_mask": 0, "end_mask": 0, "shrink_axis_mask": 0}
    for i, d in enumerate(shape[: draw(st.integers(1, len(shape)))]):
        shrink = draw(st.integers(0, 4)) == 0
        stride = 1 if shrink else draw(st.sampled_from((1, 1, 2, -1, -2)))
        begin = draw(st.integers(-d, d - 1))
        spec[0].append(begin)
        spec[1].append(begin + 1 if shrink else draw(st.integers(-d - 1, d + 1)))
        spec[2].append(stride)
        if shrink:
            masks["shrink_axis_mask"] |= 1 << i
        else:
            masks["begin_mask"] |= draw(st.integers(0, 1)) << i
            masks["end_mask"] |= draw(st.integers(0, 1)) << i
    return shape, spec, masks


@given(strided(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_strided_slice(dtype: str, case: Any, constant: bool, seed: int) -> None:
    shape, spec, masks = case
    check(
        "STRIDED_SLICE",
        [
            Arg(values(rng(seed), shape, dtype)),
            *(Arg(np.array(v, np.int32), constant=constant) for v in spec),
        ],
        [Arg(shape=(1,), dtype=dtype)],
        **masks,
    )


@pytest.mark.parametrize("masks", [(1, 0), (0, 1), (2, 0), (0, 2), (1, 2), (2, 1)])
def test_ellipsis_and_new_axis(masks: tuple[int, int]) -> None:
    x = Arg(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    vectors = [Arg(np.array(v, np.int32), constant=True) for v in ((0, 1), (1, 3), (1, 1))]
    got = check(
        "STRIDED_SLICE",
        [x, *vectors],
        [Arg(shape=(1,))],
        ellipsis_mask=masks[0],
        new_axis_mask=masks[1],
    )
    assert got is not None


@given(shapes(1, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_slice(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    begin = [data.draw(st.integers(0, d - 1)) for d in shape]
    size = [
        data.draw(st.sampled_from((-1, *range(1, d - b + 1))))
        for d, b in zip(shape, begin, strict=True)
    ]
    left = tuple(d - b if n == -1 else n for d, b, n in zip(shape, begin, size, strict=True))
    check(
        "SLICE",
        [
            Arg(values(rng(seed), shape, dtype)),
            Arg(np.array(begin, np.int32), constant=constant),
            Arg(np.array(size, np.int32), constant=constant),
        ],
        [Arg(shape=left, dtype=dtype)],
    )


def test_slice_outside_is_refused() -> None:
    x = Arg(np.zeros((2, 3), np.float32))
    vectors = [Arg(np.array(v, np.int32), constant=True) for v in ((0, 2), (1, 3))]
    assert check("SLICE", [x, *vectors], [Arg(shape=(1,))]) is None


@given(shapes(1, 4), st.integers(1, 3), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32"])
def test_split(
    dtype: str, shape: tuple[int, ...], parts: int, data: st.DataObject, seed: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    full = tuple(d * parts if i == axis % len(shape) else d for i, d in enumerate(shape))
    check(
        "SPLIT",
        [Arg(np.array([axis], np.int32), constant=True), Arg(values(rng(seed), full, dtype))],
        [Arg(shape=(1,), dtype=dtype) for _ in range(parts)],
        num_splits=parts,
    )


@given(shapes(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32"])
def test_split_v(
    dtype: str, shape: tuple[int, ...], sizes: list[int], data: st.DataObject, seed: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    full = tuple(sum(sizes) if i == axis % len(shape) else d for i, d in enumerate(shape))
    given_sizes = list(sizes)
    if data.draw(st.booleans()):
        given_sizes[data.draw(st.integers(0, len(sizes) - 1))] = -1
    check(
        "SPLIT_V",
        [
            Arg(values(rng(seed), full, dtype)),
            Arg(np.array(given_sizes, np.int32), constant=True),
            Arg(np.array([axis], np.int32), constant=True),
        ],
        [Arg(shape=(1,), dtype=dtype) for _ in sizes],
        num_splits=len(sizes),
    )


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32"])
def test_dynamic_update_slice(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    update = [data.draw(st.integers(1, d)) for d in shape]
    start = np.array([data.draw(st.integers(-2, d + 1)) for d in shape], np.int32)
    check(
        "DYNAMIC_UPDATE_SLICE",
        [Arg(values(r, shape, dtype)), Arg(values(r, update, dtype)), Arg(start)],
        [Arg(shape=(1,), dtype=dtype)],
    )
