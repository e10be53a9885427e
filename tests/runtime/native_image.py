"""A hand-made artifact for the runtime's tests: real machine code that keeps the native ABI.

Two steps over `n` floats: ``t[i] = x[i] * weight[i]`` (into the arena), ``y[i] = t[i] + t[n-1-i]``.
The second reads what other threads wrote, so a missing barrier gives wrong numbers. The entries
are a plain version of what code generation emits, written apart from it on purpose.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from typing import Any

import numpy as np

from litefuse.runtime import artifact
from litefuse.runtime.cpu import host_target

_CLOCK = {
    "x86_64": ("declare i64 @llvm.readcyclecounter()", "call i64 @llvm.readcyclecounter()"),
    "aarch64": ("", 'call i64 asm sideeffect "mrs $0, cntvct_el0", "=r"()'),
}
_FUTEX = {"x86_64": 202, "aarch64": 98}

_IR = """
target triple = "{arch}-unknown-linux-gnu"
{clock_decl}

define dso_local void @k_scale(ptr %x, ptr %w, ptr %t, i64 %begin, i64 %end) noinline {{
entry:
  %none = icmp sge i64 %begin, %end
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %px = getelementptr float, ptr %x, i64 %i
  %pw = getelementptr float, ptr %w, i64 %i
  %pt = getelementptr float, ptr %t, i64 %i
  %a = load float, ptr %px
  %b = load float, ptr %pw
  %c = fmul float %a, %b
  store float %c, ptr %pt
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}}

define dso_local void @k_mirror(ptr %t, ptr %y, i64 %begin, i64 %end) noinline {{
entry:
  %none = icmp sge i64 %begin, %end
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %j = sub i64 {last}, %i
  %pi = getelementptr float, ptr %t, i64 %i
  %pj = getelementptr float, ptr %t, i64 %j
  %py = getelementptr float, ptr %y, i64 %i
  %a = load float, ptr %pi
  %b = load float, ptr %pj
  %c = fadd float %a, %b
  store float %c, ptr %py
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}}

; Sleep while the word at %word is %seen; wake all sleepers of a word.
define internal void @wait(ptr %pool, ptr %word, i32 %seen) noinline {{
  %slot = getelementptr i8, ptr %pool, i64 8
  %syscall = load ptr, ptr %slot
  %r = call i64 (i64, ...) %syscall(i64 {futex}, ptr %word, i32 128, i32 %seen, ptr null, ptr null, i32 0)
  ret void
}}
define internal void @wake(ptr %pool, ptr %word) noinline {{
  %slot = getelementptr i8, ptr %pool, i64 8
  %syscall = load ptr, ptr %slot
  %r = call i64 (i64, ...) %syscall(i64 {futex}, ptr %word, i32 129, i32 2147483647, ptr null, ptr null, i32 0)
  ret void
}}

; Until the word differs from %seen: look `spin` times, then sleep. The new value.
define internal i32 @await(ptr %pool, ptr %word, i32 %seen) noinline {{
entry:
  %pspin = getelementptr i8, ptr %pool, i64 4
  %spin = load i32, ptr %pspin
  br label %look
look:
  %left = phi i32 [ %spin, %entry ], [ %fewer, %again ], [ 0, %sleep ]
  %now = load atomic i32, ptr %word acquire, align 4
  %same = icmp eq i32 %now, %seen
  br i1 %same, label %still, label %done
still:
  %out = icmp sle i32 %left, 0
  br i1 %out, label %sleep, label %again
again:
  %fewer = sub i32 %left, 1
  br label %look
sleep:
  call void @wait(ptr %pool, ptr %word, i32 %seen)
  br label %look
done:
  ret i32 %now
}}

; A step's only word, line %step of the area: generation << 32 | parts finished << 16 | parts taken.
; A part is a thread's static share, and any thread may take any; all parts are tried in order.
; The next part that nobody took; -1 if there is none or the generation is over.
define internal i64 @part(ptr %word, i64 %mark, i64 %n) noinline {{
entry:
  br label %look
look:
  %old = load atomic i64, ptr %word acquire, align 8
  %g = and i64 %old, -4294967296
  %mine = icmp eq i64 %g, %mark
  br i1 %mine, label %left, label %none
left:
  %taken = and i64 %old, 65535
  %some = icmp ult i64 %taken, %n
  br i1 %some, label %try, label %none
try:
  %new = add i64 %old, 1
  %swap = cmpxchg ptr %word, i64 %old, i64 %new seq_cst seq_cst
  %got = extractvalue {{ i64, i1 }} %swap, 1
  br i1 %got, label %have, label %look
have:
  ret i64 %taken
none:
  ret i64 -1
}}

