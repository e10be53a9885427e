"""GATHER, GATHER_ND, ONE_HOT, FILL, RANGE and WHERE."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.reshape import require_scalar_axis

_MOVED: tuple[str, ...] = (
    "float32",
    "float16",
    "bfloat16",
    "int8",
    "uint8",
    "int16",
    "int32",
    "int64",
)
_MOVED += ("bool", "string")


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _gather_axes(ctx: NodeContext) -> tuple[int, int]:
    """(axis, batch_dims), both non-negative."""
    x, indices = ctx.input(0), ctx.input(1)
    axis = require_scalar_axis(ctx, int(ctx.option("axis", 0)), len(x.shape))
    batch = int(ctx.option("batch_dims", 0))
    batch = batch + len(indices.shape) if batch < 0 else batch
    require(
        0 <= batch <= axis and batch <= len(indices.shape),
        ctx,
        f"batch_dims {batch} does not go with axis {axis}",
    )
    require(
        x.shape[:batch] == indices.shape[:batch],
        ctx,
        f"batch axes of {x.shape} and {indices.shape} differ",
    )
    return axis, batch


def prepare_gather(ctx: NodeContext) -> list[Shape | None]:
    """The axis replaced by the indices' axes after the batch."""
    require_inputs(ctx, 2)
    x, indices = ctx.input(0), ctx.input(1)
    require_dtype(ctx, indices, "int16", "int32", "int64")
    require_type(ctx, x, *_MOVED, "int4")
    require_same_type(ctx, x, ctx.outputs[0])
    if x.dtype.hasobject:
        require_rank(ctx, x, 1)
    axis, batch = _gather_axes(ctx)
    return [(*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])]


def evaluate_gather(ctx: NodeContext) -> list[Array]:
    """x[..., indices, ...] along the axis; nobody looks at the indices where an axis before it is
    empty.
    """
    x, indices = ctx.data(0), ctx.data(1).astype(np.int64)
    axis, batch = _gather_axes(ctx)
    require(bool((indices >= 0).all()), ctx, "an index is negative")
    shape, length = ctx.outputs[0].shape, x.shape[axis]
    if 0 not in x.shape[:axis]:
        inside = bool((indices < length).all())
        require(inside, ctx, f"an index is outside axis {axis} of {x.shape}")
    if 0 in shape:
        return [np.empty(shape, x.dtype)]
    if batch == 0:
        return [np.asarray(np.take(x, indices, axis=axis), x.dtype).reshape(shape)]
    batches, outer = _size(x.shape[:batch]), _size(x.shape[batch:axis])
    starts = np.arange(batches * outer).reshape(batches, outer, 1) * length
    rows = starts + indices.reshape(batches, 1, -1)
    return [x.reshape(-1, _size(x.shape[axis + 1 :]))[rows].reshape(shape)]


def prepare_gather_nd(ctx: NodeContext) -> list[Shape | None]:
    """The indices' shape without its last axis, then what one index leaves of the input."""
    require_inputs(ctx, 2)
    x, indices = ctx.input(0), ctx.input(1)
    require_dtype(ctx, indices, "int16", "int32", "int64")
    require_type(ctx, x, *_MOVED)
    require_same_type(ctx, x, ctx.outputs[0])
    require(len(indices.shape) >= 1 and len(x.shape) >= 1, ctx, "needs a rank of at least 1")
    depth = indices.shape[-1]
    require(depth <= len(x.shape), ctx, f"indices of {depth} numbers for input shape {x.shape}")
    return [(*indices.shape[:-1], *x.shape[depth:])]


def evaluate_gather_nd(ctx: NodeContext) -> list[Array]:
    """x[index] for each vector of indices."""
    x, indices = ctx.data(0), ctx.data(1).astype(np.int64)
    require(x.size > 0 or indices.size == 0, ctx, f"indices into an empty {x.shape}")
    require(bool((indices >= 0).all()), ctx, "an index is negative")
    depth = indices.shape[-1]
    limits = np.array(x.shape[:depth], np.int64)
    require(bool((indices < limits).all()), ctx, f"an index is outside the input's {x.shape}")
    picked = x[tuple(np.moveaxis(indices, -1, 0))]
    return [np.array(picked, x.dtype).reshape(ctx.outputs[0].shape)]


def prepare_one_hot(ctx: NodeContext) -> list[Shape | None]:
    """The indices' shape with an axis of `depth` inserted."""
    require_inputs(ctx, 4)
    require_dtype(ctx, ctx.input(0), "int32", "int64")
    require_type(ctx, ctx.input(2), "float32", "int8", "uint8", "int32", "int64", "bool")
    require_same_type(ctx, ctx.input(2), ctx.input(3), ctx.outputs[0])
    for i in (1, 2, 3):
        require(_size(ctx.input(i).shape) == 1, ctx, f"input {i} is not one number")
    shape = ctx.input(0).shape
    axis = int(ctx.option("axis", -1))
    axis = len(shape) if axis == -1 else axis
    require(0 <= axis <= len(shape), ctx, f"axis {axis} is outside rank {len(shape) + 1}")
    if ctx.input(1).data is None:
        return [None]
    depth = int(ctx.data(1).ravel()[0])
    require(depth >= 0, ctx, f"depth {depth} is negative")
    return [(*shape[:axis], depth, *shape[axis:])]


