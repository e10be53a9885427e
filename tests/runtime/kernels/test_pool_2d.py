from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values


@st.composite
def windows(draw: Any) -> dict[str, Any]:
    return {
        "padding": draw(st.sampled_from(("SAME", "VALID"))),
        "stride_h": draw(st.integers(1, 3)),
        "stride_w": draw(st.integers(1, 3)),
        "filter_height": draw(st.integers(1, 4)),
        "filter_width": draw(st.integers(1, 4)),
        "fused_activation_function": draw(
            st.sampled_from(("NONE", "RELU", "RELU6", "RELU_N1_TO_1"))
        ),
    }


images = st.tuples(st.integers(1, 2), st.integers(4, 8), st.integers(4, 8), st.integers(1, 5))


@given(images, windows(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_same_as_reference(
    op: str, dtype: str, image: Any, options: Any, data: st.DataObject, seed: int
) -> None:
    scale, zero_point = data.draw(quantization(dtype))
    check(
        op,
        [Arg(values(rng(seed), image, dtype), scale=scale, zero_point=zero_point)],
        [Arg(shape=(1,), dtype=dtype, scale=scale, zero_point=zero_point)],
        **options,
    )


@given(images, windows(), seeds)
def test_l2(image: Any, options: Any, seed: int) -> None:
    x = Arg(values(rng(seed), image, "float32"))
    check("L2_POOL_2D", [x], [Arg(shape=(1,))], **options)
