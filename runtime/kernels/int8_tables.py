"""256-entry tables by which TFLite evaluates a float function of 8-bit values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.kernels.fixed_point import round_half_away


def int8_table(x: TensorValue, y: TensorValue, function: Callable[[Array], Any]) -> Array:
    """The output for each value of an 8-bit input, from the type's lowest to its highest.

    Entry i is round(function(s_x * (lowest + i - z_x)) * (1 / s_y)) + z_y, clamped, all in float32.
    """
    info = np.iinfo(x.dtype)
    limits = np.iinfo(y.dtype)
    inverse = np.float32(1) / np.float32(y.scale)
    steps = (np.arange(info.min, info.max + 1) - x.zero_point).astype(np.float32)
    with np.errstate(all="ignore"):
        result = np.asarray(function(np.float32(x.scale) * steps), np.float32)
        values = round_half_away(result * inverse).astype(np.float64) + y.zero_point
    values = np.nan_to_num(values, nan=float(limits.min))
    return np.asarray(np.clip(values, limits.min, limits.max).astype(y.dtype))


def evaluate_int8_table(ctx: NodeContext, function: Callable[[Array], Any]) -> Array:
    """`function` of the node's 8-bit input 0 through its table, made once."""
    table = ctx.memo("table", lambda: int8_table(ctx.input(0), ctx.outputs[0], function))
    lowest = int(np.iinfo(ctx.input(0).dtype).min)
    return np.asarray(table[ctx.data(0).astype(np.int32) - lowest])
