from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values
from tests.runtime.kernels.test_add_sub import pairs

OPS = ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"]


@given(pairs(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
@pytest.mark.parametrize("op", OPS)
def test_same_as_reference(op: str, dtype: str, shapes: Any, seed: int) -> None:
    r = rng(seed)
    a, b = (r.integers(-3, 4, s).astype(dtype) for s in shapes)
    check(op, [Arg(a), Arg(b)], [Arg(shape=(1,), dtype="bool")])


@given(pairs(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("op", OPS)
def test_of_different_scales(
    op: str, dtype: str, shapes: Any, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    args = []
    for shape in shapes:
        scale, zero_point = data.draw(quantization(dtype))
        assert scale is not None
        # The reference aborts on a scale of 1 or more.
        args.append(Arg(values(r, shape, dtype), scale=scale / 4, zero_point=zero_point))
    check(op, args, [Arg(shape=(1,), dtype="bool")])


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32", "bool"])
def test_select(dtype: str, shape: list[int], by_row: bool, seed: int) -> None:
    r = rng(seed)
    condition = r.integers(0, 2, shape[:1] if by_row else shape).astype(np.bool_)
    check(
        "SELECT",
        [Arg(condition), Arg(values(r, shape, dtype)), Arg(values(r, shape, dtype))],
        [Arg(shape=tuple(shape), dtype=dtype)],
    )


@given(pairs(), pairs(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int64"])
def test_select_v2(dtype: str, shapes: Any, others: Any, seed: int) -> None:
    r = rng(seed)
    try:
        full = np.broadcast_shapes(*shapes, others[0])
    except ValueError:
        return
    check(
        "SELECT_V2",
        [
            Arg(r.integers(0, 2, others[0]).astype(np.bool_)),
            Arg(values(r, shapes[0], dtype)),
            Arg(values(r, shapes[1], dtype)),
        ],
        [Arg(shape=full, dtype=dtype)],
    )
