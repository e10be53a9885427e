"""An ELF64 object -> a flat image: sections laid out once, relocations resolved, nothing left to
link.

Only what LLVM emits for self-contained code is understood; anything else is an error that names it.
The image must be mapped at an address that is a multiple of 4096 (the Arm page relocations are
relative to pages).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from litefuse.runtime.errors import LitefuseError

_ALLOC, _EXEC = 2, 4
_PROGBITS, _SYMTAB, _RELA, _NOBITS = 1, 2, 4, 8
_X86_64, _AARCH64 = 62, 183
_PAGE_21, _ADD_12, _JUMP_26, _CALL_26 = 275, 277, 282, 283
_LOAD_SHIFT = {
    278: 0,
    284: 1,
    285: 2,
    286: 3,
    299: 4,
}  # log2 of the size that a load with 12 low bits moves


class FlattenError(LitefuseError, ValueError):
    """An object that cannot become a flat image."""


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    align: int


@dataclass(slots=True)
class _Object:
    """One object: its bytes, sections, where each kept section lies in the image, its symbols."""

    data: bytes
    sections: list[_Section]
    bases: dict[int, int]
    symbols: list[tuple[str, int, int, int]]  # (name, binding, section, value)


def flatten(*objects: bytes) -> tuple[bytes, dict[str, int]]:
    """(image, offset of every global symbol) of objects that may refer to each other.

    `FlattenError` for what none of them defines, what two define, and unknown relocations.
    """
    machines = {_machine(data) for data in objects}
    if len(machines) != 1:
        raise FlattenError(f"{len(objects)} objects are for {len(machines)} machines")
    parts = [_Object(data, s := _sections(data), {}, _symbols(data, s)) for data in objects]
    image = _lay_out(parts)
    entries: dict[str, int] = {}
    for part in parts:
        for name, bind, index, value in part.symbols:
            if bind == 1 and name and index in part.bases:
                if name in entries:
                    raise FlattenError(f"two objects define {name!r}")
                entries[name] = part.bases[index] + value
    (machine,) = machines
    for part in parts:
        for section in part.sections:
            if section.kind == _RELA and section.info in part.bases:
                _relocate(part, section, image, entries, machine)
    return bytes(image), entries


def _machine(data: bytes) -> int:
    if data[:6] != b"\x7fELF\x02\x01":
        raise FlattenError("not a little-endian ELF64 object")
    machine: int = struct.unpack_from("<H", data, 18)[0]
    if machine not in (_X86_64, _AARCH64):
        raise FlattenError(
            f"ELF machine {machine} is neither x86-64 ({_X86_64}) nor AArch64 ({_AARCH64})"
        )
    return machine


def _sections(data: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    rows = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    strings = rows[names][4]
    return [
        _Section(_string(data, strings + n), kind, flags, offset, length, link, info, align)
        for n, kind, flags, _, offset, length, link, info, align, _ in rows
    ]


def _string(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")


def _lay_out(parts: list[_Object]) -> bytearray:
    """Code of all objects first, then their constants.

    Unwind tables are left out, since nothing unwinds through generated code.
    """
    image = bytearray()
    kept = [
        (not s.flags & _EXEC, n, i)
        for n, part in enumerate(parts)
        for i, s in enumerate(part.sections)
        if s.flags & _ALLOC and s.size and not s.name.startswith(".eh_frame")
    ]
    for _, n, i in sorted(kept):
        s = parts[n].sections[i]
        if s.kind != _PROGBITS or s.flags & 1:
            raise FlattenError(
                f"section {s.name} is writable or has no bytes; generated code must be constant"
            )
        image += bytes(-len(image) % max(s.align, 64))
        parts[n].bases[i] = len(image)
        image += parts[n].data[s.offset : s.offset + s.size]
    return image


def _symbols(data: bytes, sections: list[_Section]) -> list[tuple[str, int, int, int]]:
    """(name, binding, section, value) of every symbol."""
    table = next((s for s in sections if s.kind == _SYMTAB), None)
    if table is None:
        return []
    strings = sections[table.link].offset
    rows = struct.iter_unpack("<IBBHQQ", data[table.offset : table.offset + table.size])
    return [
        (_string(data, strings + n), info >> 4, index, value)
        for n, info, _, index, value, _ in rows
    ]


def _relocate(
    part: _Object, rela: _Section, image: bytearray, entries: dict[str, int], machine: int
) -> None:
    rows = part.data[rela.offset : rela.offset + rela.size]
    for offset, info, addend in struct.iter_unpack("<QQq", rows):
        kind = info & 0xFFFFFFFF
        name, _, index, value = part.symbols[info >> 32]
        if index in part.bases:
            target = part.bases[index] + value + addend
        elif name in entries:
            target = entries[name] + addend
        else:
            raise FlattenError(
                f"generated code refers to {name or 'a dropped section'!r}, which nothing defines: "
                "an operation was lowered to a library call"
            )
        place = part.bases[rela.info] + offset
        if machine == _X86_64:
            if kind not in (2, 4):
                raise FlattenError(
                    f"x86-64 relocation {kind} against {name!r} is not position independent"
                )
            struct.pack_into("<i", image, place, target - place)
        else:
            _patch_arm(image, place, target, kind, name)


def _patch_arm(image: bytearray, place: int, target: int, kind: int, name: str) -> None:
    (word,) = struct.unpack_from("<I", image, place)
    if kind == _PAGE_21:
        pages = (target >> 12) - (place >> 12)
        word = word & ~(3 << 29 | 0x7FFFF << 5) | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    elif kind == _ADD_12:
        word = word & ~(0xFFF << 10) | (target & 0xFFF) << 10
    elif kind in _LOAD_SHIFT:
        word = word & ~(0xFFF << 10) | ((target & 0xFFF) >> _LOAD_SHIFT[kind]) << 10
    elif kind in (_JUMP_26, _CALL_26):
        word = word & ~0x3FFFFFF | (target - place >> 2) & 0x3FFFFFF
    else:
        raise FlattenError(f"AArch64 relocation {kind} against {name!r} is not understood")
    struct.pack_into("<I", image, place, word)
