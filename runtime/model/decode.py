"""Generic, verified decoding of FlatBuffers tables, driven by the schema as data.

Files have few distinct vtables, so each (table, vtable) pair is verified once and turned into a
plan: one `struct` format that unpacks all inline fields of a table in one call, and a step for
each field that needs more than that. Every offset and length is checked against the file before
use, and the number of objects made is bounded by the file's size, so that a file whose offsets
alias each other, or form a loop, ends in an error instead of filling memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from litefuse.runtime.model import objects
from litefuse.runtime.model.errors import DAMAGED, NEWER, ModelError
from litefuse.runtime.model.records import ARRAY_DTYPES, ARRAY_TABLES, default_of, record_class
from litefuse.runtime.model.schema import SIZES, UNIONS, Field, enum_class, fields, slot_count

CLASSES: dict[str, type] = {
    "Model": objects.Model,
    "OperatorCode": objects.OperatorCode,
    "SubGraph": objects.SubGraph,
    "Tensor": objects.Tensor,
    "Operator": objects.Operator,
    "Buffer": objects.Buffer,
    "Metadata": objects.Metadata,
    "QuantizationParameters": objects.Quantization,
}

# Fields for which "absent" means something else than "empty".
NULLABLE = frozenset({("Tensor", "shape_signature")})
# Strings whose absence nothing can tell from an empty one.
NAMES = frozenset({"Tensor", "SubGraph", "Metadata", "SignatureDef", "TensorMap"})

MAX_DEPTH = 16  # the schema nests six deep
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")

Step = Callable[["Decoder", "Plan", int, int, tuple[Any, ...]], Any]


class Plan(NamedTuple):
    """How to read every table that shares one vtable."""

    table: str
    cls: type
    size: int
    unpack: Callable[[memoryview, int], tuple[Any, ...]]
    plain: tuple[tuple[str, int], ...]
    steps: tuple[tuple[Field, int, int, Step], ...]
    defaults: dict[str, Any]
    fresh: tuple[str, ...]
    unknown: tuple[str, ...]


class _Overlap(NamedTuple):
    """Why a vtable cannot be used."""

    field: str
    slot: int
    inline: int


@cache
def _members(name: str) -> dict[int, Any]:
    found = enum_class(name)
    assert found is not None  # `schema.fields` has already checked the notation
    return {int(member): member for member in found}


@lru_cache(maxsize=1024)
def _numbers(count: int, letter: str) -> struct.Struct:
    return struct.Struct(f"<{count}{letter}")


def _read_enum(d: Decoder, plan: Plan, pos: int, value: int, field: Field) -> Any:
    member = _members(field.type).get(value)
    if member is None:
        known = _members(field.type)
        raise d.error(
            plan.table,
            field.name,
            pos,
            f"{value} is no {field.type} (known: {min(known)} to {max(known)})",
            NEWER,
        )
    return member


class Decoder:
    """Decodes one file. `unknown` collects the slots that the schema does not know."""

    def __init__(self, view: memoryview, name: str) -> None:
        self.view = view
        self.end = len(view)
        self.name = name
        self.plans: dict[tuple[str, int], Plan] = {}
        self.unknown: dict[str, None] = {}
        self.depth = 0
        # Cost of objects in units of about ten bytes of memory; a real file needs a tenth of it.
        self.budget = 1 << 16
        self.budget += min(16 * self.end, 1 << 26)
        self.bytes_left = 2 * self.end

    def error(
        self, table: str, field: str, byte: int, problem: str, remedy: str = DAMAGED
    ) -> ModelError:
        """A ModelError that names this file."""
        return ModelError(
            problem, remedy=remedy, table=table, field=field, byte=byte, file=self.name
        )

    def spend(self, cost: int, table: str, field: str, pos: int) -> None:
        """Charge for objects about to be made; ModelError when the file asks for too many."""
        self.budget -= cost
        if self.budget < 0:
            raise self.error(
                table,
                field,
                pos,
                f"offsets lead to the same bytes too often for a file of {self.end} bytes",
            )

    def take(self, count: int, table: str, field: str, pos: int) -> None:
        """Charge for bytes about to be copied."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise self.error(table, field, pos, "the file's strings and blobs overlap each other")

    def follow(self, table: str, field: str, pos: int, offset: int) -> int:
        """The position that an offset stored at `pos` leads to, with at least 4 bytes there."""
        target = pos + offset
        if offset == 0 or target > self.end - 4:
            raise self.error(
                table,
                field,
                pos,
                f"offset {offset} leads outside the file ({self.end} bytes)"
                if offset
                else "offset 0 leads nowhere",
            )
        return target

    def vector(self, table: str, field: str, at: int, item: int) -> tuple[int, int]:
        """Start and count of the vector at `at`, all of it inside the file."""
        count = _U32.unpack_from(self.view, at)[0]
        if count * item > self.end - at - 4:
            raise self.error(
                table,
                field,
                at,
                f"a vector of {count} elements ({count * item} bytes) does not fit into the file, "
                f"{self.end - at - 4} bytes remain",
            )
        return at + 4, count

    def string(self, table: str, field: str, at: int) -> str:
        """The string at `at`: terminated by a zero byte, UTF-8."""
        start, count = self.vector(table, field, at, 1)
        stop = start + count
        if stop >= self.end or self.view[stop]:
            raise self.error(table, field, at, "a string does not end with a zero byte")
        self.take(count, table, field, at)
        try:
            return str(self.view[start:stop], "utf-8")
        except UnicodeDecodeError as bad:
            raise self.error(
                table, field, start + bad.start, f"a string is not UTF-8 ({bad.reason})"
            ) from None

    def table(self, table: str, pos: int) -> Any:
        """The object stored at `pos`, which must lie at least 4 bytes before the end."""
        vtable = pos - _I32.unpack_from(self.view, pos)[0]
        plan = self.plans.get((table, vtable))
        if plan is None:
            plan = self.plans[table, vtable] = _plan(self, table, vtable, pos)
        if pos + plan.size > self.end:
            raise self.error(
                table,
                "",
                pos,
                f"the table takes {plan.size} bytes and {self.end - pos} remain in the file",
            )
        self.spend(64, table, "", pos)
        values = plan.unpack(self.view, pos)
        made: Any = object.__new__(plan.cls)
        mine = plan.defaults.copy()
        for name, index in plan.plain:
            mine[name] = values[index]
        for name in plan.fresh:
            mine[name] = []
        if plan.steps:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error(table, "", pos, "tables contain each other too deeply")
            for field, index, inline, step in plan.steps:
                mine[field.name] = step(self, plan, pos + inline, index, values)
            self.depth -= 1
        made.__dict__ = mine
        return made


