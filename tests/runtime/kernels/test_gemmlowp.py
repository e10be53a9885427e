"""The fixed-point functions beside the real ones; LiteRT itself is the oracle in the op tests."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.kernels import gemmlowp


@pytest.mark.parametrize("bits", [4, 5])
def test_exp(bits: int) -> None:
    real = -np.linspace(0, 2**bits * 0.999, 4001)
    raw = np.round(real * 2.0 ** (31 - bits)).astype(np.int64)
    got = gemmlowp.exp_on_negative_values(raw, bits) / 2.0**31
    assert np.abs(got - np.exp(real)).max() < 1e-6


def test_logistic_and_tanh() -> None:
    real = np.linspace(-15.9, 15.9, 4001)
    raw = np.round(real * 2.0**27).astype(np.int64)
    assert np.abs(gemmlowp.logistic(raw, 4) / 2.0**31 - 1 / (1 + np.exp(-real))).max() < 1e-6
    assert np.abs(gemmlowp.tanh(raw, 4) / 2.0**31 - np.tanh(real)).max() < 1e-6


def test_reciprocal() -> None:
    x = np.arange(1, 2**19 + 1, 997)
    scale, over = gemmlowp.reciprocal(x << 12, 12)
    got = scale / 2.0**31 / 2.0**over
    np.testing.assert_allclose(got, 1 / (x * 2.0 ** (12 + 12 - 31)), rtol=1e-6)


def test_softmax_table_is_zero_beyond_the_smallest_difference() -> None:
    table = gemmlowp.softmax_int8_table(1.0, 0.5)
    _, _, diff_min = gemmlowp.softmax_scaling(1.0, 0.5)
    assert table[0] == 2**31 - 1
    assert (table[: 1 - diff_min] > 0).all() or table[-diff_min] == 0
    assert (table[1 - diff_min :] == 0).all()
    assert (np.diff(table) <= 0).all()
