from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, seeds, values

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(st.integers(1, 5), st.integers(1, 6), some_shape, st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_embedding_lookup(
    dtype: str, count: int, rows: int, rest: tuple[int, ...], outside: bool, seed: int
) -> None:
    r = rng(seed)
    ids = r.integers(0, rows + (1 if outside else 0), count).astype(np.int32)
    check(
        "EMBEDDING_LOOKUP",
        [Arg(ids), Arg(values(r, (rows, *rest), dtype))],
        [Arg(shape=(1,), dtype=dtype)],
    )


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 5), seeds)
@pytest.mark.parametrize("per_row", [False, True])
def test_embedding_lookup_dequantizes(
    per_row: bool, count: int, rows: int, columns: int, seed: int
) -> None:
    r = rng(seed)
    scale = [float32(s) for s in r.uniform(0.01, 1, rows if per_row else 1)]
    table = Arg(
        values(r, (rows, columns), "int8"),
        scale=scale,
        zero_point=[0] * len(scale),
        constant=True,
    )
    ids = Arg(r.integers(0, rows, count).astype(np.int32))
    check("EMBEDDING_LOOKUP", [ids, table], [Arg(shape=(1,), dtype="float32")])
