from __future__ import annotations

import pytest
from hypothesis import given

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize("op", ["REAL", "IMAG", "COMPLEX_ABS"])
def test_parts(op: str, shape: tuple[int, ...], seed: int) -> None:
    x = values(rng(seed), shape, "complex64")
    assert check(op, [Arg(x)], [Arg(shape=(1,), dtype="float32")]) is not None
