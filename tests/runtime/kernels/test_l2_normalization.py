from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.l2_normalization import inverse_square_root
from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values


@given(shapes(1, 4), seeds)
def test_float(shape: tuple[int, ...], seed: int) -> None:
    check("L2_NORMALIZATION", [Arg(values(rng(seed), shape, "float32"))], [Arg(shape=(1,))])


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize(("dtype", "zero"), [("int8", 0), ("uint8", 128)])
def test_8_bit(
    dtype: str, zero: int, shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    scale, zero_point = data.draw(quantization(dtype))
    check(
        "L2_NORMALIZATION",
        [Arg(values(rng(seed), shape, dtype), scale=scale, zero_point=zero_point)],
        [Arg(shape=(1,), dtype=dtype, scale=1 / 128, zero_point=zero)],
    )


@given(st.integers(2, 2**31 - 1))
def test_inverse_square_root(value: int) -> None:
    q, shift = inverse_square_root(value)
    assert q / 2.0 ** (31 + shift) == pytest.approx(value**-0.5, rel=1e-5)
