"""STABLEHLO_GATHER: slices of a tensor at starting indices; any type but strings.

An index_vector_dim one past the indices' axes makes each index a vector of one number (see
`stablehlo_scatter`).
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
    require_same_type,
)
from litefuse.runtime.kernels.stablehlo_scatter import index_vectors


def _numbers(ctx: NodeContext, name: str) -> list[int]:
    given = ctx.option(name)
    return [] if given is None else [int(v) for v in given]


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The slices' sizes at offset_dims, the indices' axes elsewhere; the file gives the rank."""
    require_inputs(ctx, 2)
    x, indices, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_dtype(ctx, indices, "int32", "int64")
    require(not x.dtype.hasobject, ctx, f"tensor {x.name!r} holds strings")
    require_same_type(ctx, x, y)
    sizes, collapsed = _numbers(ctx, "slice_sizes"), _numbers(ctx, "collapsed_slice_dims")
    vector = int(ctx.option("index_vector_dim", 0))
    require(0 <= vector <= len(indices.shape), ctx, f"index_vector_dim {vector} of {indices.shape}")
    require(
        len(sizes) == len(x.shape)
        and all(0 <= s <= d for s, d in zip(sizes, x.shape, strict=True)),
        ctx,
        f"slice sizes {sizes} do not fit {x.shape}",
    )
    around = [d for i, d in enumerate(indices.shape) if i != vector]
    batch = iter(around)
    inner = iter(s for i, s in enumerate(sizes) if i not in collapsed)
    offsets = _numbers(ctx, "offset_dims")
    rank = len(around) + len(sizes) - len(collapsed)
    require(
        len(offsets) == len(sizes) - len(collapsed) and set(offsets) <= set(range(rank)),
        ctx,
        f"offset_dims {offsets} do not place slices {sizes} without axes {collapsed}",
    )
    return [tuple(next(inner) if i in offsets else next(batch) for i in range(rank))]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Starting indices are moved back so that the slice lies inside."""
    x, y = ctx.data(0), ctx.outputs[0]
    sizes, collapsed = _numbers(ctx, "slice_sizes"), _numbers(ctx, "collapsed_slice_dims")
    offsets = _numbers(ctx, "offset_dims")
    starts = index_vectors(ctx)
    axes = _numbers(ctx, "start_index_map")
    require(len(axes) == starts.shape[-1], ctx, f"start_index_map {axes} for {starts.shape}")
    rank = len(y.shape)
    batch = [i for i in range(rank) if i not in offsets]
    inner = iter(sorted(offsets))
    where = []
    for axis, size in enumerate(sizes):
        index: Array = np.zeros((1,) * rank, np.int64)
        if axis in axes:
            start = np.clip(starts[..., axes.index(axis)], 0, x.shape[axis] - size)
            index = start.reshape([y.shape[i] if i in batch else 1 for i in range(rank)])
        if axis not in collapsed:
            place = next(inner)
            steps = np.arange(size).reshape([-1 if i == place else 1 for i in range(rank)])
            index = index + steps
        where.append(index)
    return [np.asarray(np.broadcast_to(x[tuple(where)], y.shape)).copy()]


KERNELS = (Kernel("STABLEHLO_GATHER", prepare, evaluate),)
