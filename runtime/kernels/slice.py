"""STRIDED_SLICE, SLICE, SPLIT, SPLIT_V and DYNAMIC_UPDATE_SLICE: any type."""

from __future__ import annotations

from types import EllipsisType
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
from litefuse.runtime.kernels.reshape import require_scalar_axis

Index = tuple[slice | int | EllipsisType | None, ...]


def _integers(ctx: NodeContext, i: int) -> list[int]:
    return [int(v) for v in ctx.data(i).ravel()]


def _index(ctx: NodeContext) -> Index:
    """The NumPy index that the masks and the three vectors spell."""
    begins, ends, strides = (_integers(ctx, i) for i in (1, 2, 3))

    def bit(name: str, i: int) -> bool:
        return bool(int(ctx.option(f"{name}_mask", 0)) >> i & 1)

    index: list[slice | int | EllipsisType | None] = []
    for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        require(stride != 0, ctx, f"stride {i} is 0")
        if bit("ellipsis", i):
            index.append(Ellipsis)
        elif bit("new_axis", i):
            index.append(None)
        elif bit("shrink_axis", i):
            index.append(begin)
        else:
            if ctx.option("offset", False):
                end = begin + end
            index.append(
                slice(None if bit("begin", i) else begin, None if bit("end", i) else end, stride)
            )
    return tuple(index)


def _pick(ctx: NodeContext, x: Array, index: Index) -> Array:
    try:
        return np.asarray(x[index])
    except IndexError as error:
        raise KernelError(f"{ctx.op.name}: {error} (input shape {x.shape})") from None


def prepare_strided(ctx: NodeContext) -> list[Shape | None]:
    """The shape that the slice leaves."""
    require_inputs(ctx, 4)
    x = ctx.input(0)
    require_same_dtype(ctx, x, ctx.outputs[0])
    vectors = [ctx.input(i) for i in (1, 2, 3)]
    for value in vectors:
        require_dtype(ctx, value, "int32")
        require(len(value.shape) == 1, ctx, f"{value.name!r} must be a vector, not {value.shape}")
    if any(value.data is None for value in vectors):
        return [None]
    return [_pick(ctx, np.broadcast_to(np.int8(0), x.shape), _index(ctx)).shape]


def evaluate_strided(ctx: NodeContext) -> list[Array]:
    """x[begin:end:stride, ...] with the masks' meanings."""
    return [ctx.copied(_pick(ctx, ctx.data(0), _index(ctx)))]


def _slice_index(ctx: NodeContext) -> tuple[slice, ...]:
    shape, begins, sizes = ctx.input(0).shape, _integers(ctx, 1), _integers(ctx, 2)
    require(
        len(begins) == len(shape) == len(sizes),
        ctx,
        f"begin {begins} and size {sizes} must have one entry for each axis of {shape}",
    )
    index = []
    for d, begin, size in zip(shape, begins, sizes, strict=True):
        end = d if size == -1 else begin + size
        require(
            0 <= begin <= end <= d and size >= -1,
            ctx,
            f"begin {begins} with size {sizes} leaves the input's {shape}",
        )
        index.append(slice(begin, end))
    return tuple(index)


def prepare_slice(ctx: NodeContext) -> list[Shape | None]:
    """The sizes asked for, -1 meaning all that is left."""
    require_inputs(ctx, 3)
    require_same_dtype(ctx, ctx.input(0), ctx.outputs[0])
    begin, size = ctx.input(1), ctx.input(2)
    for value in (begin, size):
        require_dtype(ctx, value, "int32", "int64")
    if begin.data is None or size.data is None:
        return [None]
    return [tuple(s.stop - s.start for s in _slice_index(ctx))]


def evaluate_slice(ctx: NodeContext) -> list[Array]:
    """x[begin : begin + size]."""
    return [ctx.copied(ctx.data(0)[_slice_index(ctx)])]


def _split_axis(ctx: NodeContext, i: int, rank: int) -> int:
    return require_scalar_axis(ctx, _integers(ctx, i)[0], rank)