def _step(table: str, field: Field, type_index: int) -> Step:
    """The function that reads one field which is more than a number stored inline."""
    name, kind = field.name, field.type

    def enum(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        member = members.get(values[index])
        return _read_enum(d, plan, pos, values[index], field) if member is None else member

    def string(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        return d.string(table, name, d.follow(table, name, pos, values[index]))

    def child(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        return d.table(kind, d.follow(table, name, pos, values[index]))

    def union(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        choice = values[type_index] if type_index >= 0 else 0
        if choice >= len(choices):
            raise d.error(
                table,
                f"{name}_type",
                pos,
                f"{choice} is no {kind} (known: 0 to {len(choices) - 1})",
                NEWER,
            )
        if choice == 0:
            return None
        return d.table(choices[choice], d.follow(table, name, pos, values[index]))

    def tables(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), 4)
        d.spend(8 * count, table, name, start)
        made = []
        at = start
        limit = d.end - 4
        try:
            for offset in _numbers(count, "I").unpack_from(d.view, start):
                if not 0 < offset <= limit - at:
                    d.follow(table, name, at, offset)
                made.append(d.table(kind, at + offset))
                at += 4
        except ModelError as error:
            step = f"{name}[{len(made)}]"
            error.where = f"{step}.{error.where}" if error.where else step
            raise
        return made

    def strings(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), 4)
        d.spend(8 * count, table, name, start)
        offsets = _numbers(count, "I").unpack_from(d.view, start)
        return tuple(
            d.string(table, name, d.follow(table, name, start + 4 * i, offset))
            for i, offset in enumerate(offsets)
        )

    def numbers(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), size)
        d.spend(8 * count, table, name, start)
        return _numbers(count, letter).unpack_from(d.view, start)

    def enums(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        found = numbers(d, plan, pos, index, values)
        return tuple(_read_enum(d, plan, pos, value, field) for value in found)

    def blob(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), 1)
        d.take(count, table, name, start)
        return bytes(d.view[start : start + count])

    def view(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), 1)
        return d.view[start : start + count]

    def array(d: Decoder, plan: Plan, pos: int, index: int, values: tuple[Any, ...]) -> Any:
        start, count = d.vector(table, name, d.follow(table, name, pos, values[index]), size)
        found = np.frombuffer(d.view, dtype, count, start)
        if start % size:
            d.take(count * size, table, name, start)
            found = found.copy()
            found.flags.writeable = False
        return found

    letter = field.letter
    size = SIZES[letter]
    members = _members(kind) if field.form in ("enum", "enums") else {}
    choices = UNIONS.get(kind, ())
    if field.form == "vector":
        if table == "Buffer":
            return view
        if table in ARRAY_TABLES:
            dtype = np.dtype(ARRAY_DTYPES[letter])
            return array
        return blob if letter == "B" else numbers
    return {
        "enum": enum,
        "str": string,
        "table": child,
        "union": union,
        "tables": tables,
        "strs": strings,
        "enums": enums,
    }[field.form]


