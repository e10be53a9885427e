from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds


@given(
    st.integers(1, 2),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 5),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("hybrid", [False, True])
def test_three_steps(
    hybrid: bool,
    batch: int,
    depth: int,
    units: int,
    rank: int,
    memory: int,
    with_bias: bool,
    seed: int,
) -> None:
    r = rng(seed)
    filters = units * rank

    def weights(*shape: int) -> Arg:
        if hybrid:
            data = r.integers(-127, 128, shape).astype(np.int8)
            return Arg(data, scale=np.float32(0.01), zero_point=0, constant=True)
        return Arg(r.standard_normal(shape).astype(np.float32), constant=True)

    check(
        "SVDF",
        [
            Arg(r.standard_normal((batch, depth)).astype(np.float32)),
            weights(filters, depth),
            weights(filters, memory),
            Arg(r.standard_normal(units).astype(np.float32), constant=True) if with_bias else None,
            Arg(shape=(batch, memory * filters), variable=True),
        ],
        [Arg(shape=(1, 1))],
        times=3,
        rank=rank,
        fused_activation_function="RELU",
    )
