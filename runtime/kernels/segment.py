"""SEGMENT_SUM and UNSORTED_SEGMENT_SUM, _PROD, _MAX and _MIN: float32 and int32, exact.

_MAX and _MIN begin at the type's limit and pass over NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.accumulate import accumulate
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


def prepare_sum(ctx: NodeContext) -> list[Shape | None]:
    """As many rows as segments, which only the ids' data tells."""
    require_inputs(ctx, 2)
    x, ids = ctx.input(0), ctx.input(1)
    require_dtype(ctx, x, "float32", "int32")
    require_dtype(ctx, ids, "int32")
    require_same_dtype(ctx, x, ctx.outputs[0])
    return [None if ids.data is None or x.data is None else _sum_shape(ctx)]


def _sum_shape(ctx: NodeContext) -> Shape:
    x, ids = ctx.input(0), ctx.input(1)
    require_rank(ctx, ids, 1)
    require(
        len(x.shape) >= 1 and x.shape[0] == ids.shape[0],
        ctx,
        f"{ids.shape[0]} ids for input shape {x.shape}",
    )
    data = ctx.data(1)
    steps = np.diff(data)
    require(
        bool(((steps == 0) | (steps == 1)).all()) and (data.size == 0 or int(data[0]) == 0),
        ctx,
        f"ids {data.tolist()} must begin at 0 and rise by 0 or 1",
    )
    return (int(data[-1]) + 1 if data.size else 0, *x.shape[1:])


def evaluate_sum(ctx: NodeContext) -> list[Array]:
    """Rows of one id added in their order."""
    out = np.zeros(_sum_shape(ctx), ctx.outputs[0].dtype)
    accumulate(np.add, out, ctx.data(1), ctx.data(0))
    return [out]


def prepare_unsorted(ctx: NodeContext) -> list[Shape | None]:
    """num_segments, then the axes of the data that the ids do not cover."""
    require_inputs(ctx, 3)
    x, ids, count = ctx.input(0), ctx.input(1), ctx.input(2)
    require_dtype(ctx, x, "float32", "int32")
    require_dtype(ctx, ids, "int32")
    require_dtype(ctx, count, "int32")
    require_same_dtype(ctx, x, ctx.outputs[0])
    require(
        len(ids.shape) <= len(x.shape) and x.shape[: len(ids.shape)] == ids.shape,
        ctx,
        f"ids of shape {ids.shape} do not begin shape {x.shape}",
    )
    if count.data is None or ids.data is None:
        return [None]
    return [(_segments(ctx), *x.shape[len(ids.shape) :])]


def _segments(ctx: NodeContext) -> int:
    shape = ctx.input(2).shape
    require(shape in ((), (1,)), ctx, f"num_segments has shape {shape}")
    count = int(ctx.data(2).ravel()[0])
    require(count >= 0, ctx, f"num_segments {count} is negative")
    return count


def _unsorted(combine: Any, start: Callable[[Any], Any]) -> Callable[[NodeContext], list[Array]]:
    def evaluate(ctx: NodeContext) -> list[Array]:
        x, ids, count = ctx.data(0), ctx.data(1), _segments(ctx)
        require(bool((ids < count).all()), ctx, f"ids reach num_segments {count}")
        out = np.full((count, *x.shape[ids.ndim :]), start(x.dtype), x.dtype)
        kept = ids >= 0
        accumulate(combine, out, ids[kept], x[kept])
        return [out]

    return evaluate


def _lowest(dtype: np.dtype[Any]) -> Any:
    return np.finfo(dtype).min if dtype.kind == "f" else np.iinfo(dtype).min


def _highest(dtype: np.dtype[Any]) -> Any:
    return np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max


KERNELS = (
    Kernel("SEGMENT_SUM", prepare_sum, evaluate_sum),
    Kernel("UNSORTED_SEGMENT_SUM", prepare_unsorted, _unsorted(np.add, lambda _: 0)),
    Kernel("UNSORTED_SEGMENT_PROD", prepare_unsorted, _unsorted(np.multiply, lambda _: 1)),
    Kernel("UNSORTED_SEGMENT_MAX", prepare_unsorted, _unsorted(np.fmax, _lowest)),
    Kernel("UNSORTED_SEGMENT_MIN", prepare_unsorted, _unsorted(np.fmin, _highest)),
)
