"""Counter-based generators: Philox 4x32-10 and Threefry 2x32-20 (Salmon et al., SC 2011).

Many blocks at once, as arrays of uint32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def counters(start: int, count: int) -> Words:
    """[count, 4]: the 128-bit numbers start, start + 1, ... as words, the lowest first."""
    wide = [(start + i) % (1 << 128) for i in range(count)]
    raw = b"".join(number.to_bytes(16, "little") for number in wide)
    return np.frombuffer(raw, "<u4").reshape(count, 4).astype(np.uint32)


def philox(key: tuple[int, int], blocks: Words) -> Words:
    """Ten rounds over each of the [n, 4] counter blocks; the shape of `blocks`."""
    c0, c1, c2, c3 = (blocks[:, i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(10):
        a, b = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (b >> _HALF) ^ c1 ^ np.uint64(k0),
            b & _LOW,
            (a >> _HALF) ^ c3 ^ np.uint64(k1),
            a & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def threefry(key: tuple[int, int], blocks: Words) -> Words:
    """Twenty rounds over each of the [n, 2] counter blocks; the shape of `blocks`."""
    words = (np.uint32(key[0]), np.uint32(key[1]), np.uint32(key[0] ^ key[1] ^ _PARITY))
    x0, x1 = blocks[:, 0] + words[0], blocks[:, 1] + words[1]
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << np.uint32(turn)) | (x1 >> np.uint32(32 - turn))
            x1 = x1 ^ x0
        x0 = x0 + words[(group + 1) % 3]
        x1 = x1 + words[(group + 2) % 3] + np.uint32(group + 1)
    return np.stack([x0, x1], axis=1)
