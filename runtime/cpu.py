"""What this machine can execute, without LLVM: its architecture, features, and best named target.

A feature is listed under both its names, the operating system's ("avx512_vnni", "asimddp") and
LLVM's ("avx512vnni", "dotprod"), so that a need stated in either vocabulary can be looked up. On
x86-64 they come from ``/proc/cpuinfo`` (which shows what the kernel lets a program use, not only
what the chip has), on aarch64 from ``getauxval`` (bits of the kernel's ``asm/hwcap.h``).
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

from litefuse.runtime.errors import OptionError

# Where LLVM's word for a flag of /proc/cpuinfo is another.
_X86_SPELLING = {
    "pni": "sse3",
    "sse4_1": "sse4.1",
    "sse4_2": "sse4.2",
    "abm": "lzcnt",
    "bmi1": "bmi",
    "pclmulqdq": "pclmul",
    "avx_vnni": "avxvnni",
    "avx_vnni_int8": "avxvnniint8",
    "avx_vnni_int16": "avxvnniint16",
    "avx_ifma": "avxifma",
    "avx512_vnni": "avx512vnni",
    "avx512_bf16": "avx512bf16",
    "avx512_fp16": "avx512fp16",
    "avx512_vbmi2": "avx512vbmi2",
    "avx512_bitalg": "avx512bitalg",
    "avx512_vpopcntdq": "avx512vpopcntdq",
    "sha_ni": "sha",
    "amx_tile": "amx-tile",
    "amx_int8": "amx-int8",
    "amx_bf16": "amx-bf16",
}

# (auxiliary vector entry, bit) -> the kernel's name of the feature, then LLVM's.
_HWCAP, _HWCAP2 = 16, 26
_ARM_BITS: dict[tuple[int, int], tuple[str, ...]] = {
    (_HWCAP, 0): ("fp", "fp-armv8"),
    (_HWCAP, 1): ("asimd", "neon"),
    (_HWCAP, 3): ("aes",),
    (_HWCAP, 6): ("sha2",),
    (_HWCAP, 7): ("crc32", "crc"),
    (_HWCAP, 8): ("atomics", "lse"),
    (_HWCAP, 9): ("fphp",),
    (_HWCAP, 10): ("asimdhp", "fullfp16"),
    (_HWCAP, 12): ("asimdrdm", "rdm"),
    (_HWCAP, 13): ("jscvt", "jsconv"),
    (_HWCAP, 14): ("fcma", "complxnum"),
    (_HWCAP, 15): ("lrcpc", "rcpc"),
    (_HWCAP, 17): ("sha3",),
    (_HWCAP, 20): ("asimddp", "dotprod"),
    (_HWCAP, 22): ("sve",),
    (_HWCAP, 23): ("asimdfhm", "fp16fml"),
    (_HWCAP2, 1): ("sve2",),
    (_HWCAP2, 13): ("i8mm",),
    (_HWCAP2, 14): ("bf16",),
}


class HostTarget(NamedTuple):
    """A machine to compile for or to run on, and the name of the best target that it meets."""

    arch: str
    features: frozenset[str]
    name: str


_V2 = frozenset({"cx16", "popcnt", "sse3", "ssse3", "sse4.1", "sse4.2"})
_V3 = _V2 | {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
_NEON = frozenset({"neon"})
_DOTPROD = _NEON | {"dotprod", "fullfp16", "lse", "rdm", "rcpc"}

# name -> (architecture, features it needs), in each architecture from the least to the most
# demanding. The compiler's own table has the same names and needs; a test compares the two.
TARGETS: dict[str, tuple[str, frozenset[str]]] = {
    "x86-64": ("x86_64", _V2),
    "x86-64-avx2": ("x86_64", _V3),
    "x86-64-avx2vnni": ("x86_64", _V3 | {"avxvnni"}),
    "x86-64-avx512": ("x86_64", _V4),
    "x86-64-avx512vnni": ("x86_64", _V4 | {"avx512vnni"}),
    "aarch64": ("aarch64", _NEON),
    "aarch64-dotprod": ("aarch64", _DOTPROD),
    "aarch64-i8mm": ("aarch64", _DOTPROD | {"i8mm"}),
}


def parse_cpuinfo(text: str) -> frozenset[str]:
    """The features, under both names, of the first processor in an x86-64 ``/proc/cpuinfo``."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            flags = value.split()
            return frozenset(flags) | {_X86_SPELLING[f] for f in flags if f in _X86_SPELLING}
    return frozenset()


def decode_hwcap(hwcap: int, hwcap2: int) -> frozenset[str]:
    """The features, under both names, in an aarch64 process's AT_HWCAP and AT_HWCAP2 values."""
    words = {_HWCAP: hwcap, _HWCAP2: hwcap2}
    found: set[str] = set()
    for (entry, bit), names in _ARM_BITS.items():
        if words[entry] >> bit & 1:
            found.update(names)
    return frozenset(found)


def best_target(arch: str, features: frozenset[str]) -> str:
    """The most demanding named target whose needs are all met; OptionError if there is none."""
    best = None
    for name, (target_arch, needs) in TARGETS.items():
        if target_arch == arch and needs <= features:
            best = name
    if best is None:
        baseline = next((n for a, n in TARGETS.values() if a == arch), None)
        if baseline is None:
            known = ", ".join(sorted({a for a, _ in TARGETS.values()}))
            raise OptionError(f"no target for architecture {arch!r}; litefuse compiles for {known}")
        missing = ", ".join(sorted(baseline - features))
        raise OptionError(f"this {arch} processor lacks {missing}, which every target here needs")
    return best


def named_target(name: str) -> HostTarget:
    """The target called `name`, with exactly what it promises; OptionError if there is none."""
    if name not in TARGETS:
        raise OptionError(f"unknown target {name!r}; valid targets: {', '.join(TARGETS)}")
    arch, needs = TARGETS[name]
    return HostTarget(arch, needs, name)


@lru_cache(maxsize=1)
def host_target() -> HostTarget:
    """This machine: architecture, every feature it reports, and the best named target for it."""
    arch = {"AMD64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    features = parse_cpuinfo(_first_processor()) if arch == "x86_64" else _auxv_features()
    return HostTarget(arch, features, best_target(arch, features))


def resolve_target(name: str | None) -> HostTarget:
    """The target an option names; None is this machine."""
    return host_target() if name is None else named_target(name)


def _first_processor() -> str:
    """/proc/cpuinfo up to its first blank line: the kernel makes the rest on demand, slowly."""
    try:
        fd = os.open("/proc/cpuinfo", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise OptionError(
            f"cannot read this machine's features from /proc/cpuinfo ({error.strerror}); "
            f"name a target instead: {', '.join(TARGETS)}"
        ) from error
    try:
        text = b""
        while b"\n\n" not in text and (chunk := os.read(fd, 4096)):
            text += chunk
    finally:
        os.close(fd)
    return text.decode("ascii", "replace")


def _auxv_features() -> frozenset[str]:
    import ctypes

    getauxval = ctypes.CDLL(None).getauxval
    getauxval.restype = ctypes.c_ulong
    getauxval.argtypes = [ctypes.c_ulong]
    return decode_hwcap(getauxval(_HWCAP), getauxval(_HWCAP2))
