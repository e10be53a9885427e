"""RESHAPE, SQUEEZE, EXPAND_DIMS, PAD, PADV2, CONCATENATION, TRANSPOSE and RESIZE_NEAREST_NEIGHBOR: elements move, none changes."""

from __future__ import annotations

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.fixed_point import round_half_away


def reshape(l: Lowering) -> Value:
    """The same elements under the result's shape (static by now, so the shape operand is not read)."""
    x = l.value(0)
    _same_quantization(l, x)
    l.need(l.type(x).size == l.result.size, "the number of elements must stay", f"{x.type} to {l.result}")
    return l.reshape(x, l.result.shape)


def pad(l: Lowering) -> Value:
    """Cells around x: 0.0, for int8 the zero point, or PADV2's constant."""
    x = l.value(0)
    kind = l.kind(x)
    _same_quantization(l, x)
    widths = l.constant(1, "paddings").reshape(-1, 2)
    l.need(int(widths.min(initial=0)) >= 0, "paddings must not be negative", widths.tolist())
    value: float | int = 0.0 if kind == "f32" else l.quant(x).zero_point
    if l.optional(2) is not None:
        given = l.constant(2, "the padding's value").reshape(-1)
        value = float(given[0]) if kind == "f32" else int(given[0])
    low, high = (tuple(int(v) for v in widths[:, i]) for i in range(2))
    return l.make("pad", [x], l.result, {"low": low, "high": high, "value": value})


def concatenation(l: Lowering) -> Value:
    """Operands one after another; int8 operands must have the result's scale, as LiteRT asks."""
    values = list(l.op.operands)
    l.kind(*values)
    l.need(l.activation() == "NONE", "fused activation must be NONE", l.activation())
    for v in values:
        _same_quantization(l, v)
    rank = len(l.result.shape)
    axis = int(l.op["axis"])
    l.need(-rank <= axis < rank, f"axis must lie inside rank {rank}", axis)
    return l.make("concat", values, l.result, {"axis": axis % rank})


def transpose(l: Lowering) -> Value:
    """Dimensions permuted by a constant."""
    x = l.value(0)
    l.kind(x)
    rank = len(l.result.shape)
    permutation = tuple(int(p) % max(rank, 1) for p in l.constant(1, "the permutation").ravel())
    l.need(sorted(permutation) == list(range(rank)), f"must permute {rank} dimensions", permutation)
    return l.make("transpose", [x], l.result, {"permutation": permutation})


def resize_nearest_neighbor(l: Lowering) -> Value:
    """Every output row and column reads one input row and column; which one is decided in float32 as LiteRT does."""
    x = l.value(0)
    l.kind(x)
    _same_quantization(l, x)
    xs, ys = l.type(x).shape, l.result.shape
    l.need(len(xs) == 4, "x must have rank 4", len(xs))
    corners, centers = bool(l.op.get("align_corners", False)), bool(l.op.get("half_pixel_centers", False))
    rows = nearest_indices(xs[1], ys[1], corners, centers)
    columns = nearest_indices(xs[2], ys[2], corners, centers)
    return l.make("resize_nearest", [x], l.result, {"rows": rows, "columns": columns})


def nearest_indices(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> tuple[int, ...]:
    """The input index for each of `out` positions along an axis of `size`."""
    if align_corners and out > 1:
        scale = np.float32(size - 1) / np.float32(out - 1)
    else:
        scale = np.float32(size) / np.float32(out)
    offset = np.float32(0.5 if half_pixel_centers else 0.0)
    where = (np.arange(out, dtype=np.float32) + offset) * scale
    index = (round_half_away(where) if align_corners else np.floor(where)).astype(np.int64)
    index = np.minimum(index, size - 1)
    if half_pixel_centers:
        index = np.maximum(index, 0)
    return tuple(int(i) for i in index)


def _same_quantization(l: Lowering, x: Value) -> None:
    l.need(l.type(x).element == l.result.element, "input and output must have one element type",
           f"{l.type(x).element} and {l.result.element}")  # fmt: skip
