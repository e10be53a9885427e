from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, float32, rng, seeds


def _scalar(value: float, dtype: str = "float32", *, constant: bool = True) -> Arg:
    return Arg(np.array(value, dtype), constant=constant)


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


@given(
    st.integers(1, 70),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.3, 0.5, 1.0, 1.5]),
    st.sampled_from([0.0, 0.5]),
    st.booleans(),
    seeds,
)
@pytest.mark.parametrize("version", [4, 5])
def test_equal_scores_come_in_the_heaps_order(
    version: int, count: int, levels: int, overlap: float, sigma: float, flat: bool, seed: int
) -> None:
    """Few levels of score; boxes apart or on each other, of an area or of none."""
    r = rng(seed)
    corners = r.integers(0, 8, (count, 2)) * 2.0
    sides = np.zeros((count, 2)) if flat else r.integers(0, 4, (count, 2)) * 1.0
    inputs = [
        Arg(np.concatenate([corners, corners + sides], 1).astype(np.float32)),
        Arg(r.integers(0, levels, count).astype(np.float32)),
        _scalar(count + 3, "int32"),
        _scalar(float32(overlap)),
        _scalar(-0.5),
    ]
    outputs = [Arg(shape=(1,), dtype="int32"), Arg(shape=(), dtype="int32")]
    if version == 5:
        inputs.append(_scalar(sigma))
        outputs.insert(1, Arg(shape=(1,)))
    check(f"NON_MAX_SUPPRESSION_V{version}", inputs, outputs)
