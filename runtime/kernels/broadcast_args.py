"""BROADCAST_ARGS: the shape that two shapes broadcast to; int32 and int64."""

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
    require_rank,
    require_same_dtype,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """One axis as long as the longer shape."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_dtype(ctx, a, "int32", "int64")
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    require_rank(ctx, a, 1)
    require_rank(ctx, b, 1)
    return [(max(a.shape[0], b.shape[0]),)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Axis by axis from the last: the one that is not 1."""
    a, b = ctx.data(0), ctx.data(1)
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    padded = np.concatenate([np.ones(len(long) - len(short), long.dtype), short])
    fits = (long == padded) | (long == 1) | (padded == 1)
    require(bool(fits.all()), ctx, f"shapes {a.tolist()} and {b.tolist()} do not broadcast")
    return [np.where(long == 1, padded, long)]


KERNELS = (Kernel("BROADCAST_ARGS", prepare, evaluate),)
