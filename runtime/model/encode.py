"""Generic writing of FlatBuffers, driven by the schema as data: the reverse of `decode.py`.

The file is written front to back: each table before what it refers to (offsets only point
forward), its vtable before it unless an equal one is already there.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.records import ARRAY_DTYPES, Record
from litefuse.runtime.model.schema import SIZES, UNIONS, Field, fields

BUFFER_ALIGN = 64  # runtimes need 16; a cache line is kinder to vector loads

Values = Mapping[str, Any]


def _fail(table: str, field: str, problem: str, remedy: str = FIX) -> ModelError:
    return ModelError(problem, remedy=remedy, table=table, field=field)


def is_default(field: Field, value: Any) -> bool:
    """Whether a field with this value is left out: None, a scalar at its default, empty bytes.

    Other empty vectors are kept, since LiteRT's parsers of some ops refuse an absent one, except
    for a sparse tensor's block map, whose presence says that there are blocks.
    """
    if value is None or (isinstance(value, bytes) and not value):
        return True
    if field.name == "block_map":
        return not len(value)
    return field.form in ("scalar", "enum") and bool(value == field.default)


class Encoder:
    """Appends tables to `out`. `places` records where scalar fields that are patched later lie."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.vtables: dict[bytes, int] = {}
        self.places: dict[tuple[int, str], int] = {}
        self.last: list[tuple[int, bytes | memoryview]] = []

    def align(self, size: int, ahead: int = 0) -> None:
        """Pad so that `ahead` bytes from here the position is a multiple of `size`."""
        self.out += bytes(-(len(self.out) + ahead) % size)

    def point(self, place: int) -> None:
        """Make the offset stored at `place` lead here."""
        struct.pack_into("<I", self.out, place, len(self.out) - place)

    def table(self, table: str, values: Values) -> int:
        """Write a table and all below it; its position. `values` holds the schema's fields, a
        union as a Record, None for what is absent.
        """
        present: list[tuple[int, str, Field, Any]] = []
        for field in fields(table):
            value = values[field.name]
            if is_default(field, value):
                continue
            inline = field.letter if field.form in ("scalar", "enum") else "I"
            present.append((field.slot, inline, field, value))
            if field.form == "union":
                present.append((field.slot - 1, "B", field, _choice(table, field, value)))
        present.sort(key=lambda item: -SIZES[item[1]])
        slots = [0] * (max((item[0] for item in present), default=-1) + 1)
        at = 4
        for slot, letter, _, _ in present:
            at += -at % SIZES[letter]
            slots[slot] = at
            at += SIZES[letter]
        pos = self._start(slots, at, 8 if any(SIZES[p[1]] == 8 for p in present) else 4)
        links: list[tuple[int, Field, Any]] = []
        for slot, letter, field, value in present:
            place = pos + slots[slot]
            if field.form in ("scalar", "enum") or slot != field.slot:
                self._scalar(table, field.name, letter, place, value)
                self.places[pos, field.name] = place
            else:
                links.append((place, field, value))
        for place, field, value in links:
            self._link(table, place, field, value)
        return pos

    def _start(self, slots: Sequence[int], size: int, align: int) -> int:
        vtable = struct.pack(f"<{len(slots) + 2}H", 2 * len(slots) + 4, size, *slots)
        at = self.vtables.get(vtable)
        if at is None:
            self.align(2)
            at = self.vtables[vtable] = len(self.out)
            self.out += vtable
        # The first field lies 4 bytes in, and 8-byte fields come first: align those.
        self.align(align, 4 if align == 8 and 4 in slots else 0)
        pos = len(self.out)
        self.out += bytes(size)
        struct.pack_into("<i", self.out, pos, pos - at)
        return pos

    def _scalar(self, table: str, field: str, letter: str, place: int, value: Any) -> None:
        try:
            struct.pack_into(f"<{letter}", self.out, place, value)
        except (struct.error, OverflowError) as bad:
            raise _fail(table, field, f"{value!r} cannot be stored: {bad}") from None

    def _link(self, table: str, place: int, field: Field, value: Any) -> None:
        if field.form == "str":
            self._string(table, place, field, value)
        elif field.form in ("table", "union"):
            kind = value.TABLE if isinstance(value, Record) else field.type
            self._child(place, kind, value)
        elif field.form == "tables":
            self._tables(place, field, value)
        elif field.form == "strs":
            places = self._vector_of_offsets(place, len(value))
            for at, text in zip(places, value, strict=True):
                self._string(table, at, field, text)
        else:
            self._numbers(table, place, field, value)

    def _child(self, place: int, kind: str, value: Any) -> None:
        stored = value.__dict__ if isinstance(value, Record) else value
        # `table` may write padding and a vtable first, so the offset is known only afterwards.
        pos = self.table(kind, stored)
        struct.pack_into("<I", self.out, place, pos - place)

    def _vector_of_offsets(self, place: int, count: int) -> range:
        self.align(4)
        self.point(place)
        self.out += struct.pack("<I", count)
        start = len(self.out)
        self.out += bytes(4 * count)
        return range(start, start + 4 * count, 4)

    def _tables(self, place: int, field: Field, value: Sequence[Any]) -> None:
        for at, item in zip(self._vector_of_offsets(place, len(value)), value, strict=True):
            self._child(at, field.type, item)

    def _string(self, table: str, place: int, field: Field, value: Any) -> None:
        if not isinstance(value, str):
            raise _fail(table, field.name, f"{value!r} is no string")
        data = value.encode("utf-8", "surrogatepass")
        self.align(4)
        self.point(place)
        self.out += struct.pack("<I", len(data)) + data + b"\0"

    def _numbers(self, table: str, place: int, field: Field, value: Any) -> None:
        size = SIZES[field.letter]
        if field.letter == "B" and not isinstance(value, np.ndarray | tuple | list):
            if table == "Buffer":
                self.last.append((place, value))
                return
            data = bytes(value)
        elif isinstance(value, np.ndarray):
            data = np.ascontiguousarray(value, ARRAY_DTYPES.get(field.letter)).tobytes()
        else:
            try:
                data = struct.pack(f"<{len(value)}{field.letter}", *value)
            except (struct.error, OverflowError, TypeError) as bad:
                problem = f"{value!r} cannot be stored: {bad}"
                raise _fail(table, field.name, problem) from None
        self.align(max(size, 4), 4)
        self.point(place)
        self.out += struct.pack("<I", len(data) // size) + data

    def finish(self) -> None:
        """Write the buffers' data, which comes last, each at a multiple of BUFFER_ALIGN."""
        for place, data in self.last:
            self.align(BUFFER_ALIGN, 4)
            self.point(place)
            self.out += struct.pack("<I", len(data))
            self.out += data
        self.last.clear()
        self.align(4)


def _choice(table: str, field: Field, value: Any) -> int:
    kind = getattr(value, "TABLE", None)
    if kind not in UNIONS[field.type]:
        raise _fail(table, field.name, f"{value!r} is no member of the union {field.type}")
    return UNIONS[field.type].index(kind)
