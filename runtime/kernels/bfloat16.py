"""bfloat16, for which NumPy has no type: arrays hold the bit patterns as uint16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue


def widen(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """The float32 values, all exact."""
    wide = np.asarray(bits, np.uint16).astype(np.uint32) << np.uint32(16)
    return wide.view(np.float32)


def narrow(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """The nearest bit patterns, of two the even one; a NaN becomes the quiet one of its sign."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    rounded = (bits + ((bits >> np.uint32(16)) & np.uint32(1)) + np.uint32(0x7FFF)) >> np.uint32(16)
    quiet = np.where(bits >> np.uint32(31) != 0, 0xFFC0, 0x7FC0)
    return np.asarray(np.where(np.isnan(values), quiet, rounded).astype(np.uint16))


def floats(value: TensorValue, data: Array) -> Array:
    """A tensor's data, bfloat16 widened to float32."""
    return widen(data) if value.type_name == "bfloat16" else data


def rounded_to(value: TensorValue, array: Array) -> Array:
    """Floats as the tensor's type stores them; an array of another kind as it is."""
    if value.type_name == "bfloat16":
        return narrow(np.asarray(array, np.float32))
    return np.asarray(array, value.dtype)


def in_floats(ctx: NodeContext, function: Callable[..., Any]) -> Array:
    """`function` of the node's inputs, 16-bit floats in float32 and rounded at the end.

    Both formats' sums, differences, products, quotients and roots are so rounded correctly: twice
    their digits and two fit into those of float32.
    """
    inputs = [floats(v, v.data) for v in ctx.inputs if v is not None and v.data is not None]
    wide = [x.astype(np.float32) if x.dtype == np.float16 else x for x in inputs]
    with np.errstate(all="ignore"):
        return rounded_to(ctx.outputs[0], function(*wide))
