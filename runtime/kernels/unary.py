"""Elementwise functions of one tensor: one table row an op.

Float bounds: EXP, LOG, SIN and COS 2 ulp (`accurate.LIBRARY_ULP` derives it), the rest equal.
16-bit floats are computed in float32 and rounded.

Quantised: EXP and LOG look a table up, of 256 entries or of 513 that are interpolated, and so does
RSQRT of int16; RSQRT of int8 is fixed point.  SQRT truncates where all others round (found by
running it).  NEG negates the stored numbers, whatever their scale and zero point.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from litefuse.runtime.kernels import accurate
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
from litefuse.runtime.kernels.bfloat16 import in_floats
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier
from litefuse.runtime.kernels.int8_tables import evaluate_int8_table
from litefuse.runtime.kernels.int16_tables import evaluate_int16_table
from litefuse.runtime.kernels.l2_normalization import inverse_square_root

_F = ("float32",)
_I = ("int32", "int64")
_HALVES = ("float16", "bfloat16")
_QUANTISED = ("float32", "int8", "int16")


def _prepare(ctx: NodeContext, dtypes: tuple[str, ...]) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_same_dtype(ctx, x, ctx.outputs[0])
    require_dtype(ctx, x, *dtypes)
    return [x.shape]


def _evaluate(ctx: NodeContext, function: Callable[[Array], Any]) -> list[Array]:
    x = ctx.data(0)
    if x.dtype == np.float16 or ctx.input(0).type_name == "bfloat16":
        return [in_floats(ctx, function)]
    return [np.asarray(function(x), x.dtype)]


def _row(
    name: str, function: Callable[[Array], Any], dtypes: tuple[str, ...] = _F, ulp: int = 0
) -> Kernel:
    return Kernel(
        name, partial(_prepare, dtypes=dtypes), partial(_evaluate, function=function), ulp=ulp
    )


def _prepare_quantised(ctx: NodeContext, dtypes: tuple[str, ...]) -> list[Shape | None]:
    """The input's shape."""
    shape = _prepare(ctx, dtypes)
    x, y = ctx.input(0), ctx.outputs[0]
    # Unquantised int16 is for ABS alone; LiteRT crashes on the others.
    if x.dtype == np.int8 or (x.dtype == np.int16 and (x.quantized or ctx.op.name != "ABS")):
        for value in (x, y):
            value.scale  # noqa: B018 - raises when absent
            whole = x.dtype == np.int8 or value.zero_point == 0
            require(whole, ctx, f"int16 {value.name!r} needs zero point 0, has {value.zero_point}")
    return shape


def _prepare_exp(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    shape = _prepare(ctx, _QUANTISED)
    if ctx.input(0).dtype.kind == "i":
        ctx.input(0).scale, ctx.outputs[0].scale
    return shape


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


def _table(ctx: NodeContext, function: Callable[[Array], Array]) -> list[Array]:
    if ctx.data(0).dtype == np.int8:
        return [evaluate_int8_table(ctx, function)]
    return [evaluate_int16_table(ctx, function)]


def _evaluate_exp(ctx: NodeContext) -> list[Array]:
    """e ** x."""
    if ctx.data(0).dtype.kind == "f":
        return _evaluate(ctx, accurate.exp)
    return _table(ctx, accurate.exp)


def _evaluate_log(ctx: NodeContext) -> list[Array]:
    """The natural logarithm; quantised, the least value of the output's type for x <= 0."""
    yv = ctx.outputs[0]
    if yv.dtype.kind == "f":
        return _evaluate(ctx, accurate.log)
    steps = np.float32(np.iinfo(yv.dtype).min - yv.zero_point)
    least = steps * np.float32(yv.scale)

    def log(x: Array) -> Array:
        return np.where(x <= 0, least, accurate.log(x)).astype(np.float32)

    return _table(ctx, log)


def _steps(ctx: NodeContext) -> Array:
    """Stored numbers less the zero point, none of which may be negative."""
    steps = ctx.data(0).astype(np.int64) - ctx.input(0).zero_point
    least = int(steps.min(initial=0))
    require(least >= 0, ctx, f"{least} steps below the zero point has no square root")
    return steps


def _evaluate_sqrt(ctx: NodeContext) -> list[Array]:
    """The square root; quantised, rounded toward zero before the zero point is added."""
    xv, yv = ctx.input(0), ctx.outputs[0]
    if yv.dtype.kind == "f":
        return _evaluate(ctx, np.sqrt)
    root = np.sqrt(np.float32(xv.scale) * _steps(ctx).astype(np.float32)) / np.float32(yv.scale)
    info = np.iinfo(yv.dtype)
    return [np.clip(root.astype(np.int64) + yv.zero_point, info.min, info.max).astype(yv.dtype)]


def _evaluate_rsqrt(ctx: NodeContext) -> list[Array]:
    """1 / sqrt(x); the largest number of an integer type for 0."""
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        return _evaluate(ctx, _rsqrt)
    steps = _steps(ctx)
    if x.dtype == np.int16:
        most = np.float32(32767) * np.float32(yv.scale)
        return _table(ctx, lambda v: np.where(v <= 0, most, _rsqrt(v)).astype(np.float32))
    values, where = np.unique(steps, return_inverse=True)
    q, shift = quantize_multiplier(
        1.0 / float(np.sqrt(np.float32(xv.scale)) * np.float32(yv.scale))
    )
    table = np.empty(len(values), x.dtype)
    for i, value in enumerate(values):
        if value == 0:
            table[i] = 127
            continue
        inverse, right = inverse_square_root(int(value))
        root = mbqm(1, inverse, 20 - right)
        table[i] = np.clip(mbqm(root, q, shift - 20) + yv.zero_point, -128, 127)
    return [table[where].reshape(x.shape)]


def _rsqrt(x: Array) -> Array:
    return np.asarray(1 / np.sqrt(x))


KERNELS = (
    Kernel(
        "ABS",
        partial(_prepare_quantised, dtypes=(*_QUANTISED, "int32")),
        _evaluate_abs,
    ),
    _row("NEG", np.negative, (*_F, *_HALVES, *_I, "int8", "int16")),
    Kernel("EXP", _prepare_exp, _evaluate_exp, ulp=accurate.LIBRARY_ULP),
    Kernel(
        "LOG",
        partial(_prepare_quantised, dtypes=_QUANTISED),
        _evaluate_log,
        ulp=accurate.LIBRARY_ULP,
    ),
    Kernel("SQRT", partial(_prepare_quantised, dtypes=_QUANTISED), _evaluate_sqrt),
    Kernel("RSQRT", partial(_prepare_quantised, dtypes=_QUANTISED), _evaluate_rsqrt),
    _row("SQUARE", np.square, _F),
    _row("SIN", accurate.sin, (*_F, "float16"), ulp=accurate.LIBRARY_ULP),
    _row("COS", accurate.cos, (*_F, "float16"), ulp=accurate.LIBRARY_ULP),
    _row("FLOOR", np.floor, (*_F, *_HALVES)),
    _row("CEIL", np.ceil, _F),
    _row("ROUND", np.rint, (*_F, *_HALVES)),
    _row("SIGN", np.sign, (*_F, "float64", "int32")),
    _row("ZEROS_LIKE", np.zeros_like, (*_F, *_I)),
    _row("LOGICAL_NOT", np.logical_not, ("bool",)),
)
