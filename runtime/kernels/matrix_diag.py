"""MATRIX_DIAG and MATRIX_SET_DIAG: diagonals of the last two axes."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_inputs,
    require_same_type,
    require_type,
)

# Any other type LiteRT takes for float32, and reads and writes past the tensors' ends.
_TYPES = ("float32", "int8", "uint8", "int16", "int32", "uint32", "int64")


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


def prepare_diag(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape with its last axis twice."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require(len(x.shape) >= 1, ctx, "needs a rank of at least 1")
    require_type(ctx, x, *_TYPES)
    require_same_type(ctx, x, ctx.outputs[0])
    return [(*x.shape, x.shape[-1])]


def evaluate_diag(ctx: NodeContext) -> list[Array]:
    """Zeros but for the diagonal."""
    x = ctx.data(0)
    out = np.zeros((*x.shape, x.shape[-1]), x.dtype)
    steps = np.arange(x.shape[-1])
    out[..., steps, steps] = x
    return [out]


def prepare_set_diag(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 2)
    x, diagonal = ctx.input(0), ctx.input(1)
    require(len(x.shape) >= 2, ctx, f"input shape {x.shape} has no two axes")
    require_type(ctx, x, *_TYPES)
    require_same_type(ctx, x, diagonal, ctx.outputs[0])
    wanted = (*x.shape[:-2], min(x.shape[-2:]))
    require(
        _size(diagonal.shape) >= _size(wanted),
        ctx,
        f"a diagonal of shape {diagonal.shape} does not fill {wanted}",
    )
    return [x.shape]


def evaluate_set_diag(ctx: NodeContext) -> list[Array]:
    """The input with another diagonal, whose shape does not matter as long as it fills it."""
    out = ctx.data(0).copy()
    wanted = (*out.shape[:-2], min(out.shape[-2:]))
    steps = np.arange(wanted[-1])
    out[..., steps, steps] = ctx.data(1).ravel()[: _size(wanted)].reshape(wanted)
    return [out]


KERNELS = (
    Kernel("MATRIX_DIAG", prepare_diag, evaluate_diag),
    Kernel("MATRIX_SET_DIAG", prepare_set_diag, evaluate_set_diag),
)
