"""Fingerprint64 against signs that LiteRT's own LSH_PROJECTION gave, a word of 32 a length."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.kernels.farmhash import fingerprint64

# Item size: the signs (1 where the fingerprint, as a signed number, is positive) of 32 seeds
# 0.5, 1.5, .. followed by the item (37 i + 11) mod 256.  Found by running LiteRT 2.x.
SIGNS = {
    0: 0xD4563A1E,
    1: 0x552E2BCB,
    3: 0x76785036,
    4: 0xC5365EE2,
    5: 0x7C8105A9,
    12: 0x98C7CEB2,
    13: 0x9032923C,
    28: 0xE3357DFF,
    29: 0x42EC56F7,
    60: 0x0622C7DD,
    61: 0x94766454,
    124: 0xDABA1539,
    125: 0xC1566F13,
    200: 0x56A9BD96,
}


@pytest.mark.parametrize("size", SIGNS)
def test_signs_of_each_length(size: int) -> None:
    heads = (np.arange(32, dtype="<f4") + np.float32(0.5)).reshape(32, 1).view(np.uint8)
    item = ((np.arange(size) * 37 + 11) % 256).astype(np.uint8)
    keys = np.concatenate((heads, np.tile(item, (32, 1))), axis=1)
    signs = fingerprint64(keys).view(np.int64) > 0
    assert int("".join("01"[bit] for bit in signs.astype(int)), 2) == SIGNS[size]


def test_rows_do_not_depend_on_each_other() -> None:
    rows = np.random.default_rng(3).integers(0, 256, (9, 77)).astype(np.uint8)
    alone = [int(fingerprint64(row[None])[0]) for row in rows]
    assert fingerprint64(rows).tolist() == alone
    assert len(set(alone)) == 9


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="4 or more"):
        fingerprint64(np.zeros((1, 3), np.uint8))
