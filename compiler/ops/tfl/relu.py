"""RELU, RELU6 and RELU_N1_TO_1: clamps; int8 forms may change the scale too."""

from __future__ import annotations

from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import TflOp, same_shape, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView


def _check(node: NodeView) -> None:
    rules.same_kind(node, node.input(0), node.output)


def _clamp(name: str, summary: str) -> TflOp:
    return tfl_op(name, summary, 1, shape=same_shape, check=_check)


RELU = _clamp("RELU", "max(x, 0).")
RELU6 = _clamp("RELU6", "min(max(x, 0), 6).")
RELU_N1_TO_1 = _clamp("RELU_N1_TO_1", "min(max(x, -1), 1).")
