from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, scales, seeds, shapes, values

betas = st.sampled_from((1.0, 0.5, 0.01, 3.0))


@given(shapes(1, 4, 12), betas, seeds)
def test_float(shape: tuple[int, ...], beta: float, seed: int) -> None:
    x = Arg(values(rng(seed), shape, "float32", 10.0))
    assert check("SOFTMAX", [x], [Arg(shape=(1,))], beta=beta) is not None


@given(shapes(1, 4, 12), betas, scales, seeds)
@pytest.mark.parametrize(
    ("dtype", "out", "scale", "zero_point"),
    [
        ("int8", "int8", 1 / 256, -128),
        ("uint8", "uint8", 1 / 256, 0),
        ("int8", "int16", 1 / 65536, -32768),
        ("int16", "int16", 1 / 32768, 0),
    ],
)
def test_quantized(
    dtype: str,
    out: str,
    scale: float,
    zero_point: int,
    shape: tuple[int, ...],
    beta: float,
    s_x: float,
    seed: int,
) -> None:
    if dtype == "int16":
        s_x = float32(s_x / 256)
    x = Arg(values(rng(seed), shape, dtype), scale=s_x, zero_point=0 if dtype == "int16" else 3)
    y = Arg(shape=(1,), dtype=out, scale=scale, zero_point=zero_point)
    assert check("SOFTMAX", [x], [y], beta=beta) is not None


@pytest.mark.parametrize("scale", [0.001, 0.05, 0.3, 2.0])
def test_every_int8_difference(scale: float) -> None:
    x = np.arange(-128, 128).astype(np.int8)[None]
    y = Arg(shape=(1,), dtype="int8", scale=1 / 256, zero_point=-128)
    assert check("SOFTMAX", [Arg(x, scale=scale, zero_point=0)], [y], beta=1.0) is not None


@given(shapes(1, 4, 12), seeds)
def test_log_softmax(shape: tuple[int, ...], seed: int) -> None:
    x = Arg(values(rng(seed), shape, "float32", 10.0))
    assert check("LOG_SOFTMAX", [x], [Arg(shape=(1,))]) is not None
