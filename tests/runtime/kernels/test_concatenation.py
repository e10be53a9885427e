from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values


@st.composite
def parts(draw: Any) -> tuple[list[tuple[int, ...]], int]:
    shape = draw(shapes(1, 4, 4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    at = axis % len(shape)
    return [(*shape[:at], size, *shape[at + 1 :]) for size in sizes], axis


@given(parts(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int32", "int64", "bool"])
def test_copies(dtype: str, case: Any, data: st.DataObject, seed: int) -> None:
    pieces, axis = case
    r = rng(seed)
    scale, zero_point = data.draw(quantization(dtype)) if dtype != "bool" else (None, None)
    check(
        "CONCATENATION",
        [Arg(values(r, s, dtype), scale=scale, zero_point=zero_point) for s in pieces],
        [Arg(shape=(1,), dtype=dtype, scale=scale, zero_point=zero_point)],
        axis=axis,
    )


@given(parts(), st.data(), seeds)
def test_uint8_of_different_scales(case: Any, data: st.DataObject, seed: int) -> None:
    pieces, axis = case
    r = rng(seed)
    inputs = []
    for shape in pieces:
        scale, zero_point = data.draw(quantization("uint8"))
        inputs.append(Arg(values(r, shape, "uint8"), scale=scale, zero_point=zero_point))
    scale, zero_point = data.draw(quantization("uint8"))
    y = Arg(shape=(1,), dtype="uint8", scale=scale, zero_point=zero_point)
    check("CONCATENATION", inputs, [y], axis=axis)


def test_int8_of_different_scales_is_refused() -> None:
    r = rng(0)
    inputs = [Arg(values(r, (2,), "int8"), scale=s, zero_point=0) for s in (0.5, 0.25)]
    y = Arg(shape=(1,), dtype="int8", scale=0.5, zero_point=0)
    assert check("CONCATENATION", inputs, [y], axis=0) is None