; Look until all parts are finished: 1, or 0 if the generation is over.
define internal i1 @finished(ptr %word, i64 %mark, i64 %n) noinline {{
entry:
  %high = shl i64 %n, 16
  %both = or i64 %high, %n
  %want = or i64 %mark, %both
  br label %look
look:
  %now = load atomic i64, ptr %word seq_cst, align 8
  %all = icmp eq i64 %now, %want
  br i1 %all, label %yes, label %part
part:
  %g = and i64 %now, -4294967296
  %mine = icmp eq i64 %g, %mark
  br i1 %mine, label %look, label %no
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal void @tick(ptr %state, i32 %tid, i64 %which) noinline {{
  %slot = getelementptr i8, ptr %state, i64 24
  %ticks = load ptr, ptr %slot
  %on = icmp ne ptr %ticks, null
  %first = icmp eq i32 %tid, 0
  %both = and i1 %on, %first
  br i1 %both, label %store, label %done
store:
  %now = {clock}
  %to = getelementptr i64, ptr %ticks, i64 %which
  store i64 %now, ptr %to
  br label %done
done:
  ret void
}}

define internal i64 @cut(i64 %tid, i64 %n) {{
  %a = mul i64 %tid, {trip}
  %b = udiv i64 %a, %n
  ret i64 %b
}}

define dso_local void @run(ptr %state, i32 %tid, i32 %generation) noinline {{
entry:
  %consts = load ptr, ptr %state
  %parena = getelementptr i8, ptr %state, i64 8
  %arena = load ptr, ptr %parena
  %pio = getelementptr i8, ptr %state, i64 16
  %io = load ptr, ptr %pio
  %ppool = getelementptr i8, ptr %state, i64 32
  %pool = load ptr, ptr %ppool
  %x = load ptr, ptr %io
  %py = getelementptr i8, ptr %io, i64 8
  %y = load ptr, ptr %py
  %n32 = load i32, ptr %pool
  %n = zext i32 %n32 to i64
  %pwords = getelementptr i8, ptr %pool, i64 16
  %w.a = load ptr, ptr %pwords
  %w.b = getelementptr i8, ptr %w.a, i64 64
  %g = zext i32 %generation to i64
  %mark = shl i64 %g, 32
  call void @tick(ptr %state, i32 %tid, i64 0)
  br label %take.a
take.a:
  %p.a = call i64 @part(ptr %w.a, i64 %mark, i64 %n)
  %some.a = icmp sge i64 %p.a, 0
  br i1 %some.a, label %do.a, label %wait.a
do.a:
  %q.a = add i64 %p.a, 1
  %b.a = call i64 @cut(i64 %p.a, i64 %n)
  %e.a = call i64 @cut(i64 %q.a, i64 %n)
  call void @k_scale(ptr %x, ptr %consts, ptr %arena, i64 %b.a, i64 %e.a)
  %old.a = atomicrmw add ptr %w.a, i64 65536 seq_cst
  br label %take.a
wait.a:
  %all.a = call i1 @finished(ptr %w.a, i64 %mark, i64 %n)
  br i1 %all.a, label %second, label %done
second:
  call void @tick(ptr %state, i32 %tid, i64 1)
  br label %take.b
take.b:
  %p.b = call i64 @part(ptr %w.b, i64 %mark, i64 %n)
  %some.b = icmp sge i64 %p.b, 0
  br i1 %some.b, label %do.b, label %wait.b
do.b:
  %q.b = add i64 %p.b, 1
  %b.b = call i64 @cut(i64 %p.b, i64 %n)
  %e.b = call i64 @cut(i64 %q.b, i64 %n)
  call void @k_mirror(ptr %arena, ptr %y, i64 %b.b, i64 %e.b)
  %old.b = atomicrmw add ptr %w.b, i64 65536 seq_cst
  br label %take.b
wait.b:
  %all.b = call i1 @finished(ptr %w.b, i64 %mark, i64 %n)
  br i1 %all.b, label %third, label %done
third:
  call void @tick(ptr %state, i32 %tid, i64 2)
  br label %done
done:
  ret void
}}

; One thread has no word area: it goes through both kernels alone.
define internal void @alone(ptr %state) noinline {{
  %consts = load ptr, ptr %state
  %parena = getelementptr i8, ptr %state, i64 8
  %arena = load ptr, ptr %parena
  %pio = getelementptr i8, ptr %state, i64 16
  %io = load ptr, ptr %pio
  %x = load ptr, ptr %io
  %py = getelementptr i8, ptr %io, i64 8
  %y = load ptr, ptr %py
  call void @tick(ptr %state, i32 0, i64 0)
  call void @k_scale(ptr %x, ptr %consts, ptr %arena, i64 0, i64 {trip})
  call void @tick(ptr %state, i32 0, i64 1)
  call void @k_mirror(ptr %arena, ptr %y, i64 0, i64 {trip})
  call void @tick(ptr %state, i32 0, i64 2)
  ret void
}}

; What an even or an odd generation runs: function, State.
define internal ptr @slot(ptr %pool, i32 %generation) {{
  %odd = urem i32 %generation, 2
  %bytes = mul i32 %odd, 16
  %slots = getelementptr i8, ptr %pool, i64 96
  %slot = getelementptr i8, ptr %slots, i32 %bytes
  ret ptr %slot
}}

define dso_local i32 @invoke(ptr %state) noinline {{
entry:
  %ppool = getelementptr i8, ptr %state, i64 32
  %pool = load ptr, ptr %ppool
  %n = load i32, ptr %pool
  %many = icmp sgt i32 %n, 1
  br i1 %many, label %publish, label %one
one:
  call void @alone(ptr %state)
  ret i32 {status}
publish:
  %generation = getelementptr i8, ptr %pool, i64 64
  %last = load atomic i32, ptr %generation seq_cst, align 4
  %g = add i32 %last, 1
  %g64 = zext i32 %g to i64
  %mark = shl i64 %g64, 32
  %pwords = getelementptr i8, ptr %pool, i64 16
  %first = load ptr, ptr %pwords
  %second = getelementptr i8, ptr %first, i64 64
  store atomic i64 %mark, ptr %first seq_cst, align 8
  store atomic i64 %mark, ptr %second seq_cst, align 8
  %slot = call ptr @slot(ptr %pool, i32 %g)
  %slot.state = getelementptr i8, ptr %slot, i64 8
  store atomic ptr @run, ptr %slot seq_cst, align 8
  store atomic ptr %state, ptr %slot.state seq_cst, align 8
  %old = atomicrmw add ptr %generation, i32 1 seq_cst
  call void @wake(ptr %pool, ptr %generation)
  call void @run(ptr %state, i32 0, i32 %g)
  ret i32 {status}
}}

define dso_local void @worker(ptr %pool, i32 %tid) noinline {{
entry:
  %generation = getelementptr i8, ptr %pool, i64 64
  br label %life
life:
  %seen = phi i32 [ 0, %entry ], [ %new, %out ]
  %new = call i32 @await(ptr %pool, ptr %generation, i32 %seen)
  %pstop = getelementptr i8, ptr %pool, i64 68
  %stop = load atomic i32, ptr %pstop acquire, align 4
  %stopped = icmp ne i32 %stop, 0
  br i1 %stopped, label %done, label %work
work:
  %inside = getelementptr i8, ptr %pool, i64 128
  %in = atomicrmw add ptr %inside, i32 1 seq_cst
  %slot = call ptr @slot(ptr %pool, i32 %new)
  %slot.state = getelementptr i8, ptr %slot, i64 8
  %fn = load atomic ptr, ptr %slot seq_cst, align 8
  %state = load atomic ptr, ptr %slot.state seq_cst, align 8
  %still = load atomic i32, ptr %generation seq_cst, align 4
  %current = icmp eq i32 %still, %new
  %some = icmp ne ptr %fn, null
  %go = and i1 %current, %some
  br i1 %go, label %call, label %out
call:
  call void %fn(ptr %state, i32 %tid, i32 %new)
  br label %out
out:
  %left = atomicrmw sub ptr %inside, i32 1 seq_cst
  br label %life
done:
  ret void
}}

define dso_local i32 @litert_invoke(ptr %context, ptr %node) noinline {{
entry:
  %pstate = getelementptr i8, ptr %node, i64 32
  %state = load ptr, ptr %pstate
  %pio = getelementptr i8, ptr %state, i64 16
  %io = load ptr, ptr %pio
  %pindices = getelementptr i8, ptr %state, i64 40
  %indices = load ptr, ptr %pindices
  %ptensors = getelementptr i8, ptr %context, i64 16
  %tensors = load ptr, ptr %ptensors
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %pindex = getelementptr i32, ptr %indices, i64 %i
  %index = load i32, ptr %pindex
  %index64 = sext i32 %index to i64
  %byte = mul i64 %index64, 112
  %tensor = getelementptr i8, ptr %tensors, i64 %byte
  %pdata = getelementptr i8, ptr %tensor, i64 8
  %data = load ptr, ptr %pdata
  %slot = getelementptr ptr, ptr %io, i64 %i
  store ptr %data, ptr %slot
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, 2
  br i1 %more, label %loop, label %run
run:
  %status = call i32 @invoke(ptr %state)
  ret i32 %status
}}
"""


def _relocate(kind: int, word: int, target: int, place: int) -> int:
    """The instruction (or x86 displacement) at `place` made to reach `target`."""
    if kind in (2, 4):  # x86-64: PC32, PLT32
        return (target - place) & 0xFFFFFFFF
    if kind == 275:  # AArch64: ADRP
        pages = (target >> 12) - (place >> 12)
        return word & ~0x60FFFFE0 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    if kind == 277:  # ADD, low 12 bits
        return word & ~(0xFFF << 10) | (target & 0xFFF) << 10
    if kind in (282, 283):  # B, BL
        return word & ~0x3FFFFFF | (target - place) >> 2 & 0x3FFFFFF
    raise AssertionError(f"relocation {kind}")


@lru_cache
def _image(n: int, status: int) -> tuple[bytes, dict[str, int]]:
    import llvmlite.binding as llvm
    from elftools.elf.elffile import ELFFile

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()  # the clock is inline assembly on aarch64
    arch = host_target().arch
    declaration, clock = _CLOCK[arch]
    text = _IR.format(
        arch=arch,
        clock_decl=declaration,
        clock=clock,
        futex=_FUTEX[arch],
        last=n - 1,
        trip=n,
        status=status,
    )
    target = llvm.Target.from_triple(f"{arch}-unknown-linux-gnu")
    machine = target.create_target_machine(opt=2, reloc="pic", codemodel="small")
    elf = ELFFile(io.BytesIO(machine.emit_object(llvm.parse_assembly(text))))
    sections = list(elf.iter_sections())
    code_index = next(i for i, s in enumerate(sections) if s.name == ".text")
    code = bytearray(sections[code_index].data())
    symbols = elf.get_section_by_name(".symtab")
    for section in sections:
        if section["sh_type"] == "SHT_RELA" and section["sh_info"] == code_index:
            for relocation in section.iter_relocations():
                symbol = symbols.get_symbol(relocation["r_info_sym"])
                assert symbol["st_shndx"] == code_index, symbol.name
                place = relocation["r_offset"]
                goal = symbol["st_value"] + relocation["r_addend"]
                (word,) = struct.unpack_from("<I", code, place)
                struct.pack_into(
                    "<I", code, place, _relocate(relocation["r_info_type"], word, goal, place)
                )
    entries = {
        s.name: s["st_value"]
        for s in symbols.iter_symbols()
        if s["st_shndx"] == code_index and s.name
    }
    return bytes(code), entries


def weights(n: int) -> np.ndarray:
    """The constants of the image."""
    return np.linspace(-2, 3, n, dtype=np.float32)


def expected(x: np.ndarray) -> np.ndarray:
    """What the image computes for `x`."""
    t = x * weights(len(x))
    return t + t[::-1]


def manifest(n: int, entries: dict[str, int], **changes: Any) -> dict[str, Any]:
    """The manifest of the image without what `artifact.write` fills in."""
    host = host_target()
    port = {"dtype": "float32", "shape": [n], "bytes": 4 * n}
    arg = {"dtype": "float32", "shape": [n], "pad": [0, 0, 0, 0]}
    x = {"space": "io", "offset": 0, "role": "in", **arg}
    w = {"space": "const", "offset": 0, "role": "weight", **arg}
    t = {"space": "arena", "offset": 0, "role": "out", **arg}
    y = {"space": "io", "offset": 1, "role": "out", **arg}
    return {
        "litefuse": "0.1.0",
        "name": "scale_mirror",
        "target": {"arch": host.arch, "name": host.name, "features": []},
        "entries": {name: entries[name] for name in artifact.ENTRY_NAMES},
        "arena_bytes": 4 * n,
        "n_io": 2,
        "inputs": [{"tensor": 3, "name": "x", **port}],
        "outputs": [{"tensor": 7, "name": "y", **port}],
        "steps": [
            {"kernel": "f32_scale", "symbol": "k_scale", "entry": entries["k_scale"], "trip": n,
             "nodes": [0], "ops": ["MUL"], "args": [x, w, t], "macs": n},
            {"kernel": "f32_mirror", "symbol": "k_mirror", "entry": entries["k_mirror"], "trip": n,
             "nodes": [2, 3], "ops": ["REVERSE_V2", "ADD"], "args": [{**t, "role": "in"}, y], "macs": 0},
        ],
        "nodes": [0, 2, 3],
        "key": {"model": "hand-made"},
        **changes,
    }  # fmt: skip


def make(n: int = 1000, *, status: int = 0, **changes: Any) -> bytes:
    """The bytes of the artifact; `changes` replace manifest fields, `status` is what invoke returns."""
    code, entries = _image(n, status)
    return artifact.write(manifest(n, entries, **changes), code, weights(n))
