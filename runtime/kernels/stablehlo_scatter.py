"""STABLEHLO_SCATTER: updates combined into a tensor by a region of at most one op; exact.

Updates of one element are combined in their row-major order; those outside are left out.
An index_vector_dim behind the indices' axes makes each index a vector of one number (LiteRT, which
allows it too, reads past the indices' shape there, and may crash).
"""

from __future__ import annotations

import math

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.variables import require_host

_TYPES: tuple[str, ...] = ("float16", "float32", "float64", "int8", "int16", "int32", "int64")
_TYPES += ("uint8", "uint16", "uint32", "uint64", "bool")


def _numbers(ctx: NodeContext, name: str) -> list[int]:
    given = ctx.option(name)
    return [] if given is None else [int(v) for v in given]


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The first input's shape."""
    require_inputs(ctx, 3)
    x, indices, updates = ctx.input(0), ctx.input(1), ctx.input(2)
    require_dtype(ctx, indices, "int32", "int64")
    require_dtype(ctx, x, *_TYPES)
    require_same_dtype(ctx, x, updates, ctx.outputs[0])
    vector = int(ctx.option("index_vector_dim", 0))
    require(0 <= vector <= len(indices.shape), ctx, f"index_vector_dim {vector} of {indices.shape}")
    batch = [d for i, d in enumerate(indices.shape) if i != vector]
    window = _numbers(ctx, "update_window_dims")
    inserted = _numbers(ctx, "inserted_window_dims")
    require(
        len(window) + len(inserted) == len(x.shape)
        and len(window) + len(batch) == len(updates.shape),
        ctx,
        f"window axes {window} and {inserted} do not fit {x.shape} and {updates.shape}",
    )
    require_host(ctx)
    return [x.shape]


def index_vectors(ctx: NodeContext) -> Array:
    """Input 1 with its index_vector_dim as the last axis."""
    indices, vector = ctx.data(1).astype(np.int64), int(ctx.option("index_vector_dim", 0))
    return indices[..., None] if vector == indices.ndim else np.moveaxis(indices, vector, -1)


def _targets(ctx: NodeContext) -> Array:
    """[updates, rank]: where each update goes."""
    x, updates = ctx.input(0), ctx.input(2)
    window = _numbers(ctx, "update_window_dims")
    inserted = _numbers(ctx, "inserted_window_dims")
    axes = _numbers(ctx, "scatter_dims_to_operand_dims")
    starts = index_vectors(ctx)
    require(len(axes) == starts.shape[-1], ctx, f"{axes} for indices of {starts.shape[-1]} numbers")
    grid = np.indices(updates.shape).reshape(len(updates.shape), math.prod(updates.shape))
    batch = [i for i in range(len(updates.shape)) if i not in window]
    target = np.zeros((grid.shape[1], len(x.shape)), np.int64)
    target[:, axes] = starts[tuple(grid[batch])]
    inner = [a for a in range(len(x.shape)) if a not in inserted]
    target[:, inner] += grid[window].T
    return target


def evaluate(ctx: NodeContext) -> list[Array]:
    """Rounds of updates that each touch an element once, through the region."""
    out = ctx.data(0).copy()
    if out.size == 0 or ctx.data(2).size == 0:
        return [out]
    target, values = _targets(ctx), ctx.data(2).ravel()
    inside = ((target >= 0) & (target < np.array(out.shape))).all(axis=1)
    flat = np.ravel_multi_index(tuple(target[inside].T), out.shape)
    values = values[inside]
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    first = np.searchsorted(ordered, ordered, side="left")
    turn = np.empty(len(flat), np.int64)
    turn[order] = np.arange(len(flat)) - first
    body, host = int(ctx.option("update_computation_subgraph_index")), require_host(ctx)
    for now in range(int(turn.max(initial=-1)) + 1):
        picked = flat[turn == now]
        operands = [out.flat[picked], values[turn == now]]
        out.flat[picked] = host.run_subgraph(body, operands)[0]
    return [out]


KERNELS = (Kernel("STABLEHLO_SCATTER", prepare, evaluate, stateful=True),)
