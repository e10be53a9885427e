"""The object reader against pyelftools, relocations against a second computation, and what cannot be flattened."""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from litefuse.codegen.llvm.flatten import FlattenError, flatten
from litefuse.codegen.llvm.image import llvm_text
from litefuse.codegen.llvm.machine import attributes, machine, parse
from litefuse.codegen.targets import TARGETS, Target, find
from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.core import Module, Value
from litefuse.compiler.ir.types import F32, I8, I32, vector
from tests.codegen.build import Code, function


def sample() -> Module:
    """Kernels with constants of several sizes, so that there are several constant sections."""

    def body(b: Code, args: list[Value]) -> None:
        zero = b.constant(0)
        for k, t in enumerate((vector(16, F32), vector(4, I32), vector(32, I8), F32)):
            lanes = getattr(t, "lanes", 1)
            kind = {F32: np.float32, I32: np.int32, I8: np.int8}[getattr(t, "element", t)]
            constant = b.constant(Dense((np.arange(lanes) * 3 + k + 1).astype(kind)), t)
            name = "arith.addf" if kind is np.float32 else "arith.addi"
            v = b.op(name, (b.load(args[k], zero, t), constant), t)
            b.store(v, args[k], zero)

    return function(4, body, "second", function(4, body, "first"))


def objects(target: Target) -> bytes:
    return bytes(machine(target).emit_object(parse(llvm_text(sample(), target), True)))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_sections_and_symbols_agree_with_pyelftools(target: Target) -> None:
    data = objects(target)
    image, entries = flatten(data)
    elf = ELFFile(io.BytesIO(data))
    text = elf.get_section_by_name(".text")
    table: Any = elf.get_section_by_name(".symtab")
    known = {
        s.name: s["st_value"] for s in table.iter_symbols() if s["st_info"]["bind"] == "STB_GLOBAL"
    }
    assert known == entries  # code comes first, so the offsets are those of .text
    relocated: set[int] = set()
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_RELA" and elf.get_section(section["sh_info"]).name == ".text":
            relocated.update(
                p
                for r in section.iter_relocations()
                for p in range(r["r_offset"], r["r_offset"] + 4)
            )
    code = text.data()
    assert len(relocated) >= 16
    assert all(image[i] == code[i] for i in range(len(code)) if i not in relocated)
    for section in elf.iter_sections():
        if section["sh_flags"] & 2 and section.name.startswith(".rodata"):
            assert section.data() in image[len(code) :]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_relocated_addresses_are_those_of_the_constants(target: Target) -> None:
    """Decode every patched instruction and compare the address it now has with the symbol's place in the image."""
    data = objects(target)
    image, _ = flatten(data)
    elf = ELFFile(io.BytesIO(data))
    table: Any = elf.get_section_by_name(".symtab")
    checked = 0
    for section in elf.iter_sections():
        if section["sh_type"] != "SHT_RELA" or elf.get_section(section["sh_info"]).name != ".text":
            continue
        for r in section.iter_relocations():
            symbol = table.get_symbol(r["r_info_sym"])
            home = elf.get_section(symbol["st_shndx"])
            place, kind = r["r_offset"], r["r_info_type"]
            (word,) = struct.unpack_from("<I", image, place)
            want = home.data()[symbol["st_value"] :][:4]
            if target.arch == "x86_64":
                at = place + struct.unpack("<i", struct.pack("<I", word))[0] - r["r_addend"]
                if kind == 2:
                    # The addend counts the bytes up to the end of the instruction.
                    assert image[at : at + 4] == want, symbol.name
                    checked += 1
            elif kind == 275:
                pages = (word >> 29 & 3) | (word >> 5 & 0x7FFFF) << 2
                page = (place >> 12) + (pages - (1 << 21) if pages >> 20 else pages)
                assert 0 <= page << 12 < len(image)
            else:
                scale = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}[kind]
                low = (word >> 10 & 0xFFF) << scale
                # The image of this test is one page long or the low bits alone would not name a place.
                assert len(image) <= 4096
                want = home.data()[symbol["st_value"] + r["r_addend"] :][:4]
                assert image[low : low + 4] == want
                checked += 1
    assert checked >= 4


def broken(target: Target, text: str) -> bytes:
    head = f'target triple = "{target.triple}"\n'
    tail = f"attributes #0 = {{ {attributes(target)} }}\n"
    return bytes(machine(target).emit_object(parse(head + text + tail, True)))


@pytest.mark.parametrize("name", ["x86-64", "aarch64"])
def test_library_calls_are_refused_by_name(name: str) -> None:
    text = "declare void @memset(ptr, i32, i64)\ndefine void @k(ptr %p) #0 {\n call void @memset(ptr %p, i32 0, i64 9)\n ret void\n}\n"
    with pytest.raises(FlattenError, match=re.escape("refers to 'memset', which nothing defines")):
        flatten(broken(find(name), text))


@pytest.mark.parametrize("name", ["x86-64", "aarch64"])
def test_writable_data_is_refused(name: str) -> None:
    text = "@g = global i32 5\ndefine i32 @k() #0 {\n %v = load i32, ptr @g\n ret i32 %v\n}\n"
    with pytest.raises(FlattenError, match=r"section \.data is writable"):
        flatten(broken(find(name), text))


def test_what_is_no_object() -> None:
    with pytest.raises(FlattenError, match="not a little-endian ELF64 object"):
        flatten(b"MZ" + bytes(100))
    wrong = bytearray(objects(find("x86-64")))
    struct.pack_into("<H", wrong, 18, 243)
    with pytest.raises(FlattenError, match="machine 243 is neither"):
        flatten(bytes(wrong))
