"""The schema as data against the classes that the FlatBuffers compiler made for ai-edge-litert."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from litefuse.runtime.model import enums, schema
from litefuse.runtime.model.schema import SIZES, TABLES, UNIONS, WIDE_ENUMS, Field

# Deprecated fields, for which no accessor is generated; old files still hold them.
DEPRECATED = {
    "ResizeBilinearOptions": {"newheight", "newwidth"},
    "SignatureDef": {"deprecatedtag"},
}
SLOT_LETTERS = {
    "Bool": "?",
    "Int8": "b",
    "Uint8": "B",
    "Int16": "h",
    "Uint16": "H",
    "Int32": "i",
    "Uint32": "I",
    "Int64": "q",
    "Uint64": "Q",
    "Float32": "f",
    "UOffsetTRelative": "offset",
}


@pytest.fixture(scope="module")
def generated() -> str:
    spec = importlib.util.find_spec("ai_edge_litert.schema_py_generated")
    if spec is None or spec.origin is None:
        pytest.skip("ai-edge-litert ships no generated schema here")
    return Path(spec.origin).read_text()


def plain(name: str) -> str:
    return name.replace("_", "").lower()


def slots_of(table: str) -> dict[str, tuple[int, str, str]]:
    """Field (as `plain`) -> slot, stored letter, default as the generated code spells it."""
    out: dict[str, tuple[int, str, str]] = {}
    for field in schema.fields(table):
        if field.form == "union":
            out[plain(field.name) + "type"] = (field.slot - 1, "B", "0")
        letter = field.letter if field.form in ("scalar", "enum") else "offset"
        default = "0" if letter == "offset" else str(spelled(field))
        out[plain(field.name)] = (field.slot, letter, default)
    return out


def spelled(field: Field) -> object:
    if field.letter == "?":
        return int(field.default)
    return float(field.default) if field.letter == "f" else int(field.default)


def generated_slots(text: str) -> dict[str, dict[str, tuple[int, str, str]]]:
    pattern = (
        r"^def (\w+?)Add(\w+)\(builder, \w+\):\n"
        r"    builder\.Prepend(\w+)Slot\((\d+), .+, ([-\w.]+)\)$"
    )
    out: dict[str, dict[str, tuple[int, str, str]]] = {}
    starts = dict(
        re.findall(r"^def (\w+)Start\(builder\):\n    builder\.StartObject\((\d+)\)", text, re.M)
    )
    for table in starts:
        out[table] = {}
    for name, field, kind, slot, default in re.findall(pattern, text, re.M):
        # "AddOptionsAddX": the table is the longest known prefix.
        whole = f"{name}Add{field}"
        table = max((t for t in starts if whole.startswith(t + "Add")), key=len)
        entry = whole[len(table) + 3 :].lower()
        value = {"True": "1", "False": "0"}.get(default, default)
        out[table][entry] = (int(slot), SLOT_LETTERS[kind], value)
    return out


def test_every_table_field_slot_type_and_default(generated: str) -> None:
    theirs = generated_slots(generated)
    assert set(theirs) == set(TABLES)
    for table, expected in theirs.items():
        mine = slots_of(table)
        for name in DEPRECATED.get(table, ()):
            del mine[name]
        assert {n: v[:2] for n, v in mine.items()} == {n: v[:2] for n, v in expected.items()}, table
        for name, (_, letter, default) in expected.items():
            same = float(default) == float(mine[name][2]) if letter != "offset" else True
            assert same, f"{table}.{name} defaults to {default}"


def test_slot_counts(generated: str) -> None:
    counts = re.findall(
        r"^def (\w+)Start\(builder\):\n    builder\.StartObject\((\d+)\)", generated, re.M
    )
    assert {table: schema.slot_count(table) for table in TABLES} == {t: int(n) for t, n in counts}


def test_vector_element_sizes(generated: str) -> None:
    pattern = (
        r"^def (\w+?)Start(\w+)Vector\(builder, numElems\):\n    return builder\.StartVector\((\d+)"
    )
    found = {plain(a) + plain(b): int(size) for a, b, size in re.findall(pattern, generated, re.M)}
    mine = {}
    for table in TABLES:
        for field in schema.fields(table):
            if field.form in ("vector", "enums", "tables", "strs"):
                mine[plain(table) + plain(field.name)] = SIZES[field.letter]
    assert mine == found


def generated_members(text: str, name: str) -> dict[str, int]:
    body = re.search(rf"^class {name}\(object\):\n((?:    \w+ = -?\d+\n)+)", text, re.M)
    assert body is not None, name
    return {key: int(value) for key, value in re.findall(r"(\w+) = (-?\d+)", body[1])}


def test_every_enumerator(generated: str) -> None:
    names = re.findall(r"^class (\w+)\(object\):\n    [A-Za-z]\w* = -?\d+$", generated, re.M)
    assert set(names) - set(UNIONS) == {
        name for name in vars(enums) if schema.enum_class(name) and name != "IntEnum"
    }
    for name in names:
        expected = generated_members(generated, name)
        if name in UNIONS:
            assert {member: i for i, member in enumerate(UNIONS[name])} == expected
        else:
            enum = schema.enum_class(name)
            assert enum is not None
            assert {member.name: int(member) for member in enum} == expected


def test_union_members_are_tables() -> None:
    for members in UNIONS.values():
        assert members[0] == "NONE"
        assert set(members[1:]) <= set(TABLES)
        assert len(set(members)) == len(members)


def test_notation_is_consistent() -> None:
    for table in TABLES:
        found = schema.fields(table)
        slots = [field.slot for field in found]
        assert slots == sorted(set(slots)), table
        assert all(field.letter in SIZES for field in found)
    assert all(schema.enum_class(name) for name in WIDE_ENUMS)


def test_unknown_table() -> None:
    with pytest.raises(KeyError, match="NoSuchTable"):
        schema.fields("NoSuchTable")
