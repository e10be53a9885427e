"""EMBEDDING_LOOKUP_SPARSE: weighted rows of a table combined; float32.

Results are equal: the rows are added in their order.
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

_SUM, _MEAN, _SQRTN = 0, 1, 2


def _require_rows(ctx: NodeContext, ids: Array, count: int) -> None:
    bad = ids[(ids < 0) | (ids >= count)]
    require(bad.size == 0, ctx, f"id {bad[:1].tolist()} is outside a table of {count} rows")


def prepare_sparse(ctx: NodeContext) -> list[Shape | None]:
    """Known only when it runs."""
    require_inputs(ctx, 5)
    ids, indices, shape, weights, table = (ctx.input(i) for i in range(5))
    for value, rank in ((ids, 1), (indices, 2), (shape, 1)):
        require_rank(ctx, value, rank)
        require_dtype(ctx, value, "int32")
    require_rank(ctx, weights, 1)
    for value in (weights, table, ctx.outputs[0]):
        require_dtype(ctx, value, "float32")
    require(
        ids.shape[0] == indices.shape[0] == weights.shape[0],
        ctx,
        f"{ids.shape[0]} ids, {indices.shape[0]} indices and {weights.shape[0]} weights",
    )
    require(len(table.shape) >= 2, ctx, f"table shape {table.shape} has no two axes")
    return [None]


def evaluate_sparse(ctx: NodeContext) -> list[Array]:
    """Weighted sums of rows, one for each run of indices that agree but for the last axis."""
    ids, indices, dense, weights, table = (ctx.data(i) for i in range(5))
    rank = indices.shape[1]
    require(len(dense) == rank, ctx, f"dense shape of {len(dense)} axes for indices of {rank}")
    _require_rows(ctx, ids, len(table))
    lookup = tuple(int(d) for d in dense[: rank - 1])
    require(
        bool(((indices[:, : rank - 1] >= 0) & (indices[:, : rank - 1] < dense[: rank - 1])).all()),
        ctx,
        f"an index is outside {lookup}",
    )
    out = np.zeros((int(np.prod(lookup)), *table.shape[1:]), np.float32)
    combiner = int(ctx.option("combiner", _SUM))
    bucket, total, squares, count = 0, np.float32(0), np.float32(0), 0

    def finish() -> None:
        if combiner != _SUM and count:
            divisor = total if combiner == _MEAN else np.sqrt(squares)
            out[bucket] /= divisor

    strides = np.cumprod([1, *lookup[:0:-1]], dtype=np.int64)[::-1] if lookup else np.ones(1)
    for row, where, weight in zip(ids, indices, weights, strict=True):
        here = int((where[: rank - 1] * strides).sum()) if lookup else 0
        if here != bucket:
            finish()
            bucket, total, squares, count = here, np.float32(0), np.float32(0), 0
        count += 1
        squares += weight * weight
        total += weight
        out[bucket] += table[row] * weight
    if len(out):
        finish()
    return [out.reshape(*lookup, *table.shape[1:])]


KERNELS = (Kernel("EMBEDDING_LOOKUP_SPARSE", prepare_sparse, evaluate_sparse),)
