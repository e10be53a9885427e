from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, shapes, values


@given(shapes(1, 4), seeds)
@pytest.mark.parametrize("op", ["HARD_SWISH", "LEAKY_RELU", "ELU", "GELU"])
def test_float(op: str, shape: tuple[int, ...], seed: int) -> None:
    options = {"alpha": 0.3} if op == "LEAKY_RELU" else {}
    check(op, [Arg(values(rng(seed), shape, "float32"))], [Arg(shape=(1,))], **options)


@given(shapes(1, 4), seeds)
def test_gelu_approximate(shape: tuple[int, ...], seed: int) -> None:
    x = Arg(values(rng(seed), shape, "float32"))
    check("GELU", [x], [Arg(shape=(1,))], approximate=True)


@given(st.floats(-2, 2, width=32), st.data())
@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        ("HARD_SWISH", "int8"),
        ("HARD_SWISH", "uint8"),
        ("LEAKY_RELU", "int8"),
        ("LEAKY_RELU", "uint8"),
        ("LEAKY_RELU", "int16"),
        ("ELU", "int8"),
        ("GELU", "int8"),
    ],
)
def test_integers(op: str, dtype: str, alpha: float, data: st.DataObject) -> None:
    s_x, z_x = data.draw(quantization(dtype))
    s_y, z_y = data.draw(quantization(dtype))
    if op == "HARD_SWISH" and s_x is not None and s_y is not None and s_y < s_x / 64:
        return  # the reference refuses to enlarge that much
    info = np.iinfo(dtype)
    x = np.arange(info.min, info.max + 1, 1 if info.bits == 8 else 97).astype(dtype)
    check(
        op,
        [Arg(x, scale=s_x, zero_point=z_x)],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
        **({"alpha": alpha} if op == "LEAKY_RELU" else {}),
    )


@given(shapes(3, 4), st.booleans(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_prelu(
    dtype: str, shape: tuple[int, ...], shared: bool, data: st.DataObject, seed: int
) -> None:
    r = rng(seed)
    (s_x, z_x), (s_a, z_a), (s_y, z_y) = (data.draw(quantization(dtype)) for _ in range(3))
    slopes = (1,) * (len(shape) - 2) + shape[-1:] if shared else shape[1:]
    check(
        "PRELU",
        [
            Arg(values(r, shape, dtype), scale=s_x, zero_point=z_x),
            Arg(values(r, slopes, dtype), scale=s_a, zero_point=z_a, constant=True),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
    )
