"""Runs functions of `kern` ops as machine code, kernel by kernel: families are tested without entries or artifact."""

from __future__ import annotations

import ctypes
import itertools
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from litefuse.codegen import targets
from litefuse.codegen.llvm.image import emit_image
from litefuse.codegen.pipeline import LOOP_PASSES, LOWER_PASSES, SCHEDULE_PASSES
from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.passes import PassContext, PassManager
from litefuse.compiler.ops import DIALECTS
from litefuse.runtime import cpu
from tests.kern_interpreter import storage

Array = np.ndarray[Any, Any]
SLACK = 256


def host_targets() -> list[str]:
    """Names of the targets whose code this machine runs."""
    host = cpu.host_target()
    return [t.name for t in targets.TARGETS if t.runs_on(host.arch, host.features)]


def all_targets() -> list[Any]:
    """Every target as a test parameter; those that this machine does not run are skipped, saying so."""
    host = cpu.host_target()
    marks = []
    for t in targets.TARGETS:
        missing = sorted(set(t.required) - host.features) if t.arch == host.arch else [t.arch]
        reason = f"this machine lacks {', '.join(missing)}"
        marks.append(pytest.param(t.name, marks=pytest.mark.skipif(bool(missing), reason=reason)))
    return marks


def run(module: Module, inputs: Sequence[Array], target: str, parts: int = 1) -> list[Array]:
    """The outputs of the only function on arrays; `parts`: shares that each step is cut into, as threads would."""
    module = Module.of(module.op.clone())
    func = next(op for op in module.ops if op.name == "kern.func")
    result_types = [v.type for v in func.body.terminator.operands]
    chosen = targets.find(target)
    context = PassContext(target=chosen, known_ops=DIALECTS)
    PassManager([*SCHEDULE_PASSES, *LOWER_PASSES, *LOOP_PASSES]).run(module, context)
    program = next(op for op in module.ops if op.name == "loop.program")
    module.block.ops.remove(program)
    image = emit_image(module, chosen)
    memory = mmap.mmap(-1, len(image.code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(image.code)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    constants = _aligned(program["constant_bytes"])
    for entry in program["constants"]:
        data = np.frombuffer(entry["value"].array.tobytes(), np.uint8)
        constants[entry["offset"] : entry["offset"] + data.size] = data
    arena = _aligned(program["arena_bytes"])
    arena[:] = 0xA5  # nothing may rely on a clean arena
    io = [_copy(x) for x in inputs] + [_like(t) for t in result_types]
    bases = {"arena": arena.ctypes.data, "const": constants.ctypes.data}
    for step in program.body.ops:
        pointers = [
            io[a["offset"]].ctypes.data if a["space"] == "io" else bases[a["space"]] + a["offset"]
            for a in step["args"]
        ]
        kinds = [ctypes.c_void_p] * len(pointers) + [ctypes.c_int64] * 2
        call = ctypes.CFUNCTYPE(None, *kinds)(base + image.symbols[step["callee"].name])
        trip = step["trip"]
        cuts = [trip * i // parts for i in range(parts + 1)]
        for first, last in reversed(list(itertools.pairwise(cuts))):
            if first < last:
                call(*pointers, first, last)
    return io[len(inputs) :]


def _aligned(size: int) -> Array:
    raw = np.zeros(size + 2 * SLACK + 64, np.uint8)
    start = SLACK + (-(raw.ctypes.data + SLACK) % 64)
    return raw[start : start + size + SLACK]


def _copy(x: Array) -> Array:
    out = _aligned(x.nbytes)[: x.nbytes].view(x.dtype).reshape(x.shape)
    out[...] = x
    return out


def _like(t: Any) -> Array:
    kind = storage(t)
    size = t.size * kind.itemsize
    out = _aligned(size)[:size]
    out[:] = 0x5A
    return out.view(kind).reshape(t.shape)
