"""The table of targets: names, choice by features, agreement with the runtime's view of the machine."""

from __future__ import annotations

import dataclasses

import llvmlite.binding as llvm
import pytest

from litefuse.codegen.llvm.machine import machine
from litefuse.codegen.targets import TARGETS, TargetError, best, find, host_target
from litefuse.compiler.ir.types import F16, F32, I8, I32, I64, INDEX, vector
from litefuse.runtime import cpu


def test_every_target_is_found_by_its_name() -> None:
    assert [find(t.name) for t in TARGETS] == list(TARGETS)
    assert len({t.name for t in TARGETS}) == len(TARGETS) == 8


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        TargetError, match="no target 'riscv'; choose one of aarch64, aarch64-dotprod"
    ):
        find("riscv")


def test_the_host_is_served_and_agrees_with_the_runtime() -> None:
    host = cpu.host_target()
    assert find("host") is host_target()
    assert host_target().runs_on(host.arch, host.features)
    for name, (arch, _) in cpu.TARGETS.items():
        assert find(name).arch == arch


def test_the_best_target_needs_the_most_that_is_there() -> None:
    for target in TARGETS:
        chosen = best(target.arch, frozenset(target.required))
        assert set(chosen.required) == set(target.required)
    with pytest.raises(
        TargetError, match=r"no target fits this x86_64 machine .* the least needed is sse3"
    ):
        best("x86_64", frozenset({"sse2"}))
    with pytest.raises(TargetError, match="no target fits this riscv64 machine"):
        best("riscv64", frozenset())


def test_lanes_fill_a_register() -> None:
    wide, narrow = find("x86-64-avx512"), find("aarch64")
    assert [wide.lanes(t) for t in (F32, I8, F16, I64, INDEX, vector(4, I32))] == [
        16,
        64,
        32,
        8,
        8,
        16,
    ]
    assert [narrow.lanes(t) for t in (F32, I8)] == [4, 16]


def test_storage_is_what_the_dot_instruction_reads() -> None:
    assert {(t.dot, t.storage) for t in TARGETS} == {
        ("dot4_us", "u8"),
        ("dot4_ss", "s8"),
        ("dot2", "i16"),
    }


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_llvm_knows_the_words(target: object) -> None:
    """A misspelt processor or feature would only be a warning, and slow code."""
    assert dataclasses.is_dataclass(target)
    t = next(x for x in TARGETS if x is target)
    text = f'target triple = "{t.triple}"\ndefine void @k() {{\n ret void\n}}\n'
    assert machine(t).emit_object(llvm.parse_assembly(text))
    assert all(word[0] in "+-" for word in t.features.split(",") if word)
