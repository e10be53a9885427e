from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, quantization, rng, seeds, values


@st.composite
def products(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, bool]]:
    batch = tuple(draw(st.lists(st.integers(1, 3), min_size=0, max_size=2)))
    m, k, n = (draw(st.integers(1, 6)) for _ in range(3))
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    a = (*batch, *((k, m) if adj_x else (m, k)))
    right = tuple(1 if draw(st.booleans()) else d for d in batch)
    b = (*right, *((n, k) if adj_y else (k, n)))
    return a, b, {"adj_x": adj_x, "adj_y": adj_y}


@given(products(), st.booleans(), seeds)
def test_float(case: Any, constant: bool, seed: int) -> None:
    a, b, options = case
    r = rng(seed)
    check(
        "BATCH_MATMUL",
        [Arg(values(r, a, "float32")), Arg(values(r, b, "float32"), constant=constant)],
        [Arg(shape=(1,))],
        **options,
    )


@given(products(), st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_integers(dtype: str, case: Any, data: st.DataObject, seed: int) -> None:
    a, b, options = case
    r = rng(seed)
    (s_a, z_a), (s_b, z_b), (s_y, z_y) = (data.draw(quantization(dtype)) for _ in range(3))
    assert s_y is not None
    s_y = s_y if dtype == "int8" else np.float32(s_y * 1000)
    check(
        "BATCH_MATMUL",
        [
            Arg(values(r, a, dtype), scale=s_a, zero_point=z_a),
            Arg(values(r, b, dtype), scale=s_b, zero_point=z_b),
        ],
        [Arg(shape=(1,), dtype=dtype, scale=s_y, zero_point=z_y)],
        **options,
    )
