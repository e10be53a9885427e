from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values

FLOAT = [
    *("ABS", "NEG", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "SIN", "COS", "FLOOR", "CEIL"),
    *("ROUND", "SIGN", "ZEROS_LIKE"),
]


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize("op", FLOAT)
def test_float(op: str, shape: tuple[int, ...], seed: int) -> None:
    x = values(rng(seed), shape, "float32")
    if op in ("LOG", "SQRT", "RSQRT"):
        x = np.abs(x) + np.float32(1e-3)
    if op in ("ROUND", "FLOOR", "CEIL"):
        x = np.round(x * 2) / np.float32(2)  # ties
    check(op, [Arg(x)], [Arg(shape=(1,))])


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        ("ABS", "int32"),
        ("NEG", "int32"),
        ("NEG", "int64"),
        ("SIGN", "int32"),
        ("ZEROS_LIKE", "int32"),
        ("ZEROS_LIKE", "int64"),
        ("LOGICAL_NOT", "bool"),
    ],
)
def test_other_types(op: str, dtype: str, shape: tuple[int, ...], seed: int) -> None:
    check(op, [Arg(values(rng(seed), shape, dtype))], [Arg(shape=(1,), dtype=dtype)])


@given(st.data())
@pytest.mark.parametrize("op", ["EXP", "LOG", "ABS", "RSQRT"])
def test_every_int8(op: str, data: st.DataObject) -> None:
    s_x, z_x = data.draw(quantization("int8"))
    s_y, z_y = data.draw(quantization("int8"))
    x = np.arange(-128, 128).astype(np.int8)
    if op in ("LOG", "RSQRT"):
        z_x = -128  # the reference refuses negative reals
        x = x[1:]
    check(
        op,
        [Arg(x, scale=s_x, zero_point=z_x)],
        [Arg(shape=(1,), dtype="int8", scale=s_y, zero_point=z_y)],
    )
