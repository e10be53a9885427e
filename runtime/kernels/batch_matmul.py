"""BATCH_MATMUL: float32, int8 giving int8 or int32, int16 by int16 or int8, and hybrid.

Hybrid is float32 against int8, whose rows of the first are quantised at run time.  The reference
finds a row's scale and zero point, and with it the second's row sums, as if only one batch axis
were longer than 1; where several are, it takes those of another batch.  So do we.  Sums over the
second's rows are kept from the first run on, as by LiteRT, even if it changes.

Float bound: the summation bound of inner size products; of a hybrid
node, whose sums are exact in integers, the roundings that follow.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import contraction
from litefuse.runtime.kernels.broadcast import broadcast_shapes
from litefuse.runtime.kernels.contraction import (
    float_product_multiplier,
    requantize,
    requantize64,
    tensor_zero_point,
)
from litefuse.runtime.kernels.fixed_point import wrap32
from litefuse.runtime.kernels.hybrid import quantize_rows

# What LiteRT's reference gives for each pair of types.
_RESULTS = {
    ("float32", "float32"): ("float32",),
    ("float32", "int8"): ("float32",),
    ("int8", "int8"): ("int8", "int32"),
    ("int16", "int16"): ("int16",),
    ("int16", "int8"): ("int16",),
}


def _swapped(shape: Shape, swap: bool) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if swap else shape


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Broadcast batch axes, then rows of the first by columns of the second."""
    require_inputs(ctx, 2)
    a, b, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_rank(ctx, a, 2, 5)
    require_rank(ctx, b, 2, 5)
    require_dtype(ctx, a, "float32", "int8", "int16")
    results = _RESULTS.get((a.dtype.name, b.dtype.name), ())
    require(y.dtype.name in results, ctx, f"{a.dtype} by {b.dtype} giving {y.dtype} has no kernel")
    if a.dtype == np.int16:
        for value in (a, b, y):
            point = tensor_zero_point(value)
            require(point == 0, ctx, f"int16 tensor {value.name!r} has zero point {point}, needs 0")
    left = _swapped(a.shape, bool(ctx.option("adj_x", False)))
    right = _swapped(b.shape, bool(ctx.option("adj_y", False)))
    require(left[-1] == right[-2], ctx, f"inner sizes {left[-1]} and {right[-2]} differ")
    return [(*broadcast_shapes(ctx, left[:-2], right[:-2]), left[-2], right[-1])]


def _five(array: Array) -> Array:
    return array.reshape((1,) * (5 - array.ndim) + array.shape)


def _folded(ctx: NodeContext, a: Array, b: Array) -> tuple[Array, Array]:
    """Both with rank 5, the innermost batch axis of `a` made rows where `b` has none: LiteRT's
    view, on which the indices of its scales depend.
    """
    if not ctx.option("adj_x", False) and a.ndim > 2 and b.ndim > 2 and b.shape[-3] == 1:
        a = a.reshape(*a.shape[:-3], a.shape[-3] * a.shape[-2], a.shape[-1])
        b = b.reshape(*b.shape[:-3], *b.shape[-2:])
    return _five(a), _five(b)


def _places(shape: Shape, batch: Shape) -> Array:
    """For each batch entry the number of the matrix whose scales (or sums) the reference uses."""
    steps = [0 if size == 1 else 1 for size in shape[:3]]
    return np.asarray(
        sum(
            s * np.arange(n).reshape([-1 if i == k else 1 for i in range(3)])
            for k, (s, n) in enumerate(zip(steps, batch, strict=True))
        )
    )


def _scales(value: TensorValue, columns: int) -> Array:
    if not value.quantized:
        return np.zeros(1, np.float32)
    return value.scales[:columns] if len(value.scales) > 1 else value.scales


def _hybrid(ctx: NodeContext, a: Array, b: Array) -> Array:
    """Each row of `a` is quantised on its own."""
    a, b = _folded(ctx, a, b)
    asymmetric = bool(ctx.option("asymmetric_quantize_inputs", False))
    rows = quantize_rows(np.ascontiguousarray(a).reshape(-1, a.shape[-1]), asymmetric)
    total = rows.values.reshape(a.shape).astype(np.float64) @ b.astype(np.float64)
    batch = total.shape[:3]
    mine = np.broadcast_to(_places(a.shape, batch), batch)
    points = rows.zero_points.reshape(-1, a.shape[-2])[mine][..., None].astype(np.float32)
    scales = rows.scales.reshape(-1, a.shape[-2])[mine][..., None]
    value = ctx.input(1)
    if asymmetric:
        sums = ctx.memo("sums", lambda: b.astype(np.int64).sum(axis=-2).reshape(-1, b.shape[-1]))
        theirs = np.broadcast_to(_places(b.shape, batch), batch)
        offset = sums[theirs][..., None, :].astype(np.float32) * points
        total = np.trunc(total.astype(np.float32) - offset)
    scale = scales * _scales(value, b.shape[-1])
    return np.asarray(total.astype(np.float32) * scale).reshape(ctx.outputs[0].shape)


def evaluate(ctx: NodeContext) -> list[Array]:
    """a @ b, either transposed if asked."""
    av, bv, yv = ctx.input(0), ctx.input(1), ctx.outputs[0]
    a = np.swapaxes(ctx.data(0), -1, -2) if ctx.option("adj_x", False) else ctx.data(0)
    b = np.swapaxes(ctx.data(1), -1, -2) if ctx.option("adj_y", False) else ctx.data(1)
    if 0 in yv.shape or (av.dtype.kind == "f" and a.shape[-1] == 0):
        return [np.zeros(yv.shape, yv.dtype)]
    if av.dtype.kind == "f":
        return [np.matmul(a, b, out=ctx.out()) if bv.dtype.kind == "f" else _hybrid(ctx, a, b)]
    if yv.dtype == np.int32:  # without the zero points
        product = a.astype(np.float64) @ b.astype(np.float64)
        return [wrap32(product.astype(np.int64)).astype(np.int32)]
    left = a.astype(np.float64) - tensor_zero_point(av)
    acc = left @ (b.astype(np.float64) - tensor_zero_point(bv))
    q, shift = ctx.memo("scale", lambda: float_product_multiplier(av, bv, yv))
    info = np.iinfo(yv.dtype)
    finish = requantize64 if yv.dtype == np.int16 else requantize
    bounds = (int(info.min), int(info.max))
    point = tensor_zero_point(yv)
    return [finish(acc.astype(np.int64), q, shift, point, bounds, yv.dtype)]


_BOUND = contraction(evaluate, "inner size", lambda ctx: max(ctx.input(0).shape[-2:]), x=0, w=1)

KERNELS = (Kernel("BATCH_MATMUL", prepare, evaluate, bound=_BOUND),)
