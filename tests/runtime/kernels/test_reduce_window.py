from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds

WIDE = ["float32", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"]


@given(st.data(), st.sampled_from(["ADD", "MUL", "MINIMUM", "MAXIMUM", "ALL", "ANY"]), seeds)
@pytest.mark.parametrize("dtype", WIDE)
def test_reduce_window(dtype: str, data: st.DataObject, function: str, seed: int) -> None:
    r = rng(seed)
    axes = data.draw(
        st.lists(st.tuples(*[st.integers(1, 3)] * 3, st.integers(0, 3)), min_size=1, max_size=4)
    )
    shape = [(window - 1) * step + 1 + extra for window, _, step, extra in axes]
    x = r.integers(0, 4, shape).astype(dtype)
    vectors = [np.array([axis[i] for axis in axes], np.int64) for i in (0, 1, 2)]
    check(
        "REDUCE_WINDOW",
        [
            Arg(x),
            Arg(r.integers(0, 3, ()).astype(dtype)),
            *[Arg(vector, constant=True) for vector in vectors],
        ],
        [Arg(shape=(1,) * len(shape), dtype=dtype)],
        reduce_function=function,
    )
