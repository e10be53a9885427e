from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values

activations = st.sampled_from(("NONE", "RELU", "RELU6", "RELU_N1_TO_1"))


@st.composite
def pairs(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast together."""
    full = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    a = [1 if draw(st.integers(0, 4)) == 0 else d for d in full]
    b = [1 if draw(st.integers(0, 4)) == 0 else d for d in full]
    return tuple(a), tuple(b[draw(st.integers(0, len(b) - 1)) :])


@given(pairs(), activations, st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "int8", "uint8"])
@pytest.mark.parametrize("op", ["ADD", "SUB"])
def test_same_as_reference(
    op: str, dtype: str, shapes: Any, activation: str, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    (s1, z1), (s2, z2), (sy, zy) = (data.draw(quantization(dtype)) for _ in range(3))
    check(
        op,
        [
            Arg(values(r, shapes[0], dtype), scale=s1, zero_point=z1),
            Arg(values(r, shapes[1], dtype), scale=s2, zero_point=z2),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=sy, zero_point=zy)],
        fused_activation_function=activation,
    )


@given(pairs(), activations, st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("op", ["ADD", "SUB"])
def test_int16(
    op: str, shapes: Any, activation: str, powers: bool, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    if powers:
        shapes = (shapes[0], shapes[0])  # the reference does not broadcast here
        sy = 2.0 ** data.draw(st.integers(-12, -6))
        shift = 2.0 ** -data.draw(st.integers(0, 4))
        s1, s2 = data.draw(st.sampled_from(((sy, sy * shift), (sy * shift, sy))))
    else:
        s1, s2, sy = (data.draw(quantization("int16"))[0] for _ in range(3))  # type: ignore[misc]
    check(
        op,
        [
            Arg(values(r, shapes[0], "int16"), scale=s1, zero_point=0),
            Arg(values(r, shapes[1], "int16"), scale=s2, zero_point=0),
        ],
        [Arg(shape=(1,), dtype="int16", scale=sy, zero_point=0)],
        fused_activation_function=activation,
        pot_scale_int16=powers,
    )
