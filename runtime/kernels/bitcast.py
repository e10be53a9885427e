"""BITCAST: the same bytes under another type."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_inputs,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """A last axis appears for a narrower type, and one of the exact ratio goes for a wider one."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    for value in (x, y):
        require(value.dtype.kind != "O", ctx, f"tensor {value.name!r} holds strings")
    source, target = x.dtype.itemsize, y.dtype.itemsize
    if source > target:
        return [(*x.shape, source // target)]
    if source < target:
        require(
            len(x.shape) > 0 and x.shape[-1] == target // source,
            ctx,
            f"the last axis of {x.shape} must be {target // source} to make {y.dtype}",
        )
        return [x.shape[:-1]]
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The bytes copied."""
    y = ctx.outputs[0]
    raw = np.ascontiguousarray(ctx.data(0)).tobytes()
    return [np.frombuffer(raw, y.dtype).reshape(y.shape).copy()]


KERNELS = (Kernel("BITCAST", prepare, evaluate),)
