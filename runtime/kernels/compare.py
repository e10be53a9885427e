"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, and SELECT, SELECT_V2.

8-bit tensors of different scales are compared as the reference does, after rescaling; by EQUAL and
NOT_EQUAL quantised int16 ones, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

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
from litefuse.runtime.kernels.bfloat16 import floats
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.fixed_point import quantize_multiplier, rdbp_by_any, srdhm
from litefuse.runtime.kernels.int8_tables import through_bytes

_NUMBERS = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64")
_TYPES = {
    "EQUAL": (*_NUMBERS, "bool", "object"),
    "NOT_EQUAL": (*_NUMBERS, "bool", "object"),
    "LESS": (*_NUMBERS, "bfloat16"),
    "GREATER": (*_NUMBERS, "bfloat16"),
}


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b)
    require_dtype(ctx, a, *_TYPES.get(ctx.op.name, _NUMBERS))
    require_dtype(ctx, ctx.outputs[0], "bool")
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def _rescaled(ctx: NodeContext) -> int:
    """Bytes of the types that are compared after rescaling."""
    return 2 if ctx.op.name in ("EQUAL", "NOT_EQUAL") else 1


def _evaluate(ctx: NodeContext, function: Callable[[Array, Array], Any]) -> list[Array]:
    av, bv, a, b = ctx.input(0), ctx.input(1), ctx.data(0), ctx.data(1)
    if (
        a.dtype.kind in "iu"
        and a.dtype.itemsize <= _rescaled(ctx)
        and av.quantized
        and bv.quantized
    ):
        a, b = _common(ctx, 0), _common(ctx, 1)
    a, b = floats(av, a), floats(bv, b)
    return [np.asarray(function(a, b), np.bool_).reshape(ctx.outputs[0].shape)]


def _common(ctx: NodeContext, i: int) -> Array:
    """Input i's numbers times scale * 2**8, which is of one scale for all tensors.

    Meant for scales below 1: with a larger one, the shift to the right is by a negative count.
    """
    value, data = ctx.input(i), ctx.data(i)

    def common(values: Array) -> Array:
        q, shift = quantize_multiplier(value.scale)
        centred = (values.astype(np.int64) - value.zero_point) << 8
        return rdbp_by_any(srdhm(centred, q), -shift)

    return through_bytes(ctx, common, i) if data.dtype.itemsize == 1 else common(data)


def prepare_select(ctx: NodeContext) -> list[Shape | None]:
    """The common shape; SELECT also takes a condition for each row of the first axis, or one."""
    require_inputs(ctx, 3)
    condition, a, b, y = ctx.input(0), ctx.input(1), ctx.input(2), ctx.outputs[0]
    require_dtype(ctx, condition, "bool")
    require_same_dtype(ctx, a, b, y)
    shapes = condition.shape, a.shape, b.shape
    if all(math.prod(shape) == 1 for shape in (*shapes, y.shape)):
        return [y.shape]  # LiteRT keeps the shape that the file gives
    if ctx.op.name == "SELECT_V2":
        return [broadcast_shapes(ctx, *shapes)]
    require(a.shape == b.shape, ctx, f"shapes {a.shape} and {b.shape} must be equal")
    row = condition.shape == () or (a.shape != () and condition.shape == a.shape[:1])
    require(
        condition.shape == a.shape or row,
        ctx,
        f"a condition of shape {condition.shape} does not fit {a.shape}",
    )
    return [a.shape]


def evaluate_select(ctx: NodeContext) -> list[Array]:
    """a where the condition holds, else b."""
    condition, a, b = ctx.data(0), ctx.data(1), ctx.data(2)
    require(a.dtype.kind != "O", ctx, "strings are not selected")
    if ctx.op.name == "SELECT" and condition.size == 1:
        condition = condition.reshape(())
    elif ctx.op.name == "SELECT" and condition.shape != a.shape:
        condition = condition.reshape(-1, *[1] * (a.ndim - 1))
    return [np.asarray(np.where(condition, a, b)).reshape(ctx.outputs[0].shape)]


KERNELS = (
    Kernel("EQUAL", prepare, partial(_evaluate, function=np.equal)),
    Kernel("NOT_EQUAL", prepare, partial(_evaluate, function=np.not_equal)),
    Kernel("LESS", prepare, partial(_evaluate, function=np.less)),
    Kernel("LESS_EQUAL", prepare, partial(_evaluate, function=np.less_equal)),
    Kernel("GREATER", prepare, partial(_evaluate, function=np.greater)),
    Kernel("GREATER_EQUAL", prepare, partial(_evaluate, function=np.greater_equal)),
    Kernel("SELECT", prepare_select, evaluate_select),
    Kernel("SELECT_V2", prepare_select, evaluate_select),
)
