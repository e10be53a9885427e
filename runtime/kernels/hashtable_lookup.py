"""HASHTABLE_LOOKUP: rows of a constant table by int32 key; values of any type, strings too."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[lookups, row ...] and, for each lookup, whether its key was there.

    The shape of strings is left to the run, as LiteRT does.
    """
    require_inputs(ctx, 3)
    lookup, key, value = ctx.input(0), ctx.input(1), ctx.input(2)
    require(len(ctx.outputs) == 2, ctx, f"has {len(ctx.outputs)} outputs, needs 2")
    for keys in (lookup, key):
        require_rank(ctx, keys, 1)
        require_dtype(ctx, keys, "int32")
    require(len(value.shape) >= 1, ctx, "its values are a scalar; they need a row a key")
    require(key.shape[0] == value.shape[0], ctx, f"{key.shape[0]} keys for {value.shape[0]} values")
    rows, hits = ctx.outputs
    require_dtype(ctx, hits, "uint8")
    require(
        rows.tensor.type == value.tensor.type,
        ctx,
        f"values are {value.tensor.type.name}, the output {rows.tensor.type.name}",
    )
    if value.dtype.hasobject:
        require_rank(ctx, value, 1)
        return [None, (lookup.shape[0],)]
    return [(lookup.shape[0], *value.shape[1:]), (lookup.shape[0],)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """Each key's row, zeros (an empty string) without; the keys must be sorted, upwards."""
    lookup, keys, values = ctx.data(0), ctx.data(1), ctx.data(2)
    if len(keys) == 0:
        raise KernelError("HASHTABLE_LOOKUP: the table is empty; it needs at least one key")
    place = np.minimum(np.searchsorted(keys, lookup), len(keys) - 1)
    hit = keys[place] == lookup
    rows = values[place]
    rows[~hit] = b"" if values.dtype.hasobject else 0
    return [rows, hit.astype(np.uint8)]


KERNELS = (Kernel("HASHTABLE_LOOKUP", prepare, evaluate),)
