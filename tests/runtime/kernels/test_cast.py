"""bfloat16 as LiteRT rounds it, and the edges of conversions to integers."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.cast import saturated
from litefuse.runtime.model.bfloat16 import narrow, widen


def test_each_bfloat16_survives_a_round_trip() -> None:
    bits = np.arange(1 << 16).astype(np.uint16)
    number = ~np.isnan(widen(bits))
    np.testing.assert_array_equal(narrow(widen(bits))[number], bits[number])


def test_ties_go_to_the_even_pattern() -> None:
    bits = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x7F7FFFFF, 0x80000001], np.uint32)
    expected = [0x3F80, 0x3F82, 0x3F81, 0x7F80, 0x8000]
    assert narrow(bits.view(np.float32)).tolist() == expected


def test_a_nan_becomes_the_quiet_one_of_its_sign() -> None:
    bits = np.array([0x7F800001, 0xFFFFFFFF], np.uint32)
    assert narrow(bits.view(np.float32)).tolist() == [0x7FC0, 0xFFC0]


def test_floats_saturate_and_nan_is_the_highest() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 2.0**63, -(2.0**63), 127.9, -128.9, -0.9], np.float64)
    top, low = 2**63 - 1, -(2**63)
    wide = saturated(x, np.dtype(np.int64))
    assert wide.tolist() == [top, top, low, top, low, 127, -128, 0]
    narrow_ = saturated(x, np.dtype(np.int8))
    assert narrow_.tolist() == [127, 127, -128, 127, -128, 127, -128, 0]
