"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1: float32, int8, uint8; the first two also int16.

Float results are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_bound, quantize_multiplier

_BOUNDS: dict[str, tuple[float, float | None]] = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_same_dtype(ctx, x, y)
    short = ("int16",) if ctx.op.name in ("RELU", "RELU6") else ()
    require_dtype(ctx, x, "float32", "int8", "uint8", *short)
    if x.dtype == np.int16:
        for value in (x, y):
            require(value.zero_point == 0, ctx, f"int16 {value.name!r} needs zero point 0")
    return [x.shape]


def _evaluate(ctx: NodeContext, low: float, high: float | None) -> list[Array]:
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        y = np.where(x < low, np.float32(low), x)
        return [y if high is None else np.where(y > high, np.float32(high), y)]
    info = np.iinfo(yv.dtype)
    real = float(np.float32(xv.scale) / np.float32(yv.scale))
    q, shift = ctx.memo("scale", lambda: quantize_multiplier(real))
    value = mbqm(x.astype(np.int64) - xv.zero_point, q, shift) + yv.zero_point
    smallest = max(info.min, quantize_bound(low, yv.scale, yv.zero_point))
    largest = int(info.max)
    if high is not None:
        largest = min(largest, quantize_bound(high, yv.scale, yv.zero_point))
    return [np.minimum(np.maximum(value, smallest), largest).astype(yv.dtype)]


def _clamp(low: float, high: float | None) -> Callable[[NodeContext], list[Array]]:
    return partial(_evaluate, low=low, high=high)


KERNELS = tuple(Kernel(name, prepare, _clamp(low, high)) for name, (low, high) in _BOUNDS.items())
