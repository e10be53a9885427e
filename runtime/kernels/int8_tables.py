"""256-entry tables by which TFLite evaluates a float function of int8 values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.kernels.fixed_point import round_half_away


def int8_table(
    x: TensorValue, y: TensorValue, function: Callable[[Array], Any]
) -> npt.NDArray[np.int8]:
    """Entry v + 128 is the output's int8 value of function(real value of v), in float32
    arithmetic.
    """
    inverse = np.float32(1) / np.float32(y.scale)
    real = np.float32(x.scale) * (np.arange(-128, 128) - x.zero_point).astype(np.float32)
    with np.errstate(all="ignore"):
        result = np.asarray(function(real), np.float32)
        steps = round_half_away(result * inverse).astype(np.float64) + y.zero_point
    steps = np.nan_to_num(steps, nan=-128.0)
    return np.clip(steps, -128, 127).astype(np.int8)


def evaluate_int8_table(ctx: NodeContext, function: Callable[[Array], Any]) -> Array:
    """`function` of the node's int8 input 0 through its table, made once."""
    table = ctx.memo("table", lambda: int8_table(ctx.input(0), ctx.outputs[0], function))
    return np.asarray(table[ctx.data(0).astype(np.int32) + 128])
