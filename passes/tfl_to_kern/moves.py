"""RESHAPE, SQUEEZE, EXPAND_DIMS, PAD, PADV2, CONCATENATION, TRANSPOSE and RESIZE_NEAREST_NEIGHBOR: elements move, none changes."""

from __future__ import annotations

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.fixed_point import round_half_away


def reshape(node: Lowering) -> Value:
    """The same elements under the result's shape (static by now, so the shape operand is not read)."""
    x = node.value(0)
    _same_quantization(node, x)
    node.need(
        node.type(x).size == node.result.size,
        "the number of elements must stay",
        f"{x.type} to {node.result}",
    )
    return node.reshape(x, node.result.shape)


def pad(node: Lowering) -> Value:
    """Cells around x: 0.0, for int8 the zero point, or PADV2's constant."""
    x = node.value(0)
    kind = node.kind(x)
    _same_quantization(node, x)
    widths = node.constant(1, "paddings").reshape(-1, 2)
    node.need(int(widths.min(initial=0)) >= 0, "paddings must not be negative", widths.tolist())
    value: float | int = 0.0 if kind == "f32" else node.quant(x).zero_point
    if node.optional(2) is not None:
        given = node.constant(2, "the padding's value").reshape(-1)
        value = float(given[0]) if kind == "f32" else int(given[0])
    low, high = (tuple(int(v) for v in widths[:, i]) for i in range(2))
    return node.make("pad", [x], node.result, {"low": low, "high": high, "value": value})


def concatenation(node: Lowering) -> Value:
    """Operands one after another; int8 operands must have the result's scale, as LiteRT asks."""
    values = list(node.op.operands)
    node.kind(*values)
    node.need(node.activation() == "NONE", "fused activation must be NONE", node.activation())
    for v in values:
        _same_quantization(node, v)
    rank = len(node.result.shape)
    axis = int(node.op["axis"])
    node.need(-rank <= axis < rank, f"axis must lie inside rank {rank}", axis)
    return node.make("concat", values, node.result, {"axis": axis % rank})


def transpose(node: Lowering) -> Value:
    """Dimensions permuted by a constant."""
    x = node.value(0)
    node.kind(x)
    rank = len(node.result.shape)
    permutation = tuple(int(p) % max(rank, 1) for p in node.constant(1, "the permutation").ravel())
    node.need(
        sorted(permutation) == list(range(rank)), f"must permute {rank} dimensions", permutation
    )
    return node.make("transpose", [x], node.result, {"permutation": permutation})


def resize_nearest_neighbor(node: Lowering) -> Value:
    """Every output row and column reads one input row and column; which one is decided in float32 as LiteRT does."""
    x = node.value(0)
    node.kind(x)
    _same_quantization(node, x)
    xs, ys = node.type(x).shape, node.result.shape
    node.need(len(xs) == 4, "x must have rank 4", len(xs))
    corners, centers = (
        bool(node.op.get("align_corners", False)),
        bool(node.op.get("half_pixel_centers", False)),
    )
    rows = nearest_indices(xs[1], ys[1], corners, centers)
    columns = nearest_indices(xs[2], ys[2], corners, centers)
    return node.make("resize_nearest", [x], node.result, {"rows": rows, "columns": columns})


def nearest_indices(
    size: int, out: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[int, ...]:
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


def _same_quantization(node: Lowering, x: Value) -> None:
    node.need(node.type(x).element == node.result.element, "input and output must have one element type",
           f"{node.type(x).element} and {node.result.element}")  # fmt: skip
