"""An executable as a function that Numba's compiled code can call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from litefuse.runtime.artifact import Port

if TYPE_CHECKING:
    from litefuse.runtime.executor import Executable


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing_context: Any, address: Any, value: Any) -> Any:
    """Store a 64-bit word at an address."""
    del typing_context, address, value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        del signature
        word = context.get_value_type(types.uint64)
        builder.store(args[1], builder.inttoptr(args[0], word.as_pointer()))
        return cgutils.get_null_value(word)

    return types.uint64(types.uint64, types.uint64), generate


@numba.njit  # type: ignore[untyped-decorator]
def _bind(array: Any, slot: Any, shape: Any) -> None:
    """Store the array's address in io pointer `slot`; a wrong shape raises."""
    if array.shape != shape:
        raise ValueError("litefuse: an array does not have its port's shape")
    _store(slot, np.uint64(array.ctypes.data))


def make(executable: Executable, invoke: int, io: int, order: Sequence[int] | None = None) -> Any:
    """``call(*inputs, *outputs) -> 0``, an ``@njit(nogil=True)`` function.

    Its types are fixed by the ports: C-contiguous arrays of the right dtype and rank, outputs
    writable; Numba refuses others when it compiles the caller. `invoke` is the native entry's
    address, `io` that of the pointer table. `order` says which port each argument is, if they are
    not to be in the ports' own.
    """
    native = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint64)(invoke)
    ports = (*executable.inputs, *executable.outputs)
    order = range(len(ports)) if order is None else order
    scope: dict[str, Any] = {
        "bind": _bind,
        "native": native,
        "state": np.uint64(executable.state_address),
    }
    lines = [f"def call({', '.join(f'a{i}' for i in order)}):"]
    for i, port in enumerate(ports):
        scope[f"slot{i}"], scope[f"shape{i}"] = np.uint64(io + 8 * i), port.shape
        lines.append(f"    bind(a{i}, slot{i}, shape{i})")
    lines.append("    return native(state)")
    # Numba has no variadic functions over arrays of mixed types, so the signature is spelled out.
    exec("\n".join(lines), scope)
    first = len(executable.inputs)
    kinds = [_array_type(ports[i], readonly=i < first) for i in order]
    call = numba.njit(types.int32(*kinds), nogil=True)(scope["call"])
    call.executable = executable
    return call


def _array_type(port: Port, *, readonly: bool) -> Any:
    dtype = numba.from_dtype(np.dtype(port.dtype))
    return types.Array(dtype, len(port.shape), "C", readonly=readonly)
