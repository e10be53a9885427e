"""How types and numbers are spelled in LLVM's assembly language."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.core import IRError
from litefuse.compiler.ir.types import (
    FloatType,
    IndexType,
    IntegerType,
    OpaqueType,
    Type,
    VectorType,
)  # fmt: skip

_FLOATS = {"f16": "half", "bf16": "bfloat", "f32": "float", "f64": "double"}
_SUFFIX = {"half": "f16", "bfloat": "bf16", "float": "f32", "double": "f64", "ptr": "p0"}


def scalar_name(t: Type) -> str:
    """The LLVM type of a scalar."""
    if isinstance(t, IntegerType):
        return f"i{t.width}"
    if isinstance(t, IndexType):
        return "i64"
    if isinstance(t, FloatType) and t.name in _FLOATS:
        return _FLOATS[t.name]
    if isinstance(t, OpaqueType) and t.name == "loop.ptr":
        return "ptr"
    raise IRError(
        f"type {t!r} has no machine form; "
        "loop code uses integers, index, f16, bf16, f32, f64 and !loop.ptr"
    )


def vector_name(lanes: int, element: str) -> str:
    """The LLVM type of `lanes` elements; one lane is the scalar."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def type_name(t: Type) -> str:
    """The LLVM type of a scalar or vector."""
    if isinstance(t, VectorType):
        return f"<{t.lanes} x {scalar_name(t.element)}>"
    return scalar_name(t)


def suffix(lanes: int, element: str) -> str:
    """The part of an intrinsic's name that says its type, such as `v8f32`."""
    s = _SUFFIX.get(element, element)
    return s if lanes == 1 else f"v{lanes}{s}"


def scalar_bytes(t: Type) -> int:
    """Bytes of a scalar in memory."""
    if isinstance(t, (IntegerType, FloatType)):
        return max(1, t.width // 8)
    return 8


def number(value: Any, element: str) -> str:
    """A scalar literal of an LLVM type."""
    if element == "i1":
        return "true" if value else "false"
    if element.startswith("i"):
        width = int(element[1:])
        n = int(value) & ((1 << width) - 1)
        return str(n - (1 << width) if n >> (width - 1) else n)
    if element == "half":
        return f"0xH{struct.unpack('<H', struct.pack('<e', np.float16(value)))[0]:04X}"
    if element == "bfloat":
        return f"0xR{bfloat_bits(float(value)):04X}"
    if element == "float":  # written as the double of the same value
        value = np.float32(value)
    bits = struct.unpack("<Q", struct.pack("<d", float(value)))[0]
    return f"0x{bits:016X}"


def bfloat_bits(value: float) -> int:
    """The bits of the nearest bfloat16, ties to even."""
    bits: int = struct.unpack("<I", struct.pack("<f", np.float32(value)))[0]
    if bits & 0x7FFFFFFF > 0x7F800000:
        return (bits >> 16) | 0x40
    return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16


def literal(value: Any, lanes: int, element: str) -> str:
    """A constant of a scalar or vector type: a number (all lanes), or a `Dense` or sequence with a
    number a lane.
    """
    if isinstance(value, Dense):
        value = value.array.reshape(-1)
        if lanes == 1:
            return number(value[0], element)
    if isinstance(value, (list, tuple, np.ndarray)):
        if len(value) != lanes:
            raise IRError(f"a constant of {lanes} lanes has {len(value)} values")
        if lanes == 1:
            return number(value[0], element)
        return "<" + ", ".join(f"{element} {number(v, element)}" for v in value) + ">"
    if lanes == 1:
        return number(value, element)
    return f"splat ({element} {number(value, element)})"
