"""DEPTHWISE_CONV_2D: `tfl.depthwise_conv_2d(x, filter, bias)`; filter [1, kh, kw, in * n]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.conv_2d import CONV_2D, conv_attributes
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, tfl_op, window_sizes
from litefuse.compiler.ops.tfl.node import NodeView


def _attributes(node: NodeView) -> dict[str, Any]:
    # The file's number is redundant and sometimes 0: LiteRT computes it from the shapes, and so do
    # we.
    x, w = node.input(0).shape or (), node.input(1).shape or ()
    multiplier = w[3] // x[3] if len(x) == len(w) == 4 else 1
    return {**conv_attributes(node), "depth_multiplier": multiplier}


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    x, w = need(args, 0).shape, need(args, 1).shape
    require(len(x) == 4 and len(w) == 4, f"x and filter have rank 4, not {len(x)} and {len(w)}")
    require(w[0] == 1, f"the filter's first dimension is 1, not {w[0]}")
    multiplier = attributes["depth_multiplier"]
    require(w[3] == x[3] * multiplier, f"the filter has {x[3]} * {multiplier} channels, not {w[3]}")
    dilations = (attributes["dilation_h_factor"], attributes["dilation_w_factor"])
    rows, columns = window_sizes(x, (w[1], w[2]), attributes, dilations)
    return (x[0], rows, columns, w[3])


def _check(node: NodeView) -> None:
    x, w = node.input(0), node.input(1, "the filter")
    kind = rules.same_kind(node, x, node.output)
    rules.rank(x, 4, "the image")
    rules.rank(w, 4, "the filter")
    channels = (w.shape or (0,))[-1]
    rules.weights(node, w, kind, channels, 3)
    rules.bias(node, 2, kind, channels)
    rules.activation(node)


DEPTHWISE_CONV_2D = tfl_op(
    "DEPTHWISE_CONV_2D",
    "Convolution of each input channel with filters of its own.",
    3,
    shape=_shape,
    check=_check,
    attributes=_attributes,
    required={**CONV_2D.definition.required, "depth_multiplier": int},
)
