"""STABLEHLO_ADD, _MULTIPLY, _MAXIMUM, _MINIMUM, _AND and _SHIFT_LEFT: two tensors of one shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Prepare,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)

_WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_NUMBERS = ("float16", "float32", "float64", *_WHOLE)


def _prepare(*types: str) -> Prepare:
    def prepare(ctx: NodeContext) -> list[Shape | None]:
        require_inputs(ctx, 2)
        a, b = ctx.input(0), ctx.input(1)
        require_same_dtype(ctx, a, b, ctx.outputs[0])
        require_dtype(ctx, a, *types)
        require(a.shape == b.shape, ctx, f"shapes {a.shape} and {b.shape} differ")
        return [a.shape]

    return prepare


def _evaluate(combine: Callable[[Any, Any], Any]) -> Callable[[NodeContext], list[Array]]:
    def evaluate(ctx: NodeContext) -> list[Array]:
        a, b = ctx.data(0), ctx.data(1)
        return [np.asarray(combine(a, b), a.dtype)]

    return evaluate


def _shift_left(a: Array, b: Array) -> Array:
    """Zero where the amount is not in 0..bits - 1."""
    bits = a.dtype.itemsize * 8
    inside = (b >= 0) & (b < bits)
    return np.where(inside, np.left_shift(a, np.where(inside, b, 0)), 0)


def _prepare_shift(ctx: NodeContext) -> list[Shape | None]:
    """The first input's shape; amounts are taken as they lie, of any shape (LiteRT reads past the
    end of fewer).
    """
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, a, b, ctx.outputs[0])
    require_dtype(ctx, a, "int8", "int16", "int32")
    enough = math.prod(b.shape) >= math.prod(a.shape)
    require(enough, ctx, f"shape {b.shape} has too few amounts for {a.shape}")
    return [a.shape]


def _evaluate_shift(ctx: NodeContext) -> list[Array]:
    """a << b, 0 where the amount is not in 0..bits - 1."""
    a, b = ctx.data(0), ctx.data(1)
    amounts = b.ravel()[: a.size].reshape(a.shape)
    return [np.asarray(_shift_left(a, amounts), a.dtype)]


KERNELS = (
    Kernel("STABLEHLO_ADD", _prepare(*_NUMBERS), _evaluate(np.add)),
    Kernel("STABLEHLO_MULTIPLY", _prepare(*_NUMBERS), _evaluate(np.multiply)),
    Kernel("STABLEHLO_MAXIMUM", _prepare(*_NUMBERS), _evaluate(lambda a, b: np.where(a < b, b, a))),
    Kernel("STABLEHLO_MINIMUM", _prepare(*_NUMBERS), _evaluate(lambda a, b: np.where(b < a, b, a))),
    Kernel(
        "STABLEHLO_AND",
        _prepare(*_WHOLE),
        _evaluate(np.bitwise_and),
    ),
    Kernel("STABLEHLO_SHIFT_LEFT", _prepare_shift, _evaluate_shift),
)
