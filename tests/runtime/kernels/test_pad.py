from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values


@st.composite
def pads(draw: Any) -> tuple[tuple[int, ...], np.ndarray]:
    shape = draw(shapes(1, 5, 4))
    amounts = [[draw(st.integers(0, 3)), draw(st.integers(0, 3))] for _ in shape]
    return shape, np.array(amounts, np.int32)


@given(pads(), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32", "int64", "int16"])
def test_pad(dtype: str, case: Any, constant: bool, data: st.DataObject, seed: int) -> None:
    shape, amounts = case
    scale, zero_point = data.draw(quantization(dtype))
    check(
        "PAD",
        [
            Arg(values(rng(seed), shape, dtype), scale=scale, zero_point=zero_point),
            Arg(amounts, constant=constant),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=scale, zero_point=zero_point)],
    )


@given(pads(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32", "int64"])
def test_padv2(dtype: str, case: Any, seed: int) -> None:
    shape, amounts = case
    r = rng(seed)
    q: dict[str, Any] = {"scale": 0.5, "zero_point": 3} if dtype in ("int8", "uint8") else {}
    check(
        "PADV2",
        [
            Arg(values(r, shape, dtype), **q),
            Arg(amounts, constant=True),
            Arg(values(r, (1,), dtype), constant=True, **q),
        ],
        [Arg(shape=(1,), dtype=dtype, **q)],
    )


@given(shapes(1, 4, 4), st.data(), st.sampled_from(("REFLECT", "SYMMETRIC")), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32"])
def test_mirror_pad(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, mode: str, seed: int
) -> None:
    most = [d - (mode == "REFLECT") for d in shape]
    amounts = [[data.draw(st.integers(0, m)), data.draw(st.integers(0, m))] for m in most]
    check(
        "MIRROR_PAD",
        [Arg(values(rng(seed), shape, dtype)), Arg(np.array(amounts, np.int32), constant=True)],
        [Arg(shape=(1,), dtype=dtype)],
        mode=mode,
    )
