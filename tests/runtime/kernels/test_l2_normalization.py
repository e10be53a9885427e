from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.l2_normalization import inverse_square_root


@given(st.integers(2, 2**31 - 1))
def test_inverse_square_root(value: int) -> None:
    q, shift = inverse_square_root(value)
    assert q / 2.0 ** (31 + shift) == pytest.approx(value**-0.5, rel=1e-5)
