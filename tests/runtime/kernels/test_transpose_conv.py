from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values


@st.composite
def geometry(draw: Any) -> dict[str, Any]:
    """An image and an output that a forward convolution of the same window turns into it."""
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    same = draw(st.booleans())
    small = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    big = [
        s * t if same else (s - 1) * t + k for s, t, k in zip(small, stride, kernel, strict=True)
    ]
    n, depth, filters = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return {
        "output": (n, *big, filters),
        "filter": (filters, *kernel, depth),
        "image": (n, *small, depth),
        "options": {
            "padding": "SAME" if same else "VALID",
            "stride_h": stride[0],
            "stride_w": stride[1],
        },
    }


def _run(case: Any, constant: bool, w: Arg, x: Arg, bias: Arg | None, y: Arg, **more: Any) -> None:
    size = Arg(np.array(case["output"], np.int32), constant=constant)
    got = check("TRANSPOSE_CONV", [size, w, x, bias], [y], **case["options"], **more)
    assert got is not None


@given(geometry(), st.booleans(), st.booleans(), seeds)
def test_float(case: Any, with_bias: bool, constant: bool, seed: int) -> None:
    r = rng(seed)
    filters = case["filter"][:1]
    _run(
        case,
        constant,
        Arg(values(r, case["filter"], "float32"), constant=True),
        Arg(values(r, case["image"], "float32")),
        Arg(values(r, filters, "float32"), constant=True) if with_bias else None,
        Arg(shape=(1,)),
    )


@given(geometry(), st.booleans(), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_8_bit(
    dtype: str, case: Any, with_bias: bool, per_channel: bool, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    count = case["filter"][0] if per_channel and dtype == "int8" else 1
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    assert s_x is not None
    s_w = (r.random(count) * 0.02 + 0.001).astype(np.float32)
    z_w = np.zeros(count, np.int64) if dtype == "int8" else np.array([r.integers(0, 256)])
    bias = Arg(
        r.integers(-2000, 2000, case["filter"][:1]).astype(np.int32),
        scale=np.float32(s_x) * s_w,
        zero_point=np.zeros(count, np.int64),
        constant=True,
    )
    _run(
        case,
        True,
        Arg(values(r, case["filter"], dtype), scale=s_w, zero_point=z_w, constant=True),
        Arg(values(r, case["image"], dtype), scale=s_x, zero_point=z_x),
        bias if with_bias else None,
        Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y),
    )


@given(geometry(), seeds)
def test_int16(case: Any, seed: int) -> None:
    r = rng(seed)
    count = case["filter"][0]
    s_w = (r.random(count) * 0.02 + 0.001).astype(np.float32)
    zeros = np.zeros(count, np.int64)
    _run(
        case,
        True,
        Arg(values(r, case["filter"], "int8"), scale=s_w, zero_point=zeros, constant=True),
        Arg(values(r, case["image"], "int16"), scale=0.0003, zero_point=0),
        Arg(
            r.integers(-20000, 20000, case["filter"][:1]).astype(np.int64),
            scale=np.float32(0.0003) * s_w,
            zero_point=zeros,
            constant=True,
        ),
        Arg(shape=(1,), dtype="int16", scale=0.002, zero_point=0),
    )


@given(geometry(), seeds)
def test_hybrid(case: Any, seed: int) -> None:
    r = rng(seed)
    count = case["filter"][0]
    s_w = (r.random(count) * 0.02 + 0.001).astype(np.float32)
    weights = np.maximum(values(r, case["filter"], "int8"), -127)
    _run(
        case,
        True,
        Arg(weights, scale=s_w, zero_point=np.zeros(count, np.int64), constant=True),
        Arg(values(r, case["image"], "float32")),
        None,
        Arg(shape=(1,)),
    )
