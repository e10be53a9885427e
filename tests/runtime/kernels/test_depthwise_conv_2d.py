from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values
from tests.runtime.kernels.test_conv_2d import windows


@st.composite
def geometry(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    depth, multiplier = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    image = (draw(st.integers(1, 2)), draw(st.integers(5, 9)), draw(st.integers(5, 9)), depth)
    window = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return image, (1, *window, depth * multiplier), multiplier


def _run(
    shapes: Any, options: Any, x: Arg, w: Arg, bias: Arg | None, y: Arg
) -> list[np.ndarray] | None:
    return check("DEPTHWISE_CONV_2D", [x, w, bias], [y], depth_multiplier=shapes[2], **options)


@given(geometry(), windows(), st.booleans(), seeds)
def test_float(shapes: Any, options: Any, with_bias: bool, seed: int) -> None:
    image, filters, _ = shapes
    r = rng(seed)
    bias = Arg(values(r, filters[3:], "float32"), constant=True) if with_bias else None
    x, w = Arg(values(r, image, "float32")), Arg(values(r, filters, "float32"), constant=True)
    _run(shapes, options, x, w, bias, Arg(shape=(1,), dtype="float32"))


@given(geometry(), windows(), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_8_bit(
    dtype: str, shapes: Any, options: Any, per_channel: bool, data: st.DataObject, seed: int
) -> None:
    image, filters, _ = shapes
    r = rng(seed)
    per_channel = per_channel and dtype == "int8"
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    assert s_x is not None
    s_w = (r.random(filters[3] if per_channel else 1) * 0.02 + 0.001).astype(np.float32)
    z_w = np.zeros(len(s_w), np.int64) if dtype == "int8" else np.array([r.integers(0, 256)])
    s_b = np.float32(s_x) * s_w
    weights = values(r, filters, dtype)
    _run(
        shapes,
        options,
        Arg(values(r, image, dtype), scale=s_x, zero_point=z_x),
        Arg(
            np.maximum(weights, -127) if dtype == "int8" else weights,
            scale=s_w,
            zero_point=z_w,
            axis=3 if per_channel else 0,
            constant=True,
        ),
        Arg(
            r.integers(-2000, 2000, filters[3:]).astype(np.int32),
            scale=s_b,
            zero_point=np.zeros(len(s_b), np.int64),
            constant=True,
        ),
        Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y),
    )


@given(geometry(), windows(), seeds)
def test_int16(shapes: Any, options: Any, seed: int) -> None:
    image, filters, _ = shapes
    r = rng(seed)
    s_w = (r.random(filters[3]) * 0.02 + 0.001).astype(np.float32)
    s_x, s_y = np.float32(0.0003), np.float32(0.002)
    zeros = np.zeros(len(s_w), np.int64)
    _run(
        shapes,
        options,
        Arg(values(r, image, "int16"), scale=s_x, zero_point=0),
        Arg(
            np.maximum(values(r, filters, "int8"), -127),
            scale=s_w,
            zero_point=zeros,
            axis=3,
            constant=True,
        ),
        Arg(
            r.integers(-20000, 20000, filters[3:]).astype(np.int64),
            scale=s_x * s_w,
            zero_point=zeros,
            constant=True,
        ),
        Arg(shape=(1,), dtype="int16", scale=s_y, zero_point=0),
    )


@given(geometry(), windows(), seeds)
def test_hybrid_per_channel(shapes: Any, options: Any, seed: int) -> None:
    image, filters, _ = shapes
    r = rng(seed)
    s_w = (r.random(filters[3]) * 0.02 + 0.001).astype(np.float32)
    _run(
        shapes,
        options,
        Arg(values(r, image, "float32")),
        Arg(
            np.maximum(values(r, filters, "int8"), -127),
            scale=s_w,
            zero_point=np.zeros(len(s_w), np.int64),
            axis=3,
            constant=True,
        ),
        Arg(values(r, filters[3:], "float32"), constant=True),
        Arg(shape=(1,), dtype="float32"),
    )
