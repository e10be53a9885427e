from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values
from tests.runtime.kernels.test_add_sub import activations, pairs

CASES = [
    ("POW", "int32"),
    ("MAXIMUM", "float32"),
    ("MAXIMUM", "int32"),
    ("MAXIMUM", "int64"),
    ("MINIMUM", "float32"),
    ("MINIMUM", "int32"),
    ("SQUARED_DIFFERENCE", "float32"),
    ("SQUARED_DIFFERENCE", "int32"),
    ("FLOOR_DIV", "float32"),
    ("FLOOR_DIV", "int32"),
    ("FLOOR_MOD", "float32"),
    ("FLOOR_MOD", "int32"),
    ("FLOOR_MOD", "int64"),
    ("LOGICAL_AND", "bool"),
    ("LOGICAL_OR", "bool"),
    ("BITWISE_XOR", "int32"),
    ("BITWISE_XOR", "uint8"),
    ("RIGHT_SHIFT", "int32"),
    ("RIGHT_SHIFT", "uint8"),
]


@given(pairs(), seeds)
@pytest.mark.parametrize(("op", "dtype"), CASES)
def test_same_as_reference(op: str, dtype: str, shapes: Any, seed: int) -> None:
    r = rng(seed)
    a, b = values(r, shapes[0], dtype), values(r, shapes[1], dtype)
    if op in ("FLOOR_DIV", "FLOOR_MOD"):
        b = np.where(b == 0, np.array(1, dtype), b).astype(dtype)
    if op == "POW":
        a, b = a % 7, np.abs(b) % 5
    if op == "RIGHT_SHIFT":
        b = (np.abs(b.astype(np.int64)) % 8).astype(dtype)
    check(op, [Arg(a), Arg(b)], [Arg(shape=(1,), dtype=dtype)])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), seeds)
def test_atan2(shape: list[int], seed: int) -> None:
    r = rng(seed)
    pair = [Arg(values(r, shape, "float32")) for _ in range(2)]
    check("ATAN2", pair, [Arg(shape=(1,))])


@given(pairs(), activations, seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_div(dtype: str, shapes: Any, activation: str, seed: int) -> None:
    r = rng(seed)
    a, b = values(r, shapes[0], dtype), values(r, shapes[1], dtype)
    b = np.where(b == 0, np.array(1, dtype), b).astype(dtype)
    y = Arg(shape=(1,), dtype=dtype)
    check("DIV", [Arg(a), Arg(b)], [y], fused_activation_function=activation)


def test_integer_division_by_zero_is_refused() -> None:
    pair = [Arg(np.array([3, 4], np.int32)), Arg(np.array([1, 0], np.int32))]
    for op in ("DIV", "FLOOR_DIV", "FLOOR_MOD"):
        assert check(op, pair, [Arg(shape=(1,), dtype="int32")]) is None


@given(pairs(), seeds)
def test_float_power(shapes: Any, seed: int) -> None:
    r = rng(seed)
    a = np.abs(values(r, shapes[0], "float32")) + np.float32(0.01)
    check("POW", [Arg(a), Arg(values(r, shapes[1], "float32", 1.0))], [Arg(shape=(1,))])


@given(pairs(), st.data(), seeds)
@pytest.mark.parametrize("op", ["MAXIMUM", "MINIMUM"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_extremum_of_one_scale(
    dtype: str, op: str, shapes: Any, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    scale, zero_point = data.draw(quantization(dtype))
    q: dict[str, Any] = {"scale": scale, "zero_point": zero_point}
    check(
        op,
        [Arg(values(r, s, dtype), **q) for s in shapes],
        [Arg(shape=(1,), dtype=dtype, **q)],
    )


@given(pairs(), st.data(), seeds)
def test_squared_difference_of_int8(shapes: Any, data: st.DataObject, seed: int) -> None:
    r = rng(seed)
    (s1, z1), (s2, z2), (sy, zy) = (data.draw(quantization("int8")) for _ in range(3))
    check(
        "SQUARED_DIFFERENCE",
        [
            Arg(values(r, shapes[0], "int8"), scale=s1, zero_point=z1),
            Arg(values(r, shapes[1], "int8"), scale=s2, zero_point=z2),
        ],
        [Arg(shape=(1,), dtype="int8", scale=sy, zero_point=zy)],
    )
