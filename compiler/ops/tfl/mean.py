"""MEAN: `tfl.mean(x, axes)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView


def reduced(x: Shape, axes: tuple[int, ...], keep_dims: bool) -> Shape:
    """The shape without those dimensions, or with 1 in their place."""
    for a in axes:
        require(-len(x) <= a < len(x), f"axis {a} is outside rank {len(x)}")
    gone = {a % len(x) for a in axes}
    return tuple(1 if i in gone else d for i, d in enumerate(x) if keep_dims or i not in gone)


def _attributes(node: NodeView) -> dict[str, Any]:
    return {"keep_dims": bool(node.option("keep_dims", False))}


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape | None:
    axes = need(args, 1).constant
    if axes is None:
        return None
    numbers = tuple(int(a) for a in axes.reshape(-1))
    return reduced(need(args, 0).shape, numbers, attributes["keep_dims"])


def _check(node: NodeView) -> None:
    rules.same_kind(node, node.input(0), node.output)
    rules.integers(node.input(1, "the axes"), "the axes")


MEAN = tfl_op(
    "MEAN",
    "The mean over some dimensions.",
    2,
    shape=_shape,
    check=_check,
    attributes=_attributes,
    required={"keep_dims": bool},
)
