"""ADD, SUB and MUL: `tfl.add(a, b)`, broadcasting as NumPy does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, TflOp, broadcast, need, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, refuse


def _attributes(node: NodeView) -> dict[str, Any]:
    name = rules.name_of(rules.ACTIVATIONS, node.option("fused_activation_function"))
    return {"fused_activation_function": name}


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    del attributes
    return broadcast(need(args, 0).shape, need(args, 1).shape)


def _check(node: NodeView) -> None:
    a, b, y = node.input(0), node.input(1), node.output
    kind = rules.same_kind(node, a, b, y)
    rules.activation(node)
    if kind == "i8" and node.name != "MUL":
        # LiteRT scales the sum by a multiplier that its fixed-point form requires to be below 1.
        ratio = 2 * max(a.scales[0], b.scales[0]) / ((1 << 20) * y.scales[0])
        if ratio >= 1:
            refuse("the output's scale must not be below 2^-19 of the inputs'", y.quantization_text)


def _binary(name: str, summary: str) -> TflOp:
    return tfl_op(
        name,
        summary,
        2,
        shape=_shape,
        check=_check,
        attributes=_attributes,
        required={"fused_activation_function": str},
    )


ADD = _binary("ADD", "a + b, then an activation.")
SUB = _binary("SUB", "a - b, then an activation.")
MUL = _binary("MUL", "a * b, then an activation.")
