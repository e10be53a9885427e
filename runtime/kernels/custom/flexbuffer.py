"""FlexBuffers, the schema-less format in which custom ops keep their options: a reader.

A value's parent says its type and the width of what is stored there: a number, or how far back the
value lies.  Format: "FlexBuffers binary" of the FlatBuffers documentation.
"""

from __future__ import annotations

import struct
from typing import Any

_INT, _UINT, _FLOAT, _KEY, _STRING = 1, 2, 3, 4, 5
_INDIRECT = {6: _INT, 7: _UINT, 8: _FLOAT}
_MAP, _VECTOR = 9, 10
_TYPED = {11: _INT, 12: _UINT, 13: _FLOAT, 14: _KEY, 15: _STRING, 36: 26}
_BLOB, _BOOL = 25, 26
_DEEPEST = 64

_FORMATS = {
    _INT: {1: "<b", 2: "<h", 4: "<i", 8: "<q"},
    _UINT: {1: "<B", 2: "<H", 4: "<I", 8: "<Q"},
    _FLOAT: {2: "<e", 4: "<f", 8: "<d"},
}


class FlexError(ValueError):
    """Bytes that are no flexbuffer."""


def loads(data: bytes) -> Any:
    """The value: None, bool, int, float, str, bytes, list or dict.  FlexError if damaged."""
    data = bytes(data)
    if len(data) < 3:
        raise FlexError(f"{len(data)} bytes are too few for a flexbuffer")
    width, packed = data[-1], data[-2]
    if width not in (1, 2, 4, 8):
        raise FlexError(f"the root's width is {width}; it must be 1, 2, 4 or 8")
    reader = _Reader(data)
    return reader.value(len(data) - 2 - width, width, packed, 0)


def load_map(data: bytes) -> dict[str, Any]:
    """The map that the bytes hold; empty when they hold anything else (a C struct, say)."""
    try:
        found = loads(data)
    except FlexError:
        return {}
    return found if isinstance(found, dict) else {}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, at: int, width: int, kind: int) -> Any:
        form = _FORMATS[kind].get(width)
        if form is None or at < 0 or at + width > len(self.data):
            raise FlexError(f"a number of {width} bytes at {at} is outside the buffer")
        return struct.unpack_from(form, self.data, at)[0]

    def value(self, at: int, width: int, packed: int, depth: int) -> Any:
        """The value of type `packed` that is stored, or pointed to, at `at`."""
        if depth > _DEEPEST:
            raise FlexError(f"nested deeper than {_DEEPEST}")
        kind, inner = packed >> 2, 1 << (packed & 3)
        if kind == 0:
            return None
        if kind in (_INT, _UINT, _FLOAT):
            return self.number(at, width, kind)
        if kind == _BOOL:
            return bool(self.number(at, width, _UINT))
        target = at - self.number(at, width, _UINT)
        if kind in _INDIRECT:
            return self.number(target, inner, _INDIRECT[kind])
        if kind == _KEY:
            return self.key(target)
        if kind in (_STRING, _BLOB):
            return self.text(target, inner, kind)
        if kind == _MAP:
            return self.map(target, inner, depth)
        return self.vector(target, inner, kind, depth)

    def key(self, at: int) -> str:
        end = self.data.find(b"\0", max(at, 0))
        if at < 0 or end < 0:
            raise FlexError(f"the key at {at} has no end")
        return self.data[at:end].decode(errors="replace")

    def text(self, at: int, width: int, kind: int) -> str | bytes:
        size = self.number(at - width, width, _UINT)
        if at + size > len(self.data):
            raise FlexError(f"{size} bytes at {at} reach past the end")
        raw = self.data[at : at + size]
        return raw.decode(errors="replace") if kind == _STRING else raw

    def count(self, at: int, width: int) -> int:
        size = int(self.number(at - width, width, _UINT))
        if at + size * width > len(self.data):
            raise FlexError(f"{size} elements at {at} reach past the end")
        return size

    def vector(self, at: int, width: int, kind: int, depth: int) -> list[Any]:
        if 16 <= kind <= 24:  # fixed length: pairs, triples and fours of int, uint and float
            length, element = 2 + (kind - 16) // 3, _INT + (kind - 16) % 3
            return [self.number(at + i * width, width, element) for i in range(length)]
        size = self.count(at, width)
        if kind == _VECTOR:
            types = at + size * width
            if types + size > len(self.data):
                raise FlexError(f"the types of {size} elements reach past the end")
            return [
                self.value(at + i * width, width, self.data[types + i], depth + 1)
                for i in range(size)
            ]
        if kind not in _TYPED:
            raise FlexError(f"type {kind} is unknown")
        packed = _TYPED[kind] << 2
        return [self.value(at + i * width, width, packed, depth + 1) for i in range(size)]

    def map(self, at: int, width: int, depth: int) -> dict[str, Any]:
        values = self.vector(at, width, _VECTOR, depth)
        back = at - 3 * width
        keys_at = back - self.number(back, width, _UINT)
        keys_width = self.number(at - 2 * width, width, _UINT)
        if self.count(keys_at, keys_width) != len(values):
            raise FlexError(f"a map has {len(values)} values and another number of keys")
        keys = self.vector(keys_at, keys_width, 14, depth)
        return dict(zip(keys, values, strict=True))
