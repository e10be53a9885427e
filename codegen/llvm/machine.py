"""LLVM itself, through llvmlite: text in, objects or assembly out."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from litefuse.codegen.targets import Target
from litefuse.compiler.ir.core import IRError


@cache
def _ready() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def machine(target: Target) -> Any:
    """A new target machine: position independent, small code model. One thread may use it."""
    _ready()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="pic", codemodel="small"
    )


def parse(text: str, verify: bool, context: Any = None) -> Any:
    """A module from its text. `IRError` with LLVM's words, and the line they mean, where it is
    wrong.
    """
    try:
        module = llvm.parse_assembly(text, context)
        if verify:
            module.verify()
    except RuntimeError as error:
        raise IRError(
            f"the generated LLVM text is wrong, which is a bug of codegen: {error}"
        ) from None
    return module


def emit_objects(texts: Sequence[str], target: Target, verify: bool) -> list[bytes]:
    """An ELF object for each text, made side by side on as many threads as there are processors."""
    _ready()
    workers = min(len(texts), len(os.sched_getaffinity(0)))
    if workers <= 1:
        return [_emit(text, target, verify) for text in texts]
    with ThreadPoolExecutor(workers, thread_name_prefix="litefuse-llvm") as pool:
        return list(pool.map(lambda text: _emit(text, target, verify), texts))


def emit_assembly(text: str, target: Target) -> str:
    """The assembly of one text."""
    with llvm.create_context() as context, parse(text, False, context) as module:
        return str(machine(target).emit_assembly(module))


def _emit(text: str, target: Target, verify: bool) -> bytes:
    # A context of its own: threads share nothing, and its types and constants go away with it.
    with llvm.create_context() as context, parse(text, verify, context) as module:
        return _unlocked_object(machine(target), module)


@cache
def _library() -> Any:
    """llvmlite's library under our own handle.

    llvmlite lets one thread into LLVM at a time. Code generation is nearly all of the time and
    touches nothing but the module's context and the target machine, so it is called past that lock.
    """
    library = ctypes.CDLL(ffi.lib._name)
    pointer = ctypes.c_void_p
    library.LLVMPY_TargetMachineEmitToMemory.restype = pointer
    library.LLVMPY_TargetMachineEmitToMemory.argtypes = [
        pointer,
        pointer,
        ctypes.c_int,
        ctypes.POINTER(pointer),
    ]
    library.LLVMPY_GetBufferStart.restype = pointer
    library.LLVMPY_GetBufferStart.argtypes = [pointer]
    library.LLVMPY_GetBufferSize.restype = ctypes.c_size_t
    library.LLVMPY_GetBufferSize.argtypes = [pointer]
    library.LLVMPY_DisposeMemoryBuffer.argtypes = [pointer]
    return library


def _unlocked_object(tm: Any, module: Any) -> bytes:
    library = _library()
    message = ctypes.c_void_p()
    machine_pointer, module_pointer = (ctypes.cast(o._ptr, ctypes.c_void_p) for o in (tm, module))
    buffer = library.LLVMPY_TargetMachineEmitToMemory(
        machine_pointer, module_pointer, 1, ctypes.byref(message)
    )
    if not buffer:
        text = ctypes.string_at(message.value).decode() if message.value else "no reason given"
        raise IRError(f"LLVM cannot make machine code of the generated text: {text}")
    try:
        start, size = library.LLVMPY_GetBufferStart(buffer), library.LLVMPY_GetBufferSize(buffer)
        return ctypes.string_at(start, size)
    finally:
        library.LLVMPY_DisposeMemoryBuffer(buffer)


def attributes(target: Target) -> str:
    """Attributes of every generated function."""
    words = ["nounwind", '"no-builtins"', '"no-trapping-math"="true"']
    if target.arch == "x86_64" and target.vector_bytes > 16:
        words.append('"stackrealign"')  # a spilled vector must not straddle cache lines
    if target.vector_bytes == 64:
        words += ['"prefer-vector-width"="512"', '"min-legal-vector-width"="512"']
    return " ".join(words)
