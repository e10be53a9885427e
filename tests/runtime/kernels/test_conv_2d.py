from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


@st.composite
def windows(draw: Any) -> dict[str, Any]:
    return {
        "padding": draw(st.sampled_from(("SAME", "VALID"))),
        "stride_h": draw(st.integers(1, 3)),
        "stride_w": draw(st.integers(1, 3)),
        "dilation_h_factor": draw(st.integers(1, 2)),
        "dilation_w_factor": draw(st.integers(1, 2)),
        "fused_activation_function": draw(st.sampled_from(ACTIVATIONS)),
    }


@st.composite
def geometry(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    groups = draw(st.sampled_from((1, 1, 1, 2)))
    depth, filters = draw(st.integers(1, 5)), draw(st.integers(1, 4)) * groups
    image = (draw(st.integers(1, 2)), draw(st.integers(5, 9)), draw(st.integers(5, 9)))
    window = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return (*image, depth * groups), (filters, *window, depth)


@given(geometry(), windows(), seeds)
def test_float(shapes: Any, options: Any, seed: int) -> None:
    image, filters = shapes
    r = rng(seed)
    check(
        "CONV_2D",
        [
            Arg(values(r, image, "float32")),
            Arg(values(r, filters, "float32"), constant=True),
            Arg(values(r, filters[:1], "float32"), constant=True),
        ],
        [Arg(shape=(1,), dtype="float32")],
        **options,
    )


@given(geometry(), windows(), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_8_bit(
    dtype: str, shapes: Any, options: Any, per_channel: bool, data: st.DataObject, seed: int
) -> None:
    image, filters = shapes
    if dtype == "uint8" and image[3] != filters[3]:
        return  # the reference has grouped convolution only where int8 and float have it
    r = rng(seed)
    per_channel = per_channel and dtype == "int8"
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    assert s_x is not None
    s_w = (r.random(filters[0] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    weights = values(r, filters, dtype)
    z_w = np.zeros(len(s_w), np.int64) if dtype == "int8" else np.array([r.integers(0, 256)])
    bias = r.integers(-2000, 2000, filters[:1]).astype(np.int32)
    s_b = np.float32(s_x) * s_w
    check(
        "CONV_2D",
        [
            Arg(values(r, image, dtype), scale=s_x, zero_point=z_x),
            Arg(
                np.maximum(weights, -127) if dtype == "int8" else weights,
                scale=s_w,
                zero_point=z_w,
                constant=True,
            ),
            Arg(bias, scale=s_b, zero_point=np.zeros(len(s_b), np.int64), constant=True),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
        **options,
    )


@given(geometry(), windows(), st.sampled_from(("int64", "int32")), seeds)
def test_int16(shapes: Any, options: Any, bias_type: str, seed: int) -> None:
    image, filters = shapes
    r = rng(seed)
    s_w = (r.random(filters[0]) * 0.02 + 0.001).astype(np.float32)
    s_x, s_y = np.float32(0.0003), np.float32(0.002)
    bias = Arg(
        r.integers(-20000, 20000, filters[:1]).astype(bias_type),
        scale=s_x * s_w,
        zero_point=np.zeros(len(s_w), np.int64),
        constant=True,
    )
    check(
        "CONV_2D",
        [
            Arg(values(r, image, "int16"), scale=s_x, zero_point=0),
            Arg(
                np.maximum(values(r, filters, "int8"), -127),
                scale=s_w,
                zero_point=np.zeros(len(s_w), np.int64),
                constant=True,
            ),
            bias,
        ],
        [Arg(shape=(1,), dtype="int16", scale=s_y, zero_point=0)],
        **(options | {"quantized_bias_type": "INT32" if bias_type == "int32" else "FLOAT32"}),
    )


@given(geometry(), windows(), st.booleans(), seeds)
def test_hybrid(shapes: Any, options: Any, per_channel: bool, seed: int) -> None:
    image, filters = shapes
    if image[3] != filters[3]:
        return  # the reference does not group hybrid convolutions
    r = rng(seed)
    s_w = (r.random(filters[0] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    check(
        "CONV_2D",
        [
            Arg(values(r, image, "float32")),
            Arg(
                np.maximum(values(r, filters, "int8"), -127),
                scale=s_w,
                zero_point=np.zeros(len(s_w), np.int64),
                constant=True,
            ),
            Arg(values(r, filters[:1], "float32"), constant=True),
        ],
        [Arg(shape=(1,), dtype="float32")],
        **options,
    )
