from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values

TYPES = ["int8", "uint8", "int16"]


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_from_float(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    scale, zero_point = data.draw(quantization(dtype))
    assert scale is not None
    r = rng(seed)
    x = values(r, shape, "float32", 60 * scale)
    # Exact ties are where roundings differ.
    ties = (r.integers(-100, 100, shape) + 0.5).astype(np.float32) * np.float32(scale)
    y = Arg(shape=(1,), dtype=dtype, scale=scale, zero_point=zero_point)
    check("QUANTIZE", [Arg(x)], [y])
    check("QUANTIZE", [Arg(ties)], [y])


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("int8", "int8"),
        ("int8", "uint8"),
        ("uint8", "int8"),
        ("uint8", "uint8"),
        ("int16", "int8"),
        ("int16", "int16"),
        ("int8", "int16"),
        ("int16", "int32"),
    ],
)
def test_between_integers(
    source: str, target: str, shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    s_x, z_x = data.draw(quantization(source))
    s_y, z_y = data.draw(quantization("int16" if target == "int32" else target))
    x = Arg(values(rng(seed), shape, source), scale=s_x, zero_point=z_x)
    check("QUANTIZE", [x], [Arg(shape=(1,), dtype=target, scale=s_y, zero_point=z_y)])


@given(shapes(1, 4), st.data(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_dequantize(dtype: str, shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    scale, zero_point = data.draw(quantization(dtype))
    x = Arg(values(rng(seed), shape, dtype), scale=scale, zero_point=zero_point)
    check("DEQUANTIZE", [x], [Arg(shape=(1,))])


@given(shapes(1, 4), st.booleans(), seeds)
def test_dequantize_float16(shape: tuple[int, ...], constant: bool, seed: int) -> None:
    x = Arg(values(rng(seed), shape, "float16"), constant=constant)
    check("DEQUANTIZE", [x], [Arg(shape=(1,))])


@given(seeds, st.integers(0, 2))
def test_dequantize_per_channel(seed: int, axis: int) -> None:
    r = rng(seed)
    x = values(r, (3, 4, 5), "int8")
    s = (r.random(x.shape[axis]) + 0.1).astype(np.float32)
    zeros = np.zeros(len(s), np.int64)
    y = Arg(shape=(1,))
    check("DEQUANTIZE", [Arg(x, scale=s, zero_point=zeros, axis=axis)], [y])


@given(shapes(1, 3), st.integers(2, 16), seeds)
def test_fake_quant(shape: tuple[int, ...], bits: int, seed: int) -> None:
    x = Arg(values(rng(seed), shape, "float32"))
    check(
        "FAKE_QUANT",
        [x],
        [Arg(shape=(1,))],
        min=-2.5,
        max=3.0,
        num_bits=bits,
    )
