"""ARG_MAX, ARG_MIN and TOPK_V2; exact.

ARG_MAX and ARG_MIN pass over NaN, as LiteRT does, but for axes of four and more elements that lie
side by side: there its vector instructions order NaN as the CPU does.  With NaN in TOPK_V2 its sort
has no defined order.  The output of ARG_MAX has the type of its option: LiteRT changes the tensor's
type, should that be another.
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
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.reshape import require_scalar_axis


def _one(ctx: NodeContext, what: str) -> None:
    shape = ctx.input(1).shape
    require(int(np.prod(shape, dtype=np.int64)) == 1, ctx, f"needs one {what}, has shape {shape}")


def _axis(ctx: NodeContext) -> int:
    return require_scalar_axis(ctx, int(ctx.data(1).ravel()[0]), len(ctx.input(0).shape))


def prepare_arg(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape without the axis."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require_type(ctx, x, "float32", "int8", "uint8", "int32", "bool")
    require_dtype(ctx, ctx.input(1), "int32", "int64")
    _one(ctx, "axis")
    require_dtype(ctx, ctx.outputs[0], "int32", "int64")
    require(len(x.shape) >= 1, ctx, "a scalar has no axis")
    if ctx.input(1).data is None:
        return [None]
    axis = _axis(ctx)
    require(x.shape[axis] > 0, ctx, f"axis {axis} of shape {x.shape} is empty")
    return [(*x.shape[:axis], *x.shape[axis + 1 :])]


def _evaluate_arg(ctx: NodeContext, pick: Callable[..., Array], worst: float) -> list[Array]:
    x, axis = ctx.data(0), _axis(ctx)
    absent = np.isnan(x) if x.dtype.kind == "f" else np.zeros((), bool)
    if not absent.any():
        return [np.asarray(pick(x, axis=axis), ctx.outputs[0].dtype)]
    found = pick(np.where(absent, worst, x), axis=axis, keepdims=True)
    present = np.argmax(~absent, axis=axis, keepdims=True)
    found = np.where(np.take_along_axis(absent, found, axis), present, found)
    return [np.asarray(found.squeeze(axis), ctx.outputs[0].dtype)]


evaluate_arg_max = partial(_evaluate_arg, pick=np.argmax, worst=-np.inf)
evaluate_arg_min = partial(_evaluate_arg, pick=np.argmin, worst=np.inf)


def _k(ctx: NodeContext) -> int:
    return max(int(ctx.data(1).ravel()[0]), 0)


def prepare_topk(ctx: NodeContext) -> list[Shape | None]:
    """Values and indices: the input's shape with the last axis cut to k, 0 for a negative one."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require_type(ctx, x, "float32", "int8", "uint8", "int16", "int32", "int64")
    require_same_type(ctx, x, ctx.outputs[0])
    require_dtype(ctx, ctx.input(1), "int32", "int16")
    require_type(ctx, ctx.outputs[1], "int32", "int16")
    require(len(x.shape) >= 1, ctx, "needs a rank of at least 1")
    _one(ctx, "k")
    if ctx.input(1).data is None:
        return [None, None]
    k = _k(ctx)
    require(k <= x.shape[-1], ctx, f"k {k} exceeds the last axis of {x.shape}")
    return [(*x.shape[:-1], k), (*x.shape[:-1], k)]


def _first(falling: Array, k: int) -> Array:
    """Where the k smallest of each row are, of equals the first."""
    count = falling.shape[-1]
    if falling.dtype.itemsize > 4 or not 0 < k < count // 4 or count >= 1 << 24:
        return np.argsort(falling, axis=-1, kind="stable")[..., :k]
    # One number says value and place, in this order, so that no two are equal: of a float its bits
    # as an integer that is ordered alike, -0 being 0.
    keys = falling
    if falling.dtype.kind == "f":
        bits = (np.where(np.isnan(falling), np.float32(np.inf), falling) + 0).view(np.int32)
        keys = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys = (keys.astype(np.int64) << 24) + np.arange(count)
    return np.asarray(np.sort(np.partition(keys, k - 1, axis=-1)[..., :k], axis=-1) & 0xFFFFFF)


def evaluate_topk(ctx: NodeContext) -> list[Array]:
    """The k largest along the last axis, largest first; of equals the first."""
    x, k = ctx.data(0), _k(ctx)
    falling = -x if x.dtype.kind == "f" else ~x  # ~x falls as x rises, without overflow
    order = _first(falling, k)
    values = np.take_along_axis(x, order, axis=-1)
    return [values, order.astype(ctx.outputs[1].dtype)]


KERNELS = (
    Kernel("ARG_MAX", prepare_arg, evaluate_arg_max),
    Kernel("ARG_MIN", prepare_arg, evaluate_arg_min),
    Kernel("TOPK_V2", prepare_topk, evaluate_topk, waits=lambda ctx: ctx.input(0).open_shape),
)
