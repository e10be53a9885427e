"""FarmHash's Fingerprint64 (G. Pike, Google, 2014) of many byte strings of one length at once.

The function is fixed for ever by its authors; LSH_PROJECTION depends on its every bit.  It reads
little-endian words of 8 bytes (w) and 4 bytes, and picks one of five mixes by the length.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_K0 = np.uint64(0xC3A5C85C97CB3127)
_K1 = np.uint64(0xB492B66FBE98F273)
_K2 = np.uint64(0x9AE16A3B2F90404F)
_BLOCK = 64
_SEED = 81


def fingerprint64(keys: npt.NDArray[np.uint8]) -> Words:
    """The fingerprint of each row of keys[n, length]; uint64 of shape [n].

    ValueError for a length below 4, which no hash of a seed and an item has.
    """
    length = keys.shape[1]
    text = _Text(np.ascontiguousarray(keys, np.uint8))
    if length > _BLOCK:
        return _over_64(text)
    if length > 32:
        return _to_64(text)
    if length > 16:
        return _to_32(text)
    if length >= 8:
        return _to_16(text)
    if length >= 4:
        return _to_7(text)
    raise ValueError(f"keys of {length} bytes; fingerprint64 takes 4 or more, as a seed has")


def _word(value: int) -> np.uint64:
    """An integer modulo 2**64."""
    return np.uint64(value & 0xFFFFFFFFFFFFFFFF)


class _Text:
    """Rows of bytes, read a word at a time; a negative position counts from the end."""

    def __init__(self, rows: npt.NDArray[np.uint8]) -> None:
        self.rows = rows
        self.length = rows.shape[1]

    def _read(self, at: int, size: int, kind: str) -> Words:
        at = at if at >= 0 else at + self.length
        part = np.ascontiguousarray(self.rows[:, at : at + size])
        return part.view(kind)[:, 0].astype(np.uint64)

    def w(self, at: int) -> Words:
        """The 8 bytes from position `at`."""
        return self._read(at, 8, "<u8")

    def half(self, at: int) -> Words:
        """The 4 bytes from position `at`."""
        return self._read(at, 4, "<u4")

    @property
    def factor(self) -> np.uint64:
        """The multiplier of the short mixes."""
        return _word(int(_K2) + 2 * self.length)


def _rotate(x: Words, by: int) -> Words:
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


def _shift_mix(x: Words) -> Words:
    return x ^ (x >> np.uint64(47))


def _join(u: Words, v: Words, factor: Words | np.uint64) -> Words:
    """Two words into one."""
    a = _shift_mix((u ^ v) * factor)
    return _shift_mix((v ^ a) * factor) * factor


def _to_7(t: _Text) -> Words:
    return _join(np.uint64(t.length) + (t.half(0) << np.uint64(3)), t.half(-4), t.factor)


def _to_16(t: _Text) -> Words:
    a, b = t.w(0) + _K2, t.w(-8)
    c = _rotate(b, 37) * t.factor + a
    d = (_rotate(a, 25) + b) * t.factor
    return _join(c, d, t.factor)


def _to_32(t: _Text) -> Words:
    a, b = t.w(0) * _K1, t.w(8)
    c, d = t.w(-8) * t.factor, t.w(-16) * _K2
    return _join(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, t.factor)


def _to_64(t: _Text) -> Words:
    a, b = t.w(0) * _K2, t.w(8)
    c, d = t.w(-8) * t.factor, t.w(-16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _join(y, a + _rotate(b + _K2, 18) + c, t.factor)
    e, f = t.w(16) * t.factor, t.w(24)
    g, h = (y + t.w(-32)) * t.factor, (z + t.w(-24)) * t.factor
    return _join(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, t.factor)


def _pair(t: _Text, at: int, a: Words, b: Words) -> tuple[Words, Words]:
    """32 bytes from `at` and two seeds into two words."""
    w, x, y, z = (t.w(at + 8 * i) for i in range(4))
    a = a + w
    first = a + x + y
    second = _rotate(b + a + z, 21) + _rotate(first, 44)
    return first + z, second + a


class _Rolling:
    """The 56 bytes of state of the long mix."""

    def __init__(self, t: _Text) -> None:
        zero = np.zeros(len(t.rows), np.uint64)
        self.y = zero + _word(_SEED * int(_K1) + 113)
        self.z = _shift_mix(self.y * _K2 + np.uint64(113)) * _K2
        self.v = (zero, zero)
        self.w = (zero, zero)
        self.x = t.w(0) + _word(_SEED * int(_K2))

    def take(self, t: _Text, at: int, factor: Words | np.uint64, last: bool) -> None:
        """Mix the 64 bytes from `at` in."""
        nine = np.uint64(9 if last else 1)
        x = _rotate(self.x + self.y + self.v[0] + t.w(at + 8), 37) * factor
        y = _rotate(self.y + self.v[1] + t.w(at + 48), 42) * factor
        x = x ^ (self.w[1] * nine)
        y = y + self.v[0] * nine + t.w(at + 40)
        z = _rotate(self.z + self.w[0], 33) * factor
        self.v = _pair(t, at, self.v[1] * factor, x + self.w[0])
        self.w = _pair(t, at + 32, z + self.w[1], y + t.w(at + 16))
        self.x, self.y, self.z = z, y, x


def _over_64(t: _Text) -> Words:
    state = _Rolling(t)
    for at in range(0, (t.length - 1) // _BLOCK * _BLOCK, _BLOCK):
        state.take(t, at, _K1, last=False)
    factor = _K1 + ((state.z & np.uint64(0xFF)) << np.uint64(1))
    (v0, v1), (w0, w1) = state.v, state.w
    w0 = w0 + np.uint64((t.length - 1) % _BLOCK)
    v0 = v0 + w0
    state.v, state.w = (v0, v1), (w0 + v0, w1)
    # The last 64 bytes, some of which the loop may have seen already.
    state.take(t, t.length - _BLOCK, factor, last=True)
    (v0, v1), (w0, w1) = state.v, state.w
    return _join(
        _join(v0, w0, factor) + _shift_mix(state.y) * _K0 + state.z,
        _join(v1, w1, factor) + state.x,
        factor,
    )
