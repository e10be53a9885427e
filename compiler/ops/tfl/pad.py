"""PAD and PADV2: `tfl.pad(x, paddings)`, `tfl.padv2(x, paddings, value)`; paddings [rank, 2]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, size_of, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, refuse


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape | None:
    del attributes
    x, widths = need(args, 0).shape, need(args, 1).constant
    if widths is None:
        return None
    require(widths.shape == (len(x), 2), f"paddings are [{len(x)}, 2], not {list(widths.shape)}")
    return tuple(d + int(low) + int(high) for d, (low, high) in zip(x, widths, strict=True))


def _check(node: NodeView) -> None:
    x, y = node.input(0), node.output
    if rules.same_kind(node, x, y) == "i8":
        rules.same_quantization(x, y)
    widths = rules.integers(node.input(1, "the paddings"), "the paddings")
    if min(widths, default=0) < 0:
        refuse("paddings must not be negative", min(widths))


def _check_v2(node: NodeView) -> None:
    _check(node)
    x, value = node.input(0), node.input(2, "the value")
    if value.kind != x.kind:
        refuse("the value must have the input's type", f"{value.name} is {value.type_name}")
    rules.constant(value, "the value")
    if size_of(value.shape or ()) != 1:
        refuse("the value must be one number", f"{value.name} is {list(value.shape or ())}")
    if x.kind == "i8":
        rules.same_quantization(x, value)


PAD = tfl_op("PAD", "Zeros around x.", 2, shape=_shape, check=_check)
PADV2 = tfl_op("PADV2", "A constant around x.", 3, shape=_shape, check=_check_v2)
