"""UNIQUE: the distinct values of a vector in the order of their first appearance."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_type,
    require_type,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Values: known only when it runs; indices: the input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require(len(x.shape) == 1, ctx, f"needs a vector, not shape {x.shape}")
    require_type(ctx, x, "float32", "int8", "uint8", "int16", "int32", "int64")
    require_same_type(ctx, x, ctx.outputs[0])
    require_dtype(ctx, ctx.outputs[1], "int32", "int64")
    return [None, x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Distinct values, and for each element the number of its value."""
    x = ctx.data(0)
    _, first, inverse = np.unique(x.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    indices = rank[inverse.ravel()].astype(ctx.outputs[1].dtype)
    return [x.ravel()[first[order]], indices.reshape(x.shape)]


KERNELS = (Kernel("UNIQUE", prepare, evaluate),)
