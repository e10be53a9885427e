"""Loop code for tests: a small builder, and kernels compiled for and called on this machine."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from litefuse.codegen.llvm.image import Image, emit_image
from litefuse.codegen.targets import TARGETS, Target
from litefuse.compiler.ir.core import Block, Builder, Module, Operation, Region, Value
from litefuse.compiler.ir.types import I32, INDEX, PTR, Type
from litefuse.runtime.cpu import host_target

HOST = host_target()
X86 = [t for t in TARGETS if t.arch == "x86_64"]
ARM = [t for t in TARGETS if t.arch == "aarch64"]


def runnable(target: Target) -> Any:
    """A parameter of a test: the target, skipped with the missing features named where this machine cannot run it."""
    missing = sorted(set(target.required) - HOST.features)
    reason = f"{target.name} needs {target.arch} with {', '.join(missing) or 'nothing more'}"
    skip = pytest.mark.skipif(not target.runs_on(HOST.arch, HOST.features), reason=reason)
    return pytest.param(target, id=target.name, marks=skip)


HERE = [runnable(t) for t in TARGETS]


class Code(Builder):
    """A builder with a word for each op."""

    def op(self, name: str, operands: Sequence[Value], result: Type, **attributes: Any) -> Value:
        return self.create(name, operands, [result], attributes).result

    def constant(self, value: Any, t: Type = INDEX) -> Value:
        return self.op("arith.constant", (), t, value=value)

    def add(self, a: Value, b: Value) -> Value:
        return self.op("arith.addi", (a, b), a.type)

    def mul(self, a: Value, b: Value) -> Value:
        return self.op("arith.muli", (a, b), a.type)

    def load(self, p: Value, i: Value, t: Type, **attributes: Any) -> Value:
        return self.op("loop.load", (p, i), t, **attributes)

    def store(self, v: Value, p: Value, i: Value, **attributes: Any) -> None:
        self.create("loop.store", (v, p, i), (), attributes)

    def loop(
        self,
        lower: Value,
        upper: Value,
        body: Callable[[Code, Value, list[Value]], Sequence[Value]],
        inits: Sequence[Value] = (),
        step: int = 1,
        **attributes: Any,
    ) -> list[Value]:
        block = Block([INDEX, *(v.type for v in inits)])
        op = self.create(
            "loop.for",
            (lower, upper, *inits),
            [v.type for v in inits],
            {"step": step, **attributes},
            [Region(block)],
        )
        inside = Code(block)
        inside.create("loop.yield", body(inside, block.args[0], block.args[1:]))
        return op.results

    def when(self, condition: Value, body: Callable[[Code], None]) -> None:
        block = Block()
        self.create("loop.if", (condition,), (), {}, [Region(block)])
        inside = Code(block)
        body(inside)
        inside.create("loop.yield")


def function(
    pointers: int,
    body: Callable[[Code, list[Value]], None],
    name: str = "k",
    module: Module | None = None,
) -> Module:
    """A module with one kernel of so many pointers; `body` gets the builder and all arguments."""
    module = module if module is not None else Module()
    block = Block([PTR] * pointers + [INDEX, INDEX])
    module.block.append(
        Operation("loop.func", attributes={"sym_name": name}, regions=[Region(block)])
    )
    code = Code(block)
    body(code, block.args)
    code.create("loop.return")
    return module


class Loaded:
    """An image in executable memory of this process."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self._memory = mmap.mmap(
            -1, len(image.code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
        self._memory.write(image.code)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))

    def address(self, symbol: str) -> int:
        return self._base + self.image.symbols[symbol]

    def call(
        self, symbol: str, *arrays: np.ndarray[Any, Any], begin: int = 0, end: int = 1
    ) -> None:
        types = [ctypes.c_void_p] * len(arrays) + [ctypes.c_int64] * 2
        ctypes.CFUNCTYPE(None, *types)(self.address(symbol))(
            *(a.ctypes.data for a in arrays), begin, end
        )


def compiled(module: Module, target: Target) -> Loaded:
    """A module compiled for a target of this machine."""
    return Loaded(emit_image(module, target))


def aligned(array: np.ndarray[Any, Any], alignment: int = 64) -> np.ndarray[Any, Any]:
    """A copy that starts at a multiple of `alignment` bytes."""
    raw = np.empty(array.nbytes + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    copy = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


__all__ = [
    "ARM",
    "HERE",
    "HOST",
    "I32",
    "X86",
    "Code",
    "Loaded",
    "aligned",
    "compiled",
    "function",
    "runnable",
]
