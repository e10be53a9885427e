"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY and REDUCE_ALL over given axes.

Float bound: SUM and MEAN the summation bound of the elements reduced (MEAN divides it by their
number); REDUCE_PROD is relative, a rounding for each factor.

Quantised SUM is the reference's as it stands upstream: a sum in int32, rescaled once and clamped.
LiteRT 2.3.0 reads int8 and int16 as unsigned bytes when the scales differ, and adds without the
zero point when they agree; upstream has corrected both, and so they are not copied here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.bounds import relative, summation
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier, wrap32


def _axes(ctx: NodeContext) -> tuple[int, ...]:
    """The axes to reduce, without repeats, as non-negative numbers."""
    rank = len(ctx.input(0).shape)
    found: list[int] = []
    for axis in ctx.data(1).ravel().tolist():
        resolved = axis + rank if axis < 0 else axis
        if rank:
            require(0 <= resolved < rank, ctx, f"axis {axis} is outside rank {rank}")
            if resolved not in found:
                found.append(resolved)
    return tuple(sorted(found))


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape without the reduced axes, or with 1 in their place when keep_dims is
    set.
    """
    require_inputs(ctx, 2)
    x, axis, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, axis, "int32")
    if axis.data is None:
        return [None]
    axes = _axes(ctx)
    if ctx.option("keep_dims", False):
        return [tuple(1 if i in axes else d for i, d in enumerate(x.shape))]
    return [tuple(d for i, d in enumerate(x.shape) if i not in axes)]


def _prepare_of(*dtypes: str) -> Callable[[NodeContext], list[Shape | None]]:
    def check_and_prepare(ctx: NodeContext) -> list[Shape | None]:
        require_dtype(ctx, ctx.input(0), *dtypes)
        return prepare(ctx)

    return check_and_prepare


def _reduced(ctx: NodeContext) -> int:
    """How many elements go into one of the output."""
    return int(np.prod([ctx.input(0).shape[a] for a in _axes(ctx)], dtype=np.int64))


def _quantized(ctx: NodeContext) -> bool:
    y = ctx.outputs[0]
    return y.dtype.kind in "iu" and y.dtype.itemsize <= 2 and y.quantized


def _finish(ctx: NodeContext, value: Any) -> list[Array]:
    y = ctx.outputs[0]
    info = np.iinfo(y.dtype)
    return [np.clip(value, info.min, info.max).astype(y.dtype).reshape(y.shape)]


def _rescaled_sum(ctx: NodeContext, mean: bool) -> list[Array]:
    """Quantised MEAN and SUM: the sum in int32, one multiplier that holds 1 / n for MEAN."""
    xv, yv = ctx.input(0), ctx.outputs[0]
    axes = _axes(ctx)
    count = int(np.prod([xv.shape[a] for a in axes])) if axes else 1
    total = ctx.data(0).sum(axis=axes, dtype=np.int64)
    q, shift = quantize_multiplier(float(xv.scale) / float(yv.scale))
    if mean and count:
        k = min(count.bit_length() - 1, 32, 31 + shift)
        q = (q << k) // count
        shift -= k
    return _finish(ctx, mbqm(wrap32(total - xv.zero_point * count), q, shift) + yv.zero_point)


def evaluate_mean(ctx: NodeContext) -> list[Array]:
    """The mean; plain integers truncate toward zero, quantised ones round by their multiplier."""
    xv, yv = ctx.input(0), ctx.outputs[0]
    if _quantized(ctx):
        return _rescaled_sum(ctx, mean=True)
    axes = _axes(ctx)
    x = ctx.data(0)
    if yv.dtype.kind == "f":
        return [np.asarray(x.mean(axis=axes, dtype=np.float64).astype(yv.dtype)).reshape(yv.shape)]
    count = int(np.prod([xv.shape[a] for a in axes])) if axes else 1
    total = x.sum(axis=axes, dtype=np.int64)
    mean = np.sign(total) * (np.abs(total) // max(count, 1))
    return [np.asarray(mean.astype(yv.dtype)).reshape(yv.shape)]


def evaluate_sum(ctx: NodeContext) -> list[Array]:
    """The sum; plain integers wrap."""
    yv = ctx.outputs[0]
    if _quantized(ctx):
        return _rescaled_sum(ctx, mean=False)
    wide = np.float64 if yv.dtype.kind == "f" else yv.dtype
    with np.errstate(all="ignore"):
        total = ctx.data(0).sum(axis=_axes(ctx), dtype=wide)
    return [np.asarray(total.astype(yv.dtype)).reshape(yv.shape)]


def _extremum(ctx: NodeContext, pick: Any, initial: Any) -> list[Array]:
    xv, yv = ctx.input(0), ctx.outputs[0]
    if _quantized(ctx) and (xv.scale, xv.zero_point) != (yv.scale, yv.zero_point):
        raise KernelError(f"{ctx.op.name}: input and output must have one scale and zero point")
    value = pick(ctx.data(0), axis=_axes(ctx), initial=initial)
    return [np.asarray(value, yv.dtype).reshape(yv.shape)]


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def evaluate_max(ctx: NodeContext) -> list[Array]:
    """The largest element; the type's lowest value where nothing is reduced."""
    return _extremum(ctx, np.max, _limits(ctx.outputs[0].dtype)[0])


def evaluate_min(ctx: NodeContext) -> list[Array]:
    """The smallest element; the type's highest value where nothing is reduced."""
    return _extremum(ctx, np.min, _limits(ctx.outputs[0].dtype)[1])


def evaluate_prod(ctx: NodeContext) -> list[Array]:
    """The product of unquantised elements; integers wrap."""
    yv = ctx.outputs[0]
    with np.errstate(all="ignore"):
        value = ctx.data(0).prod(axis=_axes(ctx), dtype=yv.dtype)
    return [np.asarray(value, yv.dtype).reshape(yv.shape)]


def evaluate_any(ctx: NodeContext) -> list[Array]:
    """Whether any element is true."""
    return [np.asarray(ctx.data(0).any(axis=_axes(ctx))).reshape(ctx.outputs[0].shape)]


def evaluate_all(ctx: NodeContext) -> list[Array]:
    """Whether all elements are true."""
    return [np.asarray(ctx.data(0).all(axis=_axes(ctx))).reshape(ctx.outputs[0].shape)]


_NUMBERS = ("float32", "int8", "uint8", "int16", "int32", "int64")

KERNELS = (
    Kernel(
        "MEAN",
        _prepare_of(*_NUMBERS),
        evaluate_mean,
        bound=summation(evaluate_mean, "elements reduced + 1", lambda ctx: _reduced(ctx) + 1),
    ),
    Kernel(
        "SUM",
        _prepare_of(*_NUMBERS),
        evaluate_sum,
        bound=summation(evaluate_sum, "elements reduced", lambda ctx: _reduced(ctx)),
    ),
    Kernel("REDUCE_MAX", _prepare_of(*_NUMBERS), evaluate_max),
    Kernel("REDUCE_MIN", _prepare_of(*_NUMBERS), evaluate_min),
    Kernel(
        "REDUCE_PROD",
        _prepare_of("float32", "int32", "int64"),
        evaluate_prod,
        bound=relative("relative, a rounding for each factor", lambda ctx: _reduced(ctx)),
    ),
    Kernel("REDUCE_ANY", _prepare_of("bool"), evaluate_any),
    Kernel("REDUCE_ALL", _prepare_of("bool"), evaluate_all),
)