def prepare_split(ctx: NodeContext) -> list[Shape | None]:
    """Equal parts along the axis that input 0 gives."""
    require_inputs(ctx, 2)
    x = ctx.input(1)
    parts = len(ctx.outputs)
    require(parts == int(ctx.option("num_splits", parts)), ctx, "num_splits is not its outputs")
    for y in ctx.outputs:
        require_same_dtype(ctx, x, y)
    if ctx.input(0).data is None:
        return [None] * parts
    axis = _split_axis(ctx, 0, len(x.shape))
    require(x.shape[axis] % parts == 0, ctx, f"{x.shape[axis]} is no multiple of {parts} parts")
    part = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
    return [part] * parts


def evaluate_split(ctx: NodeContext) -> list[Array]:
    """The parts in order."""
    axis = _split_axis(ctx, 0, ctx.data(1).ndim)
    parts = np.split(ctx.data(1), len(ctx.outputs), axis)
    return [ctx.copied(part, i) for i, part in enumerate(parts)]


def _sizes(ctx: NodeContext, total: int) -> list[int]:
    sizes = _integers(ctx, 1)
    open_ones = [i for i, s in enumerate(sizes) if s == -1]
    require(len(open_ones) <= 1, ctx, f"sizes {sizes} have more than one -1")
    if open_ones:
        sizes[open_ones[0]] = total - sum(s for s in sizes if s != -1)
    require(sum(sizes) == total and min(sizes) >= 0, ctx, f"sizes {sizes} do not add up to {total}")
    return sizes


def prepare_split_v(ctx: NodeContext) -> list[Shape | None]:
    """Parts of the sizes in input 1 along the axis in input 2."""
    require_inputs(ctx, 3)
    x, parts = ctx.input(0), len(ctx.outputs)
    for y in ctx.outputs:
        require_same_dtype(ctx, x, y)
    require(
        int(np.prod(ctx.input(1).shape)) == parts,
        ctx,
        f"{ctx.input(1).shape} sizes for {parts} outputs",
    )
    if ctx.input(1).data is None or ctx.input(2).data is None:
        return [None] * parts
    axis = _split_axis(ctx, 2, len(x.shape))
    return [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in _sizes(ctx, x.shape[axis])]


def evaluate_split_v(ctx: NodeContext) -> list[Array]:
    """The parts in order."""
    x = ctx.data(0)
    axis = _split_axis(ctx, 2, x.ndim)
    ends = np.cumsum(_sizes(ctx, x.shape[axis]))[:-1]
    return [ctx.copied(part, i) for i, part in enumerate(np.split(x, ends, axis))]


def prepare_update(ctx: NodeContext) -> list[Shape | None]:
    """The operand's shape."""
    require_inputs(ctx, 3)
    x, update = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, x, update, ctx.outputs[0])
    require_dtype(ctx, ctx.input(2), "int32", "int64")
    require(
        len(update.shape) == len(x.shape)
        and all(u <= d for u, d in zip(update.shape, x.shape, strict=True)),
        ctx,
        f"an update of shape {update.shape} does not fit {x.shape}",
    )
    return [x.shape]


def evaluate_update(ctx: NodeContext) -> list[Array]:
    """The operand with the update written at the start indices, clamped so that it fits."""
    out: Any = ctx.data(0).copy()
    update = ctx.data(1)
    index = tuple(
        slice(at := min(max(start, 0), d - u), at + u)
        for start, d, u in zip(_integers(ctx, 2), out.shape, update.shape, strict=True)
    )
    out[index] = update
    return [out]


KERNELS = (
    Kernel("STRIDED_SLICE", prepare_strided, evaluate_strided),
    Kernel("SLICE", prepare_slice, evaluate_slice),
    Kernel("SPLIT", prepare_split, evaluate_split),
    Kernel("SPLIT_V", prepare_split_v, evaluate_split_v),
    Kernel("DYNAMIC_UPDATE_SLICE", prepare_update, evaluate_update),
)
