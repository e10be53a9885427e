"""Kernels' arithmetic on 16-bit floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.model.bfloat16 import narrow, widen


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
    return rounded_to(ctx.outputs[0], function(*wide))
