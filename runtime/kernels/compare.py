"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, and SELECT, SELECT_V2.

8-bit tensors of different scales are compared as the reference does, after rescaling.
"""

from __future__ import annotations

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
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The broadcast shape of both inputs."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b)
    require_dtype(ctx, ctx.outputs[0], "bool")
    return [broadcast_shapes(ctx, a.shape, b.shape)]


def _evaluate(ctx: NodeContext, function: Callable[[Array, Array], Any]) -> list[Array]:
    av, bv, a, b = ctx.input(0), ctx.input(1), ctx.data(0), ctx.data(1)
    if a.dtype.kind in "iu" and a.dtype.itemsize == 1 and av.quantized and bv.quantized:
        # Both at scale / 2**8 of their own, so that a common scale is implied by the multipliers.
        a = mbqm((a.astype(np.int64) - av.zero_point) << 8, *quantize_multiplier(av.scale))
        b = mbqm((b.astype(np.int64) - bv.zero_point) << 8, *quantize_multiplier(bv.scale))
    return [np.asarray(function(a, b), np.bool_).reshape(ctx.outputs[0].shape)]


def prepare_select(ctx: NodeContext) -> list[Shape | None]:
    """The common shape; SELECT also takes a condition per row of the first axis."""
    require_inputs(ctx, 3)
    condition, a, b = ctx.input(0), ctx.input(1), ctx.input(2)
    require_dtype(ctx, condition, "bool")
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    if ctx.op.name == "SELECT_V2":
        return [broadcast_shapes(ctx, condition.shape, a.shape, b.shape)]
    require(a.shape == b.shape, ctx, f"shapes {a.shape} and {b.shape} must be equal")
    row = len(condition.shape) <= 1 and condition.shape in ((), (1,), a.shape[:1])
    require(
        condition.shape == a.shape or row,
        ctx,
        f"a condition of shape {condition.shape} does not fit {a.shape}",
    )
    return [a.shape]


def evaluate_select(ctx: NodeContext) -> list[Array]:
    """a where the condition holds, else b."""
    condition, a, b = ctx.data(0), ctx.data(1), ctx.data(2)
    if ctx.op.name == "SELECT" and condition.shape != a.shape and condition.size > 1:
        condition = condition.reshape(-1, *[1] * (a.ndim - 1))
    elif ctx.op.name == "SELECT" and condition.size == 1:
        condition = condition.reshape(())
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
