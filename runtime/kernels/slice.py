"""STRIDED_SLICE and SLICE of any type; SPLIT, SPLIT_V and DYNAMIC_UPDATE_SLICE."""

from __future__ import annotations

from types import EllipsisType
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
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.reshape import require_scalar_axis

Index = tuple[slice | int | EllipsisType | None, ...]


def _integers(ctx: NodeContext, i: int) -> list[int]:
    return [int(v) for v in ctx.data(i).ravel()]


def _bounds(size: int, begin: int | None, end: int | None, stride: int) -> tuple[int, int]:
    """Where an axis's walk starts and stops, clamped as LiteRT does; None is an end of the axis."""
    low, high = (0, size) if stride > 0 else (-1, size - 1)

    def clamped(at: int) -> int:
        return min(max(at + size if at < 0 else at, low), high)

    first, last = (low, high) if stride > 0 else (high, low)
    return (
        first if begin is None else clamped(begin),
        last if end is None else clamped(end),
    )


def _positions(ctx: NodeContext) -> list[int | EllipsisType | None]:
    """What each axis of the slice comes from: an entry of the vectors, None (a new axis), or
    Ellipsis (an axis of the input as it is).
    """
    count, rank = ctx.input(1).shape[0], len(ctx.input(0).shape)
    ellipsis, new = (int(ctx.option(f"{n}_mask", 0)) for n in ("ellipsis", "new_axis"))
    added = sum((new & ~ellipsis) >> i & 1 for i in range(count))
    found: list[int | EllipsisType | None] = []
    for k in range(count):
        if ellipsis >> k & 1:
            # At least one axis, even where NumPy's ellipsis would stand for none.
            room = min(1 + added + rank - count, rank + added - k)
            found += [Ellipsis] * max(1, room)
        else:
            found.append(None if new >> k & 1 else k)
    found += [Ellipsis] * (rank + added - len(found))
    return found[: rank + added]


def _strided(ctx: NodeContext) -> tuple[Index, Shape]:
    """The NumPy index that the masks and the vectors spell, and the shape that it leaves.

    With `offset` the ends are lengths, and the shape does not depend on the begins, which may then
    not be known yet.
    """
    offset = bool(ctx.option("offset", False))
    known = ctx.input(1).data is not None
    ends, strides = _integers(ctx, 2), _integers(ctx, 3)
    begins = _integers(ctx, 1) if known else [0] * len(ends)
    masks = {n: int(ctx.option(f"{n}_mask", 0)) for n in ("begin", "end", "shrink_axis")}
    sizes = iter(ctx.input(0).shape)
    index: list[slice | int | EllipsisType | None] = []
    shape: list[int] = []
    for k in _positions(ctx):
        if k is None:
            index.append(None)
            shape.append(1)
            continue
        size = next(sizes)
        if not isinstance(k, int):
            index.append(slice(None))
            shape.append(size)
            continue
        stride = strides[k]
        require(stride != 0, ctx, f"stride {k} is 0")
        begin = None if masks["begin"] >> k & 1 else begins[k]
        end = None if masks["end"] >> k & 1 else ends[k]
        start, stop = _bounds(size, begin, end, stride) if size else (0, 0)
        if masks["shrink_axis"] >> k & 1:
            require(0 <= start < size, ctx, f"begin {begin} is outside an axis of {size}")
            index.append(start)
            continue
        if offset:
            require(ends[k] >= 0, ctx, f"length {ends[k]} is negative")
            stop = start + ends[k]
            require(not known or stop <= size, ctx, f"{begin} + {ends[k]} leaves an axis of {size}")
        walk = range(start, stop, stride)
        shape.append(len(walk))
        index.append(slice(walk[0], stop if stop >= 0 else None, stride) if walk else slice(0, 0))
    return tuple(index), tuple(shape)


def prepare_strided(ctx: NodeContext) -> list[Shape | None]:
    """The shape that the slice leaves."""
    require_inputs(ctx, 4)
    x = ctx.input(0)
    require_same_type(ctx, x, ctx.outputs[0])
    vectors = [ctx.input(i) for i in (1, 2, 3)]
    for value in vectors:
        require_dtype(ctx, value, "int32")
        require(len(value.shape) == 1, ctx, f"{value.name!r} must be a vector, not {value.shape}")
    count = vectors[0].shape[0]
    require(
        vectors[1].shape[0] == count <= vectors[2].shape[0],
        ctx,
        f"begins, ends and strides have lengths {[v.shape[0] for v in vectors]}",
    )
    needed = vectors[1:] if ctx.option("offset", False) else vectors
    if any(value.data is None for value in needed):
        return [None]
    return [_strided(ctx)[1]]


