"""BUCKETIZE: how many of the sorted boundaries are at most the value."""

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
)


def _boundaries(ctx: NodeContext) -> Array:
    return np.asarray(ctx.option("boundaries", ()), np.float32)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "float32", "float64", "int32", "int64")
    require_dtype(ctx, ctx.outputs[0], "int32")
    edges = _boundaries(ctx)
    require(bool((edges[1:] >= edges[:-1]).all()), ctx, f"boundaries {edges.tolist()} not sorted")
    return [ctx.input(0).shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Bucket numbers; integers are compared as float32, as the boundaries are."""
    x = ctx.data(0)
    keys = x if x.dtype.kind == "f" else x.astype(np.float32)
    return [np.asarray(np.searchsorted(_boundaries(ctx), keys, side="right"), np.int32)]


KERNELS = (Kernel("BUCKETIZE", prepare, evaluate),)
