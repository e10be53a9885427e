"""ADD_N: the sum of any number of tensors of one shape; float32 and int32, exact."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_same_dtype,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The inputs' common shape."""
    require(len(ctx.inputs) >= 2, ctx, f"has {len(ctx.inputs)} inputs, needs at least 2")
    first = ctx.input(0)
    require_dtype(ctx, first, "float32", "int32")
    require_same_dtype(ctx, first, ctx.outputs[0])
    for i in range(1, len(ctx.inputs)):
        value = ctx.input(i)
        require_same_dtype(ctx, first, value)
        require(value.shape == first.shape, ctx, f"shapes {first.shape} and {value.shape} differ")
    return [first.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Inputs added from the first to the last; what is infinite becomes the largest float."""
    total = ctx.data(0)
    for i in range(1, len(ctx.inputs)):
        total = np.asarray(total + ctx.data(i))
        if total.dtype.kind == "f":
            total = clamp_float(np.atleast_1d(total), "NONE").reshape(total.shape)
    return [total]


KERNELS = (Kernel("ADD_N", prepare, evaluate),)
