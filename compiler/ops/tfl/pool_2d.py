"""AVERAGE_POOL_2D and MAX_POOL_2D: `tfl.max_pool_2d(x)`; cells in the padding do not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, TflOp, need, tfl_op, window_sizes
from litefuse.compiler.ops.tfl.node import NodeView


def _attributes(node: NodeView) -> dict[str, Any]:
    return {
        "filter_height": int(node.option("filter_height")),
        "filter_width": int(node.option("filter_width")),
        "padding": rules.name_of(rules.PADDINGS, node.option("padding")),
        "stride_h": int(node.option("stride_h", 1)),
        "stride_w": int(node.option("stride_w", 1)),
        "fused_activation_function": rules.name_of(
            rules.ACTIVATIONS, node.option("fused_activation_function")
        ),
    }


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    x = need(args, 0).shape
    require(len(x) == 4, f"x has rank 4, not {len(x)}")
    window = (attributes["filter_height"], attributes["filter_width"])
    rows, columns = window_sizes(x, window, attributes, (1, 1))
    return (x[0], rows, columns, x[3])


def _check(node: NodeView) -> None:
    x, y = node.input(0), node.output
    kind = rules.same_kind(node, x, y)
    rules.rank(x, 4, "the image")
    rules.activation(node)
    if kind == "i8":
        rules.same_quantization(x, y)


def _pool(name: str, summary: str) -> TflOp:
    return tfl_op(
        name,
        summary,
        1,
        shape=_shape,
        check=_check,
        attributes=_attributes,
        required={
            "filter_height": int,
            "filter_width": int,
            "padding": str,
            "stride_h": int,
            "stride_w": int,
            "fused_activation_function": str,
        },
    )


AVERAGE_POOL_2D = _pool("AVERAGE_POOL_2D", "The mean of each window's valid cells.")
MAX_POOL_2D = _pool("MAX_POOL_2D", "The largest of each window's valid cells.")
