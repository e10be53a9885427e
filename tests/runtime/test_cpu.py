"""Host features and named targets, from recorded texts and bits as well as from this machine."""

from __future__ import annotations

import os

import pytest

from litefuse.runtime import cpu
from litefuse.runtime.errors import OptionError

_V3 = "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe"
_A76 = 0b11 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 15 | 1 << 20
_V4 = _V3 + " avx512f avx512bw avx512cd avx512dq avx512vl"


def _cpuinfo(flags: str) -> str:
    return f"processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\nbugs\t\t: none\n\nprocessor\t: 1\nflags\t: fpu\n\n"


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (_V3.partition(" avx")[0], "x86-64"),
        (_V3.replace(" fma", ""), "x86-64"),
        (_V3, "x86-64-avx2"),
        (_V3 + " avx_vnni", "x86-64-avx2vnni"),
        (_V3 + " avx512f", "x86-64-avx2"),
        (_V4, "x86-64-avx512"),
        (_V4 + " avx512_vnni", "x86-64-avx512vnni"),
    ],
)
def test_x86_flags_name_a_target(flags: str, name: str) -> None:
    features = cpu.parse_cpuinfo(_cpuinfo(flags))
    assert cpu.best_target("x86_64", features) == name


def test_features_have_both_spellings() -> None:
    features = cpu.parse_cpuinfo(_cpuinfo("pni avx512_vnni sse4_2 abm avx2"))
    assert features >= {
        "pni",
        "sse3",
        "avx512_vnni",
        "avx512vnni",
        "sse4_2",
        "sse4.2",
        "lzcnt",
        "avx2",
    }
    arm = cpu.decode_hwcap(1 << 1 | 1 << 20, 1 << 13)
    assert arm >= {"asimd", "neon", "asimddp", "dotprod", "i8mm"}


@pytest.mark.parametrize(
    ("hwcap", "hwcap2", "name"),
    [
        (0b11, 0, "aarch64"),  # Cortex-A53
        (0b11 | 1 << 20, 0, "aarch64"),  # dotprod without half precision: no such core is a target
        (_A76, 0, "aarch64-dotprod"),
        (_A76, 1 << 13, "aarch64-i8mm"),
    ],
)
def test_arm_capabilities_name_a_target(hwcap: int, hwcap2: int, name: str) -> None:
    assert cpu.best_target("aarch64", cpu.decode_hwcap(hwcap, hwcap2)) == name


def test_a_machine_below_the_baseline_is_told_what_it_lacks() -> None:
    with pytest.raises(OptionError, match=r"lacks .*sse4\.2"):
        cpu.best_target("x86_64", frozenset({"popcnt"}))
    with pytest.raises(OptionError, match="no target for architecture 'riscv64'"):
        cpu.best_target("riscv64", frozenset())


def test_this_machine_has_a_target_whose_needs_it_meets() -> None:
    host = cpu.host_target()
    assert host.arch == os.uname().machine
    assert cpu.named_target(host.name).features <= host.features
    assert cpu.resolve_target(None) == host
    assert cpu.resolve_target("aarch64").arch == "aarch64"


def test_an_unknown_target_lists_the_known() -> None:
    with pytest.raises(OptionError, match=r"valid targets: x86-64, .*aarch64-i8mm"):
        cpu.named_target("armv7")


def test_the_compiler_has_the_same_targets_with_the_same_needs() -> None:
    """Two tables, since the runtime may not import the compiler: they must not drift apart."""
    targets = pytest.importorskip("litefuse.codegen.targets").TARGETS
    assert {t.name for t in targets} == set(cpu.TARGETS)
    llvm = {**cpu._X86_SPELLING, **{names[0]: names[-1] for names in cpu._ARM_BITS.values()}}
    for target in targets:
        needs = frozenset(llvm.get(name, name) for name in target.required)
        assert cpu.TARGETS[target.name] == (target.arch, needs), target.name
