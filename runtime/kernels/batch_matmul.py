"""BATCH_MATMUL: float32, int8, int16, and float32 against an int8 constant (hybrid).

Float bound: the summation bound of inner size products; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

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
    require_rank,
)
from litefuse.runtime.kernels.bounds import contraction
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.contraction import requantize, requantize64
from litefuse.runtime.kernels.fixed_point import quantize_multiplier
from litefuse.runtime.kernels.hybrid import quantize_rows


def _swapped(shape: Shape, swap: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if swap else shape


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Broadcast batch axes, then rows of the first by columns of the second."""
    require_inputs(ctx, 2)
    a, b = ctx.input(0), ctx.input(1)
    require_rank(ctx, a, 2, 5)
    require_rank(ctx, b, 2, 5)
    require_dtype(ctx, a, "float32", "int8", "int16")
    hybrid = a.dtype == np.float32 and b.dtype == np.int8
    if a.dtype != b.dtype and not hybrid:
        raise KernelError(
            f"BATCH_MATMUL: litefuse's interpreter has no kernel for {a.dtype} by {b.dtype} (nor "
            "has LiteRT's reference, which answers zeros)"
        )
    left = _swapped(a.shape, bool(ctx.option("adj_x", False)))
    right = _swapped(b.shape, bool(ctx.option("adj_y", False)))
    require(left[-1] == right[-2], ctx, f"inner sizes {left[-1]} and {right[-2]} differ")
    return [(*broadcast_shapes(ctx, left[:-2], right[:-2]), left[-2], right[-1])]


def _hybrid(ctx: NodeContext, a: Array, b: Array) -> Array:
    """Each row of `a` is quantised on its own."""
    value = ctx.input(1)
    rows = quantize_rows(
        a.reshape(-1, a.shape[-1]), bool(ctx.option("asymmetric_quantize_inputs", False))
    )
    centred = (rows.values.astype(np.float64) - rows.zero_points[:, None]).reshape(a.shape)
    scale = (rows.scales * np.float32(value.scale)).reshape(*a.shape[:-1], 1)
    return np.asarray((centred @ b.astype(np.float64)).astype(np.float32) * scale)


def evaluate(ctx: NodeContext) -> list[Array]:
    """a @ b, either transposed if asked."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    a = np.swapaxes(ctx.data(0), -1, -2) if ctx.option("adj_x", False) else ctx.data(0)
    b = np.swapaxes(ctx.data(1), -1, -2) if ctx.option("adj_y", False) else ctx.data(1)
    if av.dtype.kind == "f":
        return [np.asarray(a @ b) if bv.dtype.kind == "f" else _hybrid(ctx, a, b)]
    acc = (a.astype(np.float64) - av.zero_point) @ (b.astype(np.float64) - bv.zero_point)
    product = np.float32(av.scale) * np.float32(bv.scale)
    q, shift = ctx.memo("scale", lambda: quantize_multiplier(float(product) / float(yv.scale)))
    info = np.iinfo(yv.dtype)
    finish = requantize64 if yv.dtype == np.int16 else requantize
    bounds = (int(info.min), int(info.max))
    return [finish(acc.astype(np.int64), q, shift, yv.zero_point, bounds, yv.dtype)]


_BOUND = contraction(evaluate, "inner size", lambda ctx: max(ctx.input(0).shape[-2:]), x=0, w=1)

KERNELS = (Kernel("BATCH_MATMUL", prepare, evaluate, bound=_BOUND),)
