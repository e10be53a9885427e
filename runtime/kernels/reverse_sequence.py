"""REVERSE_SEQUENCE: the first so many positions of each batch turned round."""

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


def _axes(ctx: NodeContext) -> tuple[int, int]:
    """(seq_dim, batch_dim)."""
    rank = len(ctx.input(0).shape)
    sequence, batch = int(ctx.option("seq_dim", 0)), int(ctx.option("batch_dim", 0))
    for axis in (sequence, batch):
        require(0 <= axis < rank, ctx, f"axis {axis} is outside rank {rank}")
    require(sequence != batch, ctx, f"seq_dim and batch_dim are both {batch}")
    return sequence, batch


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 2)
    x, lengths = ctx.input(0), ctx.input(1)
    require_dtype(ctx, x, "float32", "uint8", "int16", "int32", "int64")
    require_dtype(ctx, lengths, "int32", "int64")
    require_rank(ctx, lengths, 1)
    require_same_dtype(ctx, x, ctx.outputs[0])
    return [x.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Each batch's own length is reversed, the rest kept."""
    lengths = ctx.data(1)
    sequence, batch = _axes(ctx)
    out = ctx.data(0).copy()
    moved = np.moveaxis(out, (batch, sequence), (0, 1))
    count, size = moved.shape[:2]
    require(len(lengths) == count, ctx, f"{len(lengths)} lengths for axis {batch} of {out.shape}")
    require(
        bool(((lengths >= 0) & (lengths <= size)).all()),
        ctx,
        f"lengths {lengths.tolist()} must lie in 0..{size}",
    )
    for entry, length in zip(moved, lengths.tolist(), strict=True):
        entry[:length] = entry[:length][::-1].copy()
    return [out]


KERNELS = (Kernel("REVERSE_SEQUENCE", prepare, evaluate),)
