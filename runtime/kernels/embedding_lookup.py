"""EMBEDDING_LOOKUP: rows of a table, copied or dequantised; exact."""

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
    """The ids' axis, then the table's axes after its first."""
    require_inputs(ctx, 2)
    ids, table = ctx.input(0), ctx.input(1)
    require_rank(ctx, ids, 1)
    require_dtype(ctx, ids, "int32")
    require(len(table.shape) >= 2, ctx, f"table shape {table.shape} has no two axes")
    require_dtype(ctx, table, "float32", "int8", "uint8")
    if ctx.outputs[0].dtype != np.float32 or not table.quantized:
        require_same_dtype(ctx, table, ctx.outputs[0])
    return [(ids.shape[0], *table.shape[1:])]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Rows copied, or made real by the scale (of the tensor or of the row)."""
    ids, table = ctx.data(0), ctx.data(1)
    bad = ids[(ids < 0) | (ids >= len(table))]
    require(bad.size == 0, ctx, f"id {bad[:1].tolist()} is outside a table of {len(table)} rows")
    rows = table[ids]
    if rows.dtype == ctx.outputs[0].dtype:
        return [rows]
    scales = ctx.input(1).scales.astype(np.float64)
    each = scales[ids] if len(scales) > 1 else scales
    return [(rows * each.reshape(-1, *[1] * (rows.ndim - 1))).astype(np.float32)]


KERNELS = (Kernel("EMBEDDING_LOOKUP", prepare, evaluate),)
