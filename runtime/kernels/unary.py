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
    NodeContext,
    Shape,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.int8_tables import evaluate_int8_table

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


def _rsqrt(x: Array) -> Array:
    return np.asarray(1 / np.sqrt(x))


def _sign(x: Array) -> Array:
    # The reference answers 0 for a NaN.
    return np.asarray(np.where(np.isnan(x), 0, np.sign(x)) if x.dtype.kind == "f" else np.sign(x))


KERNELS = (
    _row("ABS", np.abs, (*_F, "int32")),
    _row("NEG", np.negative, (*_F, *_I)),
    _row("EXP", np.exp, (*_F, "int8"), ulp=4),
    _row("LOG", np.log, (*_F, "int8"), ulp=4),
    _row("SQRT", np.sqrt, _F),
    _row("RSQRT", _rsqrt, _F, ulp=2),
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
