"""CONV_3D and CONV_3D_TRANSPOSE: float32, NDHWC images.

Float bound: the summation bound of the products of a window and the bias.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_dtype,
)
from litefuse.runtime.kernels.bounds import summation
from litefuse.runtime.kernels.contraction import fused_clamp, require_filled
from litefuse.runtime.kernels.geometry import SAME, Axis, require_window, window_axis


def _axes(ctx: NodeContext, sizes: Shape, kernel: Shape) -> list[Axis]:
    """Depth, rows and columns."""
    padding = int(ctx.option("padding", SAME))
    strides = [int(ctx.option(f"stride_{letter}", 1)) for letter in "dhw"]
    steps = [int(ctx.option(f"dilation_{letter}_factor", 1)) for letter in "dhw"]
    require(min(strides + steps) > 0, ctx, f"strides {strides}, dilations {steps} must be positive")
    return [
        window_axis(size, taps, stride, step, padding)
        for size, taps, stride, step in zip(sizes, kernel, strides, steps, strict=True)
    ]


def _require_bias(ctx: NodeContext, i: int, count: int) -> None:
    bias = ctx.optional(i)
    if bias is not None:
        require_dtype(ctx, bias, "float32")
        size = int(np.prod(bias.shape))
        require(size == count, ctx, f"bias of {size} numbers for {count} channels")


def _finish(ctx: NodeContext, total: Array, i: int) -> list[Array]:
    if ctx.optional(i) is not None:
        total = total + ctx.data(i).ravel()
    return [clamp_float(np.ascontiguousarray(total), fused_clamp(ctx))]


def prepare_conv(ctx: NodeContext) -> list[Shape | None]:
    """[batch, depth, rows, columns, output channels]; the filter is [d, h, w, in, out]."""
    require_inputs(ctx, 2, 3)
    x, w = ctx.input(0), ctx.input(1)
    require_rank(ctx, x, 5)
    require_rank(ctx, w, 5)
    require_dtype(ctx, x, "float32")
    require_same_dtype(ctx, x, w, ctx.outputs[0])
    require_filled(ctx, x, (1, 2, 3, 4))
    require_filled(ctx, w, (0, 1, 2, 3, 4))
    require(x.shape[4] == w.shape[3], ctx, f"{x.shape[4]} channels for filter {w.shape}")
    _require_bias(ctx, 2, w.shape[4])
    axes = _axes(ctx, x.shape[1:4], w.shape[:3])
    require_window(ctx, *axes)
    return [(x.shape[0], *(axis.out for axis in axes), w.shape[4])]


def evaluate_conv(ctx: NodeContext) -> list[Array]:
    """One product of matrices for each tap."""
    x, w, y = ctx.data(0), ctx.data(1), ctx.outputs[0]
    axes = _axes(ctx, x.shape[1:4], w.shape[:3])
    if 0 in y.shape:
        return [np.zeros(y.shape, np.float32)]
    padded = np.pad(x, [(0, 0), *((a.before, a.after) for a in axes), (0, 0)])
    total = np.zeros(y.shape, np.float32)
    for tap in product(*map(range, w.shape[:3])):
        where = tuple(axis.taps(k) for axis, k in zip(axes, tap, strict=True))
        total += padded[(slice(None), *where)] @ w[tap]
    return _finish(ctx, total, 2)


def prepare_transpose(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 0; the filter is [d, h, w, out, in]."""
    require_inputs(ctx, 3, 4)
    shape, w, x = ctx.input(0), ctx.input(1), ctx.input(2)
    require(shape.shape == (5,), ctx, f"output shape tensor has shape {shape.shape}, needs (5,)")
    require_dtype(ctx, shape, "int32")
    require_rank(ctx, w, 5)
    require_rank(ctx, x, 5)
    require_dtype(ctx, x, "float32")
    require_same_dtype(ctx, x, w, ctx.outputs[0])
    require_filled(ctx, x, (1, 2, 3, 4))
    require_filled(ctx, w, (0, 1, 2, 3, 4))
    require(x.shape[4] == w.shape[4], ctx, f"{x.shape[4]} channels for filter {w.shape}")
    _require_bias(ctx, 3, w.shape[3])
    return [None if shape.data is None else _transpose_shape(ctx)]


def _transpose_shape(ctx: NodeContext) -> Shape:
    w, x = ctx.input(1), ctx.input(2)
    shape = tuple(int(d) for d in ctx.data(0))
    require(min(shape) >= 0, ctx, f"output {shape} has a negative dimension")
    require(shape[0] == x.shape[0], ctx, f"output {shape} has another batch than {x.shape}")
    require(shape[4] == w.shape[3], ctx, f"output {shape} does not have {w.shape[3]} channels")
    sizes = tuple(axis.out for axis in _axes(ctx, shape[1:4], w.shape[:3]))
    require(sizes == x.shape[1:4], ctx, f"output {shape} needs an image of {sizes}, not {x.shape}")
    return shape


def evaluate_transpose(ctx: NodeContext) -> list[Array]:
    """Each input element times the filter, added where the forward window would have read."""
    w, x, shape = ctx.data(1), ctx.data(2), _transpose_shape(ctx)
    axes = _axes(ctx, shape[1:4], w.shape[:3])
    spans = [
        max(axis.before + axis.size, (axis.out - 1) * axis.stride + axis.extent) for axis in axes
    ]
    total = np.zeros((shape[0], *spans, shape[4]), np.float32)
    for tap in product(*map(range, w.shape[:3])):
        where = tuple(axis.taps(k) for axis, k in zip(axes, tap, strict=True))
        total[(slice(None), *where)] += x @ w[tap].T
    inner = tuple(slice(axis.before, axis.before + axis.size) for axis in axes)
    return _finish(ctx, total[(slice(None), *inner)], 3)


KERNELS = (
    Kernel(
        "CONV_3D",
        prepare_conv,
        evaluate_conv,
        bound=summation(
            evaluate_conv,
            "filter volume * in + 1",
            lambda ctx: int(np.prod(ctx.input(1).shape[:4])) + 1,
        ),
    ),
    Kernel(
        "CONV_3D_TRANSPOSE",
        prepare_transpose,
        evaluate_transpose,
        bound=summation(
            evaluate_transpose,
            "filter volume * in + 1",
            lambda ctx: int(np.prod([*ctx.input(1).shape[:3], ctx.input(1).shape[4]])) + 1,
        ),
    ),
)
