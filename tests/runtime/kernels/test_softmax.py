"""What tests/conformance/specs/activations.py need not meet: every difference of two bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.gemmlowp import log_from_one
from tests.runtime.kernels.one_op import Arg, check


@pytest.mark.parametrize("scale", [0.001, 0.05, 0.3, 2.0])
def test_every_int8_difference(scale: float) -> None:
    x = np.arange(-128, 128).astype(np.int8)[None]
    y = Arg(shape=(1,), dtype="int8", scale=1 / 256, zero_point=-128)
    assert check("SOFTMAX", [Arg(x, scale=scale, zero_point=0)], [y], beta=1.0) is not None


@given(st.integers(1 << 19, 2**31 - 1))
def test_fixed_point_logarithm(raw: int) -> None:
    found = int(log_from_one(raw, 12, 5)) / 2.0**26
    assert found == pytest.approx(math.log(raw / 2.0**19), abs=2e-6)
