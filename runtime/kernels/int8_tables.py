"""Functions of 8-bit values, looked up among their 256 results, which are computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext
from litefuse.runtime.kernels.fixed_point import round_half_away


def through_bytes(ctx: NodeContext, function: Callable[[Array], Array], i: int = 0) -> Array:
    """`function` of the node's 8-bit input `i`, which must work element by element and depend on
    nothing else that a run may change.
    """
    x = ctx.data(i)
    every = np.arange(256, dtype=np.uint8).view(x.dtype)
    table = ctx.memo(f"bytes of {i}", lambda: function(every))
    return np.asarray(np.take(table, x.view(np.uint8)))


def evaluate_int8_table(ctx: NodeContext, function: Callable[[Array], Any]) -> Array:
    """A float function of the node's 8-bit input 0, as TFLite makes its table:
    round(function(s_x * (x - z_x)) * (1 / s_y)) + z_y, clamped, all in float32.
    """
    x, y = ctx.input(0), ctx.outputs[0]

    def values(every: Array) -> Array:
        limits = np.iinfo(y.dtype)
        steps = (every.astype(np.int64) - x.zero_point).astype(np.float32)
        result = np.asarray(function(np.float32(x.scale) * steps), np.float32)
        inverse = np.float32(1) / np.float32(y.scale)
        found = round_half_away(result * inverse).astype(np.float64) + y.zero_point
        found = np.nan_to_num(found, nan=float(limits.min))
        return np.asarray(np.clip(found, limits.min, limits.max).astype(y.dtype))

    return through_bytes(ctx, values)
