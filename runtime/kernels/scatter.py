"""SCATTER_ND and SPARSE_TO_DENSE.

Float results are equal: updates that meet are added in their order.
"""

from __future__ import annotations

import math

import numpy as np

from litefuse.runtime.kernels.accumulate import accumulate
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


def prepare_scatter_nd(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 2."""
    require_inputs(ctx, 3)
    indices, updates, shape = ctx.input(0), ctx.input(1), ctx.input(2)
    require_dtype(ctx, indices, "int32")
    require_type(ctx, updates, "float32", "int8", "uint8", "int32", "int64", "bool")
    require_dtype(ctx, shape, "int32")
    require_same_type(ctx, updates, ctx.outputs[0])
    require(
        len(indices.shape) >= 1 and len(updates.shape) >= 1 and len(shape.shape) == 1,
        ctx,
        f"indices {indices.shape}, updates {updates.shape} and shape {shape.shape} need axes",
    )
    if shape.data is None:
        return [None]
    wanted = tuple(int(d) for d in shape.data)
    depth = indices.shape[-1]
    require(depth <= len(wanted), ctx, f"indices of {depth} numbers for shape {wanted}")
    require(
        updates.shape == (*indices.shape[:-1], *wanted[depth:]),
        ctx,
        f"updates of shape {updates.shape} do not fit indices {indices.shape} into {wanted}",
    )
    return [wanted]


def evaluate_scatter_nd(ctx: NodeContext) -> list[Array]:
    """Zeros, with each update added where its index points."""
    indices, updates = ctx.data(0).astype(np.int64), ctx.data(1)
    out = np.zeros(ctx.outputs[0].shape, updates.dtype)
    limits = np.array(out.shape[: indices.shape[-1]])
    require(
        bool(((indices >= 0) & (indices < limits)).all()),
        ctx,
        f"an index is outside the output's {out.shape}",
    )
    depth = indices.shape[-1]
    rows = np.zeros(indices.shape[:-1], np.int64)
    for axis in range(depth):
        rows = rows * out.shape[axis] + indices[..., axis]
    places = out.reshape(math.prod(out.shape[:depth]), *out.shape[depth:])
    accumulate(np.add, places, rows.ravel(), updates)
    return [out]


def prepare_sparse_to_dense(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 1."""
    require_inputs(ctx, 4)
    for i in (0, 1):
        require_dtype(ctx, ctx.input(i), "int32", "int64")
    require_type(ctx, ctx.input(2), "float32", "int32", "int64", "int8", "uint8")
    require_same_type(ctx, ctx.input(2), ctx.input(3), ctx.outputs[0])
    where = ctx.input(0).shape
    require(len(where) < 2 or where[1] <= 4, ctx, f"indices of {where[-1:]} numbers, at most 4")
    if ctx.input(1).data is None:
        return [None]
    return [tuple(int(d) for d in ctx.data(1))]


def evaluate_sparse_to_dense(ctx: NodeContext) -> list[Array]:
    """The default value everywhere but where the indices point."""
    shape = ctx.outputs[0].shape
    indices = ctx.data(0).astype(np.int64).reshape(-1, len(shape))
    out = np.full(shape, ctx.data(3).ravel()[0], ctx.outputs[0].dtype)
    require(
        bool(((indices >= 0) & (indices < np.array(shape))).all()),
        ctx,
        f"an index is outside the output's {shape}",
    )
    out[tuple(indices.T)] = ctx.data(2).reshape(-1) if ctx.data(2).ndim else ctx.data(2)
    return [out]


KERNELS = (
    Kernel("SCATTER_ND", prepare_scatter_nd, evaluate_scatter_nd),
    Kernel("SPARSE_TO_DENSE", prepare_sparse_to_dense, evaluate_sparse_to_dense),
)
