from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import hybrid


@given(st.integers(0, 4), st.integers(0, 60), st.booleans(), st.sampled_from((1, 20, 100)))
def test_rows_quantised_in_parts_are_those_quantised_whole(
    rows: int, columns: int, asymmetric: bool, elements: int
) -> None:
    """A part begins where the vector routine's lanes do, so that its tail stays the row's."""
    r = np.random.default_rng(rows * 61 + columns)
    x = r.standard_normal((rows, columns)).astype(np.float32)
    # Halves of a step, where the lanes and the tail round apart.
    x = np.round(x * 63.5) / np.float32(63.5)
    whole = hybrid.quantize_rows(x, asymmetric)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hybrid, "_ELEMENTS", elements)
        parts = hybrid.quantize_rows(x, asymmetric)
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.scales, whole.scales)
    np.testing.assert_array_equal(parts.zero_points, whole.zero_points)
