"""MaxPoolingWithArgmax2D, MediaPipe's: the largest pixel under each window, and where it was.

The place is the pixel's number within its window, counted down the columns (x * height + y), the
first of equals.  The op's second output is declared float32 and holds those numbers as the bits of
uint32, as LiteRT's XNNPACK delegate leaves them, which alone runs this op; an int32 output takes
them as they are.
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
from litefuse.runtime.kernels.geometry import Axis, window_axis


def _axes(ctx: NodeContext) -> tuple[Axis, Axis]:
    pool, x = pool_struct(ctx), ctx.input(0)
    return (
        window_axis(x.shape[1], pool.height, pool.height, 1, pool.padding),
        window_axis(x.shape[2], pool.width, pool.width, 1, pool.padding),
    )


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, out_h, out_w, c], twice."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 4)
    require(len(ctx.outputs) == 2, ctx, f"has {len(ctx.outputs)} outputs, needs 2")
    require_dtype(ctx, ctx.outputs[0], "float32")
    require_dtype(ctx, ctx.outputs[1], "float32", "int32")
    rows, columns = _axes(ctx)
    require(
        rows.out > 0 and columns.out > 0,
        ctx,
        f"a window of {rows.kernel}x{columns.kernel} does not fit {x.shape[1]}x{x.shape[2]} pixels",
    )
    shape = (x.shape[0], rows.out, columns.out, x.shape[3])
    return [shape, shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Maxima and places; a tap outside the image sees the nearest pixel inside."""
    x = ctx.data(0)
    rows, columns = _axes(ctx)

    def taps(axis: Axis, k: int) -> Array:
        return np.clip(np.arange(axis.out) * axis.stride - axis.before + k, 0, axis.size - 1)

    best = x[:, taps(rows, 0)][:, :, taps(columns, 0)]
    place = np.zeros(best.shape, np.int32)
    for j in range(columns.kernel):
        for i in range(rows.kernel):
            here = x[:, taps(rows, i)][:, :, taps(columns, j)]
            larger = here > best
            best = np.where(larger, here, best)
            place[larger] = j * rows.kernel + i
    wanted = ctx.outputs[1].dtype
    return [best, place if wanted == np.int32 else place.view(np.float32)]


KERNELS = (Kernel("MaxPoolingWithArgmax2D", prepare, evaluate),)
