"""RESIZE_NEAREST_NEIGHBOR: `tfl.resize_nearest_neighbor(x, size)`; size is [rows, columns]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView


def _attributes(node: NodeView) -> dict[str, Any]:
    return {
        "align_corners": bool(node.option("align_corners", False)),
        "half_pixel_centers": bool(node.option("half_pixel_centers", False)),
    }


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape | None:
    del attributes
    x, size = need(args, 0).shape, need(args, 1).constant
    require(len(x) == 4, f"x has rank 4, not {len(x)}")
    if size is None:
        return None
    require(size.size == 2, f"the size has 2 numbers, not {size.size}")
    rows, columns = (int(d) for d in size.reshape(-1))
    require(rows > 0 and columns > 0, f"the size is positive, not {rows} by {columns}")
    return (x[0], rows, columns, x[3])


def _check(node: NodeView) -> None:
    x, y = node.input(0), node.output
    if rules.same_kind(node, x, y) == "i8":
        rules.same_quantization(x, y)
    rules.rank(x, 4, "the image")
    rules.integers(node.input(1, "the size"), "the size")


RESIZE_NEAREST_NEIGHBOR = tfl_op(
    "RESIZE_NEAREST_NEIGHBOR",
    "An image of another size; each pixel is the nearest one.",
    2,
    shape=_shape,
    check=_check,
    attributes=_attributes,
    required={"align_corners": bool, "half_pixel_centers": bool},
)
