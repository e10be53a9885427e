"""RESHAPE, SQUEEZE, EXPAND_DIMS, SHAPE and RANK: ops that only rename positions. Any type."""

from __future__ import annotations

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
    require_same_type,
)


def _requested(ctx: NodeContext) -> list[int] | None:
    """The new shape as asked for, -1 included; None when a tensor will tell only at run time.

    A shape tensor that is no int32 vector is passed over for the option, as LiteRT does.
    """
    shape = ctx.optional(1)
    if shape is not None and shape.data is None:
        return None
    if shape is not None and len(shape.shape) == 1 and shape.dtype == np.int32:
        return [int(d) for d in ctx.data(1)]
    given = ctx.option("new_shape")
    dims = [] if given is None else [int(d) for d in given]
    # Old converters wrote [0] for a scalar.
    return [] if dims == [0] else dims


def _reshaped(ctx: NodeContext) -> Shape | None:
    """The shape asked for, with one -1 solved; None while a tensor is unknown."""
    x, wanted = ctx.input(0), _requested(ctx)
    if wanted is None:
        return None
    size = int(np.prod(x.shape, dtype=np.int64))
    stretch = [i for i, d in enumerate(wanted) if d == -1]
    require(len(stretch) <= 1, ctx, f"shape {wanted} has more than one -1")
    if stretch:
        # Zeros on both sides are left out of the division, so that [0, 3] fits [0, -1].
        known = [d for d in wanted if d != -1]
        whole = int(np.prod([d for d in x.shape if d], dtype=np.int64))
        part = int(np.prod([d for d in known if d], dtype=np.int64))
        wanted[stretch[0]] = 0 if size == 0 and 0 not in known else whole // part
    require(
        int(np.prod(wanted, dtype=np.int64)) == size and min(wanted, default=0) >= 0,
        ctx,
        f"{size} elements of shape {x.shape} do not fill shape {wanted}",
    )
    return tuple(wanted)


def prepare_reshape(ctx: NodeContext) -> list[Shape | None]:
    """The shape asked for; that of strings is left to the run, as LiteRT does."""
    require_inputs(ctx, 1, 2)
    x = ctx.input(0)
    require_same_type(ctx, x, ctx.outputs[0])
    _require_few(ctx, "new_shape")
    return [None if x.dtype.hasobject else _reshaped(ctx)]


def _require_few(ctx: NodeContext, option: str) -> None:
    """LiteRT has room for 8 numbers in these options, whether or not it then uses them."""
    count = len(ctx.option(option) or ())
    require(count <= 8, ctx, f"{option} has {count} entries, 8 are the most")


def prepare_squeeze(ctx: NodeContext) -> list[Shape | None]:
    """The shape without its 1s, or without those that squeeze_dims names."""
    require_inputs(ctx, 1)
    _require_few(ctx, "squeeze_dims")
    shape = ctx.input(0).shape
    named = ctx.option("squeeze_dims")
    if named is None or len(named) == 0:
        return [tuple(d for d in shape if d != 1)]
    drop = set()
    for axis in (int(a) for a in named):
        resolved = axis + len(shape) if axis < 0 else axis
        require(0 <= resolved < len(shape), ctx, f"axis {axis} is outside rank {len(shape)}")
        require(shape[resolved] == 1, ctx, f"axis {axis} of shape {shape} is not 1")
        drop.add(resolved)
    return [tuple(d for i, d in enumerate(shape) if i not in drop)]


def prepare_expand_dims(ctx: NodeContext) -> list[Shape | None]:
    """The shape with a 1 inserted at the axis that input 1 gives."""
    require_inputs(ctx, 2)
    x, axis = ctx.input(0), ctx.input(1)
    require_dtype(ctx, axis, "int32", "int64")
    if axis.data is None:
        return [None]
    require(axis.data.size == 1, ctx, f"axis must be one number, not {axis.data.tolist()}")
    at = int(axis.data.ravel()[0])
    resolved = at + len(x.shape) + 1 if at < 0 else at
    require(0 <= resolved <= len(x.shape), ctx, f"axis {at} is outside rank {len(x.shape) + 1}")
    return [(*x.shape[:resolved], 1, *x.shape[resolved:])]


def evaluate_reshape(ctx: NodeContext) -> list[Array]:
    """The same elements in the new shape."""
    return [ctx.copied(ctx.data(0).reshape(_reshaped(ctx)))]


def evaluate_renamed(ctx: NodeContext) -> list[Array]:
    """The same elements in the shape that was prepared."""
    return [ctx.copied(ctx.data(0).reshape(ctx.outputs[0].shape))]


def prepare_shape(ctx: NodeContext) -> list[Shape | None]:
    """One number per axis."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.outputs[0], "int32", "int64")
    return [(len(ctx.input(0).shape),)]


def evaluate_shape(ctx: NodeContext) -> list[Array]:
    """The input's shape."""
    return [np.array(ctx.input(0).shape, ctx.outputs[0].dtype)]


def prepare_rank(ctx: NodeContext) -> list[Shape | None]:
    """A scalar."""
    require_inputs(ctx, 1)
    return [()]


def evaluate_rank(ctx: NodeContext) -> list[Array]:
    """The input's rank."""
    return [np.array(len(ctx.input(0).shape), np.int32)]


def require_scalar_axis(ctx: NodeContext, axis: int, rank: int) -> int:
    """`axis` as a non-negative number below rank; KernelError otherwise."""
    resolved = axis + rank if axis < 0 else axis
    if not 0 <= resolved < rank:
        raise KernelError(f"{ctx.op.name}: axis {axis} is outside rank {rank}")
    return resolved


KERNELS = (
    Kernel("RESHAPE", prepare_reshape, evaluate_reshape),
    Kernel("SQUEEZE", prepare_squeeze, evaluate_renamed),
    Kernel("EXPAND_DIMS", prepare_expand_dims, evaluate_renamed),
    Kernel("SHAPE", prepare_shape, evaluate_shape),
    Kernel("RANK", prepare_rank, evaluate_rank),
)
