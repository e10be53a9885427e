from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, seeds


def _scalar(value: float, dtype: str = "float32", *, constant: bool = True) -> Arg:
    return Arg(np.array(value, dtype), constant=constant)


@given(
    st.integers(1, 12),
    st.integers(0, 14),
    st.floats(0, 1),
    st.floats(-0.5, 0.8),
    st.sampled_from([0.0, 0.2, 0.5, 2.0]),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("version", [4, 5])
def test_non_max_suppression(
    version: int,
    count: int,
    size: int,
    overlap: float,
    least: float,
    sigma: float,
    constant: bool,
    seed: int,
) -> None:
    r = rng(seed)
    corners = r.uniform(0, 1, (count, 2))
    boxes = np.concatenate([corners, corners + r.uniform(-0.2, 0.8, (count, 2))], 1)
    inputs = [
        Arg(boxes.astype(np.float32)),
        Arg(r.uniform(0, 1, count).astype(np.float32)),
        _scalar(size, "int32", constant=constant),
        _scalar(float32(overlap)),
        _scalar(float32(least)),
    ]
    outputs = [Arg(shape=(1,), dtype="int32"), Arg(shape=(), dtype="int32")]
    if version == 5:
        inputs.append(_scalar(sigma))
        outputs.insert(1, Arg(shape=(1,)))
    check(f"NON_MAX_SUPPRESSION_V{version}", inputs, outputs)


def test_a_threshold_above_one_keeps_all() -> None:
    inputs = [
        Arg(np.zeros((2, 4), np.float32)),
        Arg(np.zeros(2, np.float32)),
        _scalar(2, "int32"),
        _scalar(1.5),
        _scalar(0),
    ]
    outputs = [Arg(shape=(1,), dtype="int32"), Arg(shape=(), dtype="int32")]
    assert check("NON_MAX_SUPPRESSION_V4", inputs, outputs) is not None
