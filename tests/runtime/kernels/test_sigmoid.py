from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, scales, seeds, shapes, values

OUT = {
    ("LOGISTIC", "int8"): (1 / 256, -128),
    ("LOGISTIC", "uint8"): (1 / 256, 0),
    ("TANH", "int8"): (1 / 128, 0),
    ("TANH", "uint8"): (1 / 128, 128),
}


@given(shapes(1, 4), st.sampled_from((0.1, 1.0, 10.0, 100.0)), seeds)
@pytest.mark.parametrize("op", ["LOGISTIC", "TANH"])
def test_float(op: str, shape: tuple[int, ...], spread: float, seed: int) -> None:
    check(op, [Arg(values(rng(seed), shape, "float32", spread))], [Arg(shape=(1,))])


@given(scales, st.integers(-128, 127))
@pytest.mark.parametrize(("op", "dtype"), list(OUT))
def test_every_8_bit_value(op: str, dtype: str, scale: float, zero_point: int) -> None:
    info = np.iinfo(dtype)
    x = np.arange(info.min, info.max + 1).astype(dtype)
    s_y, z_y = OUT[op, dtype]
    check(
        op,
        [Arg(x, scale=scale, zero_point=zero_point + (128 if dtype == "uint8" else 0))],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
    )


@given(
    st.one_of(scales.map(lambda s: s / 256), st.sampled_from((2.0**-12, 2.0**-11, 2.0**-13))), seeds
)
@pytest.mark.parametrize("op", ["LOGISTIC", "TANH"])
def test_int16(op: str, scale: float, seed: int) -> None:
    x = values(rng(seed), (500,), "int16")
    y = Arg(shape=(1,), dtype="int16", scale=1 / 32768, zero_point=0)
    check(op, [Arg(x, scale=np.float32(scale), zero_point=0)], [y])
