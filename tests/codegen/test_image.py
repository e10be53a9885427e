"""Images made of several objects: the same code whoever makes it, calls between objects, errors from every thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from litefuse.codegen.llvm import image as image_module
from litefuse.codegen.llvm import machine
from litefuse.codegen.llvm.flatten import FlattenError, flatten
from litefuse.codegen.llvm.image import emit_image, llvm_text
from litefuse.codegen.targets import TARGETS, Target, find
from litefuse.compiler.ir.attributes import Symbol
from litefuse.compiler.ir.core import Block, IRError, Module, Operation, Region, Value
from litefuse.compiler.ir.types import I32, vector
from tests.codegen.build import Code, Loaded, function
from tests.codegen.test_entries import Runner

KERNELS = 12


def many() -> Module:
    """Kernels that add different numbers to a buffer in place, and a program that calls all of them."""
    module: Module | None = None
    block = Block()
    for k in range(KERNELS):

        def body(b: Code, args: list[Value], k: int = k) -> None:
            def turn(c: Code, i: Value, _: Any) -> tuple[()]:
                t = vector(4 + k, I32)  # the overlap is not read again
                c.store(c.add(c.load(args[0], i, t), c.constant(k, t)), args[0], i)
                return ()

            b.loop(args[1], args[2], turn, step=4 + k)

        module = function(1, body, f"add.{k}+1", module)
        attributes = {
            "callee": Symbol(f"add.{k}+1"), "trip": 4 + k, "barrier": True, "grain": 4 + k,
            "args": [{"space": "io", "offset": 1}],
        }  # fmt: skip
        block.append(Operation("loop.step", attributes=attributes))
    assert module is not None
    attributes = {"sym_name": "run", "arena_bytes": 64}
    module.block.append(Operation("loop.program", attributes=attributes, regions=[Region(block)]))
    return module


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_module, "_GROUP_TEXT", 500)


def test_entries_call_kernels_of_other_objects(small_groups: None) -> None:
    image = emit_image(many(), find("host"))
    runner = Runner(Loaded(image), 2, 100)
    runner.invoke()
    want = sum(np.where(np.arange(20) < 4 + k, k, 0) for k in range(KERNELS))
    np.testing.assert_array_equal(runner.result[:20], want)
    runner.close()


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_the_bytes_do_not_depend_on_the_number_of_threads(
    small_groups: None, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = []
    for processors in (1, 2, 16):
        monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _, n=processors: range(n))
        images.append(emit_image(many(), target))
    assert images[0] == images[1] == images[2]
    assert {f"add.{k}+1" for k in range(KERNELS)} < set(images[0].symbols)


def test_one_text_holds_everything() -> None:
    target = find("aarch64")
    whole = machine.emit_objects([llvm_text(many(), target)], target, True)
    assert set(flatten(*whole)[1]) == set(emit_image(many(), target).symbols)


def test_an_error_of_any_object_is_reported() -> None:
    good = llvm_text(many(), find("aarch64"))
    with pytest.raises(IRError, match="is wrong, which is a bug of codegen"):
        machine.emit_objects([good, good.replace("add nuw", "sdd nuw")], find("aarch64"), True)


def test_one_symbol_in_two_objects_is_refused() -> None:
    (data,) = machine.emit_objects([llvm_text(many(), find("x86-64"))], find("x86-64"), True)
    with pytest.raises(FlattenError, match="two objects define"):
        flatten(data, data)
    other = machine.emit_objects([llvm_text(many(), find("aarch64"))], find("aarch64"), True)
    with pytest.raises(FlattenError, match="2 objects are for 2 machines"):
        flatten(data, *other)
