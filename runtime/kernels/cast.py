"""CAST between all types that LiteRT casts.

Where C leaves a float's conversion open, LiteRT (found by running it) saturates, and a NaN becomes
the largest integer.  Integers wrap.  A complex keeps its real part.  float16 and bfloat16 are read
and written through float32.  4- and 2-bit integers come from and go to float32 only.  Exact.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
)
from litefuse.runtime.model.bfloat16 import narrow, widen

_TYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "bool",
    "complex64",
)
# Packed types, and the values they hold.
_PACKED = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1)}


def _packed(value: TensorValue) -> str | None:
    name = value.tensor.type.name.lower()
    return name if name in _PACKED else None


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    for value, other in ((x, y), (y, x)):
        require_dtype(ctx, value, *_TYPES)
        if packed := _packed(value):
            whole = other.type_name == "float32"
            require(whole, ctx, f"{packed} goes with float32 only, not {other.type_name}")
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The values in the output's type."""
    x, xv, yv = ctx.data(0), ctx.input(0), ctx.outputs[0]
    if xv.type_name == "bfloat16" == yv.type_name:
        return [ctx.copied(x)]
    if xv.type_name == "bfloat16":
        x = widen(x)
    if x.dtype.kind == "c" and yv.dtype.kind != "c":
        x = x.real
    if yv.type_name == "bfloat16":
        return [narrow(x.astype(np.float32))]
    if yv.dtype == np.float16 and x.dtype != np.float16:
        return [x.astype(np.float32).astype(np.float16)]
    if x.dtype.kind == "f" and yv.dtype.kind in "iu":
        low, high = _PACKED.get(_packed(yv) or "", (None, None))
        return [saturated(x, yv.dtype, low, high)]
    return [np.asarray(x.astype(yv.dtype))]


def saturated(
    x: Array, dtype: np.dtype[np.integer], low: int | None = None, high: int | None = None
) -> Array:
    """Floats truncated toward zero, clamped to the type (or `low` to `high`); the highest for a
    NaN.
    """
    info = np.iinfo(dtype)
    least = int(info.min) if low is None else low
    most = int(info.max) if high is None else high
    wide = np.asarray(x, np.float64)  # of a float64, no value lies between 2**63 - 1 and 2**63
    inside = (wide > least) & (wide < most)
    whole = np.where(inside, wide, 0).astype(np.int64).astype(dtype)
    edge = np.where(wide <= least, dtype.type(least), dtype.type(most))
    return np.asarray(np.where(inside, whole, edge))


KERNELS = (Kernel("CAST", prepare, evaluate),)
