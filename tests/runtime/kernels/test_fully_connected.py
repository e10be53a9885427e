from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values

activations = st.sampled_from(("NONE", "RELU", "RELU6", "RELU_N1_TO_1"))


@st.composite
def geometry(draw: Any) -> tuple[tuple[int, ...], tuple[int, int], bool]:
    depth, units = draw(st.integers(1, 40)), draw(st.integers(1, 8))
    rows = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    return (*rows, depth), (units, depth), draw(st.booleans())


@given(geometry(), activations, st.booleans(), seeds)
def test_float(shapes: Any, activation: str, with_bias: bool, seed: int) -> None:
    rows, weights, keep = shapes
    r = rng(seed)
    check(
        "FULLY_CONNECTED",
        [
            Arg(values(r, rows, "float32")),
            Arg(values(r, weights, "float32"), constant=True),
            Arg(values(r, weights[:1], "float32"), constant=True) if with_bias else None,
        ],
        [Arg(shape=(1,), dtype="float32")],
        fused_activation_function=activation,
        keep_num_dims=keep,
    )


@given(geometry(), activations, st.booleans(), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_8_bit(
    dtype: str,
    shapes: Any,
    activation: str,
    per_channel: bool,
    with_bias: bool,
    data: st.DataObject,
    seed: int,
) -> None:
    rows, filters, keep = shapes
    r = rng(seed)
    per_channel = per_channel and dtype == "int8"
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    assert s_x is not None
    s_w = (r.random(filters[0] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    z_w = np.zeros(len(s_w), np.int64)
    if not per_channel:
        z_w[0] = r.integers(-5, 5) if dtype == "int8" else r.integers(0, 256)
    s_b = np.float32(s_x) * s_w
    bias = Arg(
        r.integers(-2000, 2000, filters[:1]).astype(np.int32),
        scale=s_b,
        zero_point=np.zeros(len(s_b), np.int64),
        constant=True,
    )
    check(
        "FULLY_CONNECTED",
        [
            Arg(values(r, rows, dtype), scale=s_x, zero_point=z_x),
            Arg(values(r, filters, dtype), scale=s_w, zero_point=z_w, constant=True),
            bias if with_bias else None,
        ],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
        fused_activation_function=activation,
        keep_num_dims=keep,
    )


@given(geometry(), st.booleans(), st.sampled_from(("int64", "int32", "none")), seeds)
def test_int16(shapes: Any, per_channel: bool, bias_type: str, seed: int) -> None:
    rows, filters, keep = shapes
    r = rng(seed)
    s_w = (r.random(filters[0] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    s_x, s_y = np.float32(0.0003), np.float32(0.002)
    bias = None
    if bias_type != "none":
        bias = Arg(
            r.integers(-20000, 20000, filters[:1]).astype(bias_type),
            scale=s_x * s_w,
            zero_point=np.zeros(len(s_w), np.int64),
            constant=True,
        )
    check(
        "FULLY_CONNECTED",
        [
            Arg(values(r, rows, "int16"), scale=s_x, zero_point=0),
            Arg(
                values(r, filters, "int8"),
                scale=s_w,
                zero_point=np.zeros(len(s_w), np.int64),
                constant=True,
            ),
            bias,
        ],
        [Arg(shape=(1,), dtype="int16", scale=s_y, zero_point=0)],
        keep_num_dims=keep,
        quantized_bias_type={"int64": "INT64", "int32": "INT32", "none": "FLOAT32"}[bias_type],
    )


@given(geometry(), st.booleans(), st.booleans(), activations, seeds)
def test_hybrid(
    shapes: Any, per_channel: bool, asymmetric: bool, activation: str, seed: int
) -> None:
    rows, filters, keep = shapes
    r = rng(seed)
    s_w = (r.random(filters[0] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    check(
        "FULLY_CONNECTED",
        [
            Arg(values(r, rows, "float32")),
            Arg(
                np.maximum(values(r, filters, "int8"), -127),
                scale=s_w,
                zero_point=np.zeros(len(s_w), np.int64),
                constant=True,
            ),
            Arg(values(r, filters[:1], "float32"), constant=True),
        ],
        [Arg(shape=(1,), dtype="float32")],
        fused_activation_function=activation,
        keep_num_dims=keep,
        asymmetric_quantize_inputs=asymmetric,
    )