def evaluate_strided(ctx: NodeContext) -> list[Array]:
    """x[begin:end:stride, ...] with the masks' meanings."""
    x = ctx.data(0)
    return [np.array(x[_strided(ctx)[0]], x.dtype)]


def _slice_index(ctx: NodeContext) -> tuple[slice, ...]:
    shape, begins, sizes = ctx.input(0).shape, _integers(ctx, 1), _integers(ctx, 2)
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
    """The sizes asked for, -1 meaning all that is left; the declared shape where it is fixed."""
    require_inputs(ctx, 3)
    x = ctx.input(0)
    require_same_type(ctx, x, ctx.outputs[0])
    begin, size = ctx.input(1), ctx.input(2)
    for value in (begin, size):
        require_dtype(ctx, value, "int32", "int64")
        require(
            value.shape == (len(x.shape),),
            ctx,
            f"{value.name!r} of shape {value.shape} must have one entry for each axis of {x.shape}",
        )
    require_same_type(ctx, begin, size)
    fixed = _fixed_shape(ctx)
    if begin.data is None or size.data is None or (fixed and x.open_shape):
        return [fixed]
    return [_require_fixed(ctx, tuple(s.stop - s.start for s in _slice_index(ctx)))]


def _fixed_shape(ctx: NodeContext) -> Shape | None:
    """The shape that the file gives the output, if it has axes and none may change: LiteRT keeps
    it, and then slices of that shape only.
    """
    y = ctx.outputs[0]
    return None if y.open_shape or not y.tensor.shape else tuple(y.tensor.shape)


def _require_fixed(ctx: NodeContext, shape: Shape) -> Shape:
    fixed = _fixed_shape(ctx)
    require(fixed in (None, shape), ctx, f"the slice is {shape}, declared is {fixed}")
    return shape


def waits_slice(ctx: NodeContext) -> bool:
    """Where the input's shape may change and the output's is not declared."""
    return _fixed_shape(ctx) is None and ctx.input(0).open_shape


def evaluate_slice(ctx: NodeContext) -> list[Array]:
    """x[begin : begin + size]."""
    x = ctx.data(0)
    part = np.asarray(x[_slice_index(ctx)], x.dtype)
    _require_fixed(ctx, part.shape)
    return [ctx.copied(part)]


def _split_axis(ctx: NodeContext, i: int, rank: int) -> int:
    return require_scalar_axis(ctx, _integers(ctx, i)[0], rank)


def prepare_split(ctx: NodeContext) -> list[Shape | None]:
    """Equal parts along the axis that input 0 gives."""
    require_inputs(ctx, 2)
    x = ctx.input(1)
    parts = len(ctx.outputs)
    require(parts == int(ctx.option("num_splits", 0)), ctx, "num_splits is not its outputs")
    require_type(ctx, x, "float32", "int8", "uint8", "int16", "int32", "int64")
    for y in ctx.outputs:
        require_same_type(ctx, x, y)
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
    require(parts == int(ctx.option("num_splits", 0)), ctx, "num_splits is not its outputs")
    require_type(ctx, x, "float32", "int8", "uint8", "int16", "int32", "int64")
    for y in ctx.outputs:
        require_same_type(ctx, x, y)
    require_dtype(ctx, ctx.input(1), "int32", "int64")
    require(
        ctx.input(1).shape == (parts,),
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
    require_same_type(ctx, x, update, ctx.outputs[0])
    require(not x.dtype.hasobject, ctx, f"tensor {x.name!r} holds strings")
    require_dtype(ctx, ctx.input(2), "int32", "int64")
    starts = ctx.input(2).shape
    require(starts == (len(x.shape),), ctx, f"start indices of shape {starts} for {x.shape}")
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
    Kernel("SLICE", prepare_slice, evaluate_slice, waits=waits_slice),
    Kernel("SPLIT", prepare_split, evaluate_split),
    Kernel("SPLIT_V", prepare_split_v, evaluate_split_v),
    Kernel("DYNAMIC_UPDATE_SLICE", prepare_update, evaluate_update),
)