def evaluate_one_hot(ctx: NodeContext) -> list[Array]:
    """The on value where a position equals its index, else the off value."""
    axis = int(ctx.option("axis", -1))
    depth = int(ctx.data(1).ravel()[0])
    indices = ctx.data(0).astype(np.int32)
    axis = indices.ndim if axis == -1 else axis
    steps = np.arange(depth).reshape([-1 if i == axis else 1 for i in range(indices.ndim + 1)])
    hot = np.expand_dims(indices, axis) == steps
    on, off = ctx.data(2).ravel()[0], ctx.data(3).ravel()[0]
    return [np.where(hot, on, off).astype(ctx.outputs[0].dtype)]


def prepare_fill(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 0."""
    require_inputs(ctx, 2)
    dims, value, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_dtype(ctx, dims, "int32", "int64")
    require_rank(ctx, dims, 1)
    require_same_type(ctx, value, y)
    require(value.shape == (), ctx, f"value must be a scalar, not {value.shape}")
    scales = [v.scale if v.quantized else 0.0 for v in (value, y)]
    require(
        scales[0] == scales[1] and value.zero_point == y.zero_point,
        ctx,
        "the value and the output must have one scale and zero point",
    )
    require(value.dtype != np.int16 or value.zero_point == 0, ctx, "zero point must be 0")
    if dims.data is None:
        return [None]
    shape = tuple(int(d) for d in dims.data)
    require(min(shape, default=0) >= 0, ctx, f"shape {shape} has a negative axis")
    return [shape]


def evaluate_fill(ctx: NodeContext) -> list[Array]:
    """The value everywhere."""
    out = np.empty(ctx.outputs[0].shape, ctx.outputs[0].dtype)
    out[...] = ctx.data(1)[()]
    return [out]


def _range_length(ctx: NodeContext) -> int:
    start, limit, delta = (ctx.data(i)[()] for i in range(3))
    require(bool(delta != 0), ctx, "delta is 0")
    require(
        bool(start <= limit if delta > 0 else start >= limit),
        ctx,
        f"delta {delta} does not lead from {start} to {limit}",
    )
    if ctx.outputs[0].dtype.kind == "f":
        return int(np.ceil(abs((limit - start) / delta)))
    span, step = abs(int(limit) - int(start)), abs(int(delta))
    return (span + step - 1) // step


def prepare_range(ctx: NodeContext) -> list[Shape | None]:
    """One axis of as many steps as fit."""
    require_inputs(ctx, 3)
    values = [ctx.input(i) for i in range(3)]
    require_type(ctx, values[0], "int32", "int64", "float32")
    require_same_type(ctx, *values, ctx.outputs[0])
    for value in values:
        require_rank(ctx, value, 0)
    if any(v.data is None for v in values):
        return [None]
    return [(_range_length(ctx),)]


def evaluate_range(ctx: NodeContext) -> list[Array]:
    """start, start + delta, ... below the limit, each by one addition to the one before."""
    dtype = ctx.outputs[0].dtype
    steps = np.full(_range_length(ctx), ctx.data(2)[()], dtype)
    if steps.size:
        steps[0] = ctx.data(0)[()]
    return [np.cumsum(steps, dtype=dtype)]


def prepare_where(ctx: NodeContext) -> list[Shape | None]:
    """Known only when it runs."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.outputs[0], "int64")
    x = ctx.input(0)
    require_type(ctx, x, "bool", "float32", "int8", "uint8", "int32", "uint32", "int64")
    require(len(x.shape) > 0, ctx, "its condition is a scalar; it needs an axis")
    if x.data is None:
        return [None]
    return [(int(np.count_nonzero(x.data)), len(x.shape))]


def evaluate_where(ctx: NodeContext) -> list[Array]:
    """Indices of the true elements."""
    return [np.argwhere(ctx.data(0)).astype(np.int64)]


KERNELS = (
    Kernel("GATHER", prepare_gather, evaluate_gather),
    Kernel("GATHER_ND", prepare_gather_nd, evaluate_gather_nd),
    Kernel("ONE_HOT", prepare_one_hot, evaluate_one_hot),
    Kernel("FILL", prepare_fill, evaluate_fill),
    Kernel("RANGE", prepare_range, evaluate_range),
    Kernel("WHERE", prepare_where, evaluate_where),
)
