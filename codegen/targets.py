"""The machines that litefuse compiles for, as data: one row a target, best first within an
architecture.

A target names an instruction set, not a processor model: artifacts made on one machine run on every
machine that has the `required` features, and a cache key stays the same on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from litefuse.compiler.ir.types import FloatType, IntegerType, Type, element_of
from litefuse.runtime.errors import LitefuseError


class TargetError(LitefuseError, ValueError):
    """A target that does not exist or that this host is not."""


@dataclass(frozen=True, slots=True)
class Target:
    """One instruction set.

    `features` and `cpu` choose LLVM's code, `required` is what a machine must have to run it (in
    LLVM's words). `dot` is the widest exact multiply-accumulate of 8-bit data; `storage` is how
    int8 activations lie in the arena so that this instruction reads them in place.
    """

    name: str
    arch: str
    triple: str
    cpu: str
    features: str
    required: tuple[str, ...]
    vector_bytes: int
    registers: int
    fma: bool
    dot: str
    storage: str
    weight_registers: int = 1

    def lanes(self, element: Type) -> int:
        """Lanes of `element` (the element type of a vector type will do) in one vector register."""
        scalar = element_of(element)
        width = scalar.width if isinstance(scalar, (IntegerType, FloatType)) else 64
        return max(1, self.vector_bytes * 8 // max(8, width))

    def runs_on(self, arch: str, features: frozenset[str]) -> bool:
        """Whether a machine of that architecture with those features runs this target."""
        return arch == self.arch and features.issuperset(self.required)


_V2 = ("sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_A76 = ("neon", "dotprod", "fullfp16", "lse", "rdm", "rcpc")
_X86 = "x86_64-unknown-linux-gnu"
_ARM = "aarch64-unknown-linux-gnu"
_WIDE = "-prefer-256-bit"

TARGETS = (
    Target("x86-64-avx512vnni", "x86_64", _X86, "x86-64-v4", f"+avx512vnni,{_WIDE}",
           (*_V4, "avx512vnni"), 64, 32, True, "dot4_us", "u8"),
    Target("x86-64-avx512", "x86_64", _X86, "x86-64-v4", _WIDE, _V4, 64, 32, True, "dot2", "i16"),
    Target("x86-64-avx2vnni", "x86_64", _X86, "x86-64-v3", "+avxvnni", (*_V3, "avxvnni"),
           32, 16, True, "dot4_us", "u8"),
    Target("x86-64-avx2", "x86_64", _X86, "x86-64-v3", "", _V3, 32, 16, True, "dot2", "i16"),
    Target("x86-64", "x86_64", _X86, "x86-64-v2", "", _V2, 16, 16, False, "dot2", "i16"),
    Target("aarch64-i8mm", "aarch64", _ARM, "cortex-a76", "+i8mm,+dotprod,+fullfp16",
           (*_A76, "i8mm"), 16, 32, True, "dot4_us", "u8"),
    Target("aarch64-dotprod", "aarch64", _ARM, "cortex-a76", "+dotprod,+fullfp16",
           _A76, 16, 32, True, "dot4_ss", "s8"),
    Target("aarch64", "aarch64", _ARM, "cortex-a72", "", ("neon",), 16, 32, True, "dot2", "i16", 2),
)  # fmt: skip


def find(name: str) -> Target:
    """The target of that name; `host` is the best one for this machine. `TargetError` names them
    all otherwise.
    """
    if name == "host":
        return host_target()
    for target in TARGETS:
        if target.name == name:
            return target
    known = ", ".join(sorted(t.name for t in TARGETS))
    raise TargetError(f"no target {name!r}; choose one of {known}, or host")


def best(arch: str, features: frozenset[str]) -> Target:
    """The first target of the table that a machine with those features runs."""
    for target in TARGETS:
        if target.runs_on(arch, features):
            return target
    have = ", ".join(sorted(t.name for t in TARGETS if t.arch == arch)) or "none"
    raise TargetError(
        f"no target fits this {arch} machine (targets of that architecture: {have}); "
        "the least needed is "
        f"{', '.join(_V2) if arch == 'x86_64' else 'neon'}"
    )


def host_target() -> Target:
    """The best target that this machine runs."""
    from litefuse.runtime import cpu

    host = cpu.host_target()
    return best(host.arch, host.features)