def _slots(d: Decoder, table: str, vtable: int, pos: int) -> tuple[int, tuple[int, ...]]:
    """Inline size of the table and the inline offset of each slot, all verified."""
    if vtable < 0 or vtable > d.end - 4:
        raise d.error(table, "", pos, f"its vtable would be at byte {vtable}, outside the file")
    length = _U16.unpack_from(d.view, vtable)[0]
    size = _U16.unpack_from(d.view, vtable + 2)[0]
    if length < 4 or length % 2 or vtable + length > d.end or size < 4:
        raise d.error(
            table, "", vtable, f"its vtable says {length} bytes for itself, {size} for the table"
        )
    return size, _numbers((length - 4) // 2, "H").unpack_from(d.view, vtable + 4)


def _plan(d: Decoder, table: str, vtable: int, pos: int) -> Plan:
    """Verify one vtable and make, or find, the plan for reading its tables."""
    size, slots = _slots(d, table, vtable, pos)
    plan = _plan_for(table, size, slots)
    if isinstance(plan, _Overlap):
        raise d.error(
            table,
            plan.field,
            vtable + 4 + 2 * plan.slot,
            f"its place, byte {plan.inline} of a table of {size}, overlaps another or the end",
        )
    d.unknown.update(dict.fromkeys(plan.unknown))
    return plan


@lru_cache(maxsize=2048)
def _plan_for(table: str, size: int, slots: tuple[int, ...]) -> Plan | _Overlap:
    """The plan for one layout, shared by all files that use it."""
    known = slot_count(table)
    unknown = tuple(f"{table} slot {i}" for i, at in enumerate(slots[known:], known) if at)
    # Inline offset, struct letter, field, and whether it is the type number of a union.
    present: list[tuple[int, str, Field, bool]] = []
    defaults: dict[str, Any] = {}
    fresh: list[str] = []
    for field in fields(table):
        inline = slots[field.slot] if field.slot < len(slots) else 0
        if inline:
            letter = field.letter if field.form in ("scalar", "enum") else "I"
            present.append((inline, letter, field, False))
        elif field.form == "tables":
            fresh.append(field.name)
        if field.form == "union" and field.slot - 1 < len(slots) and slots[field.slot - 1]:
            present.append((slots[field.slot - 1], "B", field, True))
        if field.form != "tables":
            defaults[field.name] = _absent(table, field)
    present.sort(key=lambda item: item[0])
    parts, end = ["<"], 0
    for inline, letter, field, tag in present:
        if inline < max(end, 4) or inline + SIZES[letter] > size:
            return _Overlap(field.name, field.slot - tag, inline)
        parts.append(f"{inline - end}x{letter}")
        end = inline + SIZES[letter]
    indices = {(field.name, tag): i for i, (_, _, field, tag) in enumerate(present)}
    plain, steps = [], []
    for index, (inline, _, field, tag) in enumerate(present):
        if tag:
            continue
        if field.form == "scalar":
            plain.append((field.name, index))
        else:
            step = _step(table, field, indices.get((field.name, True), -1))
            steps.append((field, index, inline, step))
    return Plan(
        table,
        CLASSES.get(table) or record_class(table),
        size,
        struct.Struct("".join(parts)).unpack_from,
        tuple(plain),
        tuple(steps),
        defaults,
        tuple(fresh),
        unknown,
    )


def _absent(table: str, field: Field) -> Any:
    if (table, field.name) in NULLABLE:
        return None
    if field.form == "str" and table in NAMES and field.name != "deprecated_tag":
        return ""
    return default_of(table, field)
