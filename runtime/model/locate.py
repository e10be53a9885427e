"""Where in a file a field lies: used only to make an error text, after decoding has succeeded."""

from __future__ import annotations

import re
import struct

from litefuse.runtime.model.schema import UNIONS, fields

_STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


def _field(view: memoryview, table: str, pos: int, name: str) -> tuple[str, int] | None:
    """Type and position of a field of the table at `pos`; None when it is absent."""
    vtable = pos - int(struct.unpack_from("<i", view, pos)[0])
    length = struct.unpack_from("<H", view, vtable)[0]
    for field in fields(table):
        if field.name == name:
            entry = 4 + 2 * field.slot
            inline = struct.unpack_from("<H", view, vtable + entry)[0] if entry < length else 0
            if not inline:
                return None
            kind = field.type
            if kind in UNIONS:
                tag = struct.unpack_from("<H", view, vtable + entry - 2)[0]
                kind = UNIONS[kind][view[pos + tag]] if tag else "NONE"
            return kind, pos + inline
    return None


def locate(view: memoryview, where: str, name: str) -> int:
    """The byte of field `name` (``outputs`` or ``outputs[2]``) of the table at `where`.

    `where` is a path from the root such as ``subgraphs[0].operators[3]``. Gives the position of
    the table itself for a field that is absent. The file must have been decoded already.
    """
    table, pos = "Model", int(struct.unpack_from("<I", view)[0])
    steps = [step for step in (*where.split("."), name) if step]
    for depth, step in enumerate(steps):
        match = _STEP.fullmatch(step)
        found = _field(view, table, pos, match[1]) if match else None
        if match is None or found is None:
            return pos
        kind, at = found
        last = depth == len(steps) - 1
        if last and match[2] is None:
            return at
        target = at + int(struct.unpack_from("<I", view, at)[0])
        if match[2] is not None:
            element = {"i64": 8, "u8": 1, "bool": 1, "u16": 2}.get(kind, 4)
            target += 4 + element * int(match[2])
            if last:
                return target
            target += int(struct.unpack_from("<I", view, target)[0])
        table, pos = kind, target
    return pos
