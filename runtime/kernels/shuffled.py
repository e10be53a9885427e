"""FULLY_CONNECTED with weights in the format SHUFFLED4x16INT8: uint8 by uint8 giving int16.

The weights lie as blocks of 4 units by 16 inputs, each byte with its highest bit flipped, which
takes the zero point 128 off.  A second output, the workspace, is left with the input as the kernel
reads it: flipped as well, and for 4 rows in runs of 16 of each.  The reference runs 1 row or 4.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import require_clamp
from litefuse.runtime.kernels.base import Array, NodeContext, Shape, require
from litefuse.runtime.kernels.contraction import (
    exact_dtype,
    float_product_multiplier,
    matmul_exact,
    requantize,
    tensor_scale,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import activation_range


def prepare_shuffled(ctx: NodeContext, shape: Shape) -> list[Shape | None]:
    """The shape of the workspace, as the file declares it."""
    require(len(ctx.outputs) == 2, ctx, f"has {len(ctx.outputs)} outputs, needs a workspace too")
    workspace = ctx.outputs[1]
    units, depth = ctx.input(1).shape
    batch = int(np.prod(shape[:-1]))
    require(
        batch in (1, 4) and units % 4 == 0 and depth % 16 == 0,
        ctx,
        f"shuffled weights [{units}, {depth}] need multiples of [4, 16], and 1 or 4 rows, "
        f"not {batch}",
    )
    require(workspace.dtype == np.uint8, ctx, f"the workspace has type {workspace.dtype}")
    size = int(np.prod(workspace.shape))
    require(size == batch * depth, ctx, f"the workspace has {size} bytes, needs {batch * depth}")
    return [workspace.shape]


def evaluate_shuffled(ctx: NodeContext) -> list[Array]:
    """The products, and the workspace."""
    xv, wv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    units, depth = wv.shape
    blocks = ctx.data(1).reshape(units // 4, depth // 16, 4, 16).view(np.int8)
    weights = blocks.transpose(0, 2, 1, 3).reshape(units, depth).astype(np.int32)
    flipped = ctx.data(0).reshape(-1, depth) ^ np.uint8(0x80)
    x = flipped.view(np.int8).astype(np.int32)
    acc = matmul_exact(x, weights.T, exact_dtype(weights.T, 128))
    bias = np.ascontiguousarray(ctx.data(2)).ravel().view(np.int32)  # as LiteRT reads it
    acc = acc + bias[:units].astype(np.int64)
    q, shift = float_product_multiplier(xv, wv, yv)
    bounds = activation_range(require_clamp(ctx), tensor_scale(yv), tensor_zero_point(yv), yv.dtype)
    runs = flipped.reshape(len(x), depth // 16, 16).transpose(1, 0, 2)
    return [
        requantize(acc, q, shift, 0, bounds, yv.dtype).reshape(yv.shape),
        np.ascontiguousarray(runs).reshape(ctx.outputs[1].shape),
    ]
