from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values
from tests.runtime.kernels.test_add_sub import activations, pairs


@given(pairs(), activations, st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "int8", "uint8", "int16"])
def test_same_as_reference(
    dtype: str, shapes: Any, activation: str, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    (s1, z1), (s2, z2), (sy, zy) = (data.draw(quantization(dtype)) for _ in range(3))
    check(
        "MUL",
        [
            Arg(values(r, shapes[0], dtype), scale=s1, zero_point=z1),
            Arg(values(r, shapes[1], dtype), scale=s2, zero_point=z2),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=sy, zero_point=zy)],
        fused_activation_function=activation,
    )
