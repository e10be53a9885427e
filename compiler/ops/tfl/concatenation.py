"""CONCATENATION: `tfl.concatenation(xs...)`; int8 operands have the result's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView


def _attributes(node: NodeView) -> dict[str, Any]:
    return {
        "axis": int(node.option("axis")),
        "fused_activation_function": rules.name_of(
            rules.ACTIVATIONS, node.option("fused_activation_function")
        ),
    }


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    shapes = [need(args, i).shape for i in range(len(args))]
    first, axis = shapes[0], attributes["axis"]
    require(-len(first) <= axis < len(first), f"axis {axis} is outside rank {len(first)}")
    axis %= len(first)
    for s in shapes:
        rest = s[:axis] + s[axis + 1 :]
        require(
            len(s) == len(first) and rest == first[:axis] + first[axis + 1 :],
            f"{list(s)} and {list(first)} differ outside dimension {axis}",
        )
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


def _check(node: NodeView) -> None:
    inputs = [node.input(i) for i in range(len(node.op.inputs))]
    if rules.same_kind(node, node.output, *inputs) == "i8":
        rules.same_quantization(node.output, *inputs)
    rules.no_activation(node)


CONCATENATION = tfl_op(
    "CONCATENATION",
    "Operands one after another along a dimension.",
    (1, None),
    shape=_shape,
    check=_check,
    attributes=_attributes,
    required={"axis": int, "fused_activation_function": str},
)
