"""Elementwise functions of one float tensor (some of integers): one table row an op.

Tolerances are in the table; where the reference calls the C library, NumPy's own float32 functions
may differ by a few units in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier
from litefuse.runtime.kernels.int8_tables import evaluate_int8_table
from litefuse.runtime.kernels.l2_normalization import inverse_square_root

_F = ("float32",)
_I = ("int32", "int64")


def _prepare(ctx: NodeContext, dtypes: tuple[str, ...]) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_same_dtype(ctx, x, ctx.outputs[0])
    require_dtype(ctx, x, *dtypes)
    return [x.shape]


def _evaluate(ctx: NodeContext, function: Callable[[Array], Any]) -> list[Array]:
    x = ctx.data(0)
    if x.dtype == np.int8 and ctx.input(0).quantized:
        return [evaluate_int8_table(ctx, function)]
    with np.errstate(all="ignore"):
        return [np.asarray(function(x), x.dtype)]


def _row(
    name: str, function: Callable[[Array], Any], dtypes: tuple[str, ...] = _F, ulp: int = 0
) -> Kernel:
    return Kernel(
        name, partial(_prepare, dtypes=dtypes), partial(_evaluate, function=function), ulp=ulp
    )


def _prepare_quantised(ctx: NodeContext) -> list[Shape | None]:
    return _prepare(ctx, ("float32", "int32", "int8", "int16"))


def _evaluate_abs(ctx: NodeContext) -> list[Array]:
    """|x|; quantised values are rescaled when input and output scales differ."""
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.itemsize > 2 or not xv.quantized:
        return _evaluate(ctx, np.abs)
    value = np.abs(x.astype(np.int64) - xv.zero_point)
    if xv.scale != yv.scale:
        value = mbqm(
            value, *quantize_multiplier(float(np.float32(xv.scale) / np.float32(yv.scale)))
        )
    info = np.iinfo(x.dtype)
    return [np.clip(value + yv.zero_point, info.min, info.max).astype(x.dtype)]


def _evaluate_rsqrt(ctx: NodeContext) -> list[Array]:
    """1 / sqrt(x); quantised in fixed point, a table for each value that occurs."""
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        return _evaluate(ctx, _rsqrt)
    values, where = np.unique(x, return_inverse=True)
    info = np.iinfo(x.dtype)
    real = 1.0 / float(np.sqrt(np.float32(xv.scale)) * np.float32(yv.scale))
    q, shift = quantize_multiplier(real)
    table = np.empty(len(values), x.dtype)
    for i, value in enumerate(values.astype(np.int64) - xv.zero_point):
        if value < 0:
            raise KernelError(f"RSQRT: {value} steps below the zero point has no square root")
        if value == 0:
            table[i] = info.max
            continue
        inverse, right = inverse_square_root(int(value))
        root = mbqm(1, inverse, 20 - right)
        table[i] = np.clip(mbqm(root, q, shift - 20) + yv.zero_point, info.min, info.max)
    return [table[where].reshape(x.shape)]


def _rsqrt(x: Array) -> Array:
    return np.asarray(1 / np.sqrt(x))


def _sign(x: Array) -> Array:
    # The reference answers 0 for a NaN.
    return np.asarray(np.where(np.isnan(x), 0, np.sign(x)) if x.dtype.kind == "f" else np.sign(x))


KERNELS = (
    Kernel("ABS", _prepare_quantised, _evaluate_abs),
    _row("NEG", np.negative, (*_F, *_I)),
    _row("EXP", np.exp, (*_F, "int8"), ulp=4),
    _row("LOG", np.log, (*_F, "int8"), ulp=4),
    _row("SQRT", np.sqrt, _F),
    Kernel("RSQRT", _prepare_quantised, _evaluate_rsqrt),
    _row("SQUARE", np.square, _F),
    _row("SIN", np.sin, _F, ulp=4),
    _row("COS", np.cos, _F, ulp=4),
    _row("FLOOR", np.floor, _F),
    _row("CEIL", np.ceil, _F),
    _row("ROUND", np.rint, _F),
    _row("SIGN", _sign, (*_F, "float64", "int32")),
    _row("ZEROS_LIKE", np.zeros_like, (*_F, *_I)),
    _row("LOGICAL_NOT", np.logical_not, ("bool",)),
)
