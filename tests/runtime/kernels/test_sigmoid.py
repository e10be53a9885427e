"""What tests/conformance/specs/activations.py need not meet: every byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, scales

OUT = {
    ("LOGISTIC", "int8"): (1 / 256, -128),
    ("LOGISTIC", "uint8"): (1 / 256, 0),
    ("TANH", "int8"): (1 / 128, 0),
    ("TANH", "uint8"): (1 / 128, 128),
}


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
