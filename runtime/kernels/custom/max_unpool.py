"""MaxUnpooling2D, MediaPipe's: puts each pixel where MaxPoolingWithArgmax2D found it, zeros else.

The places are numbers within the window, counted down the columns, as bits of uint32 in a float32
tensor, or as int32 (see `max_pool_argmax`).
"""

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
)
from litefuse.runtime.kernels.custom.pool_struct import pool_struct


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, h * window height, w * window width, c]."""
    require_inputs(ctx, 2)
    x, places = ctx.input(0), ctx.input(1)
    require_dtype(ctx, x, "float32")
    require_dtype(ctx, ctx.outputs[0], "float32")
    require_dtype(ctx, places, "float32", "int32")
    require_rank(ctx, x, 4)
    require(places.shape == x.shape, ctx, f"places {places.shape} are not for pixels {x.shape}")
    pool, (n, height, width, depth) = pool_struct(ctx), x.shape
    return [(n, height * pool.height, width * pool.width, depth)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """One pixel a window; places outside the window leave it empty."""
    x, pool = ctx.data(0), pool_struct(ctx)
    places = ctx.data(1).view(np.int32)
    n, height, width, depth = x.shape
    windows = np.zeros((n, height, pool.height, width, pool.width, depth), np.float32)
    for j in range(pool.width):
        for i in range(pool.height):
            windows[:, :, i, :, j, :] = np.where(places == j * pool.height + i, x, np.float32(0))
    return [windows.reshape(ctx.outputs[0].shape)]


KERNELS = (Kernel("MaxUnpooling2D", prepare, evaluate),)
