from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values

CASES = [
    (op, dtype)
    for op in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
    for dtype in ("float32", "int8", "uint8")
] + [("RELU", "int16"), ("RELU6", "int16")]


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_same_as_reference(
    op: str, dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    x = Arg(values(rng(seed), shape, dtype), scale=s_x, zero_point=z_x)
    check(op, [x], [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)])
