"""CONV_2D: `tfl.conv_2d(x, filter, bias)`; x NHWC, filter [out, kh, kw, in / groups]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, tfl_op, window_sizes
from litefuse.compiler.ops.tfl.node import NodeView


def conv_attributes(node: NodeView) -> dict[str, Any]:
    """Padding, strides, dilations and activation as the IR spells them."""
    return {
        "padding": rules.name_of(rules.PADDINGS, node.option("padding")),
        "stride_h": int(node.option("stride_h", 1)),
        "stride_w": int(node.option("stride_w", 1)),
        "dilation_h_factor": int(node.option("dilation_h_factor", 1)),
        "dilation_w_factor": int(node.option("dilation_w_factor", 1)),
        "fused_activation_function": rules.name_of(
            rules.ACTIVATIONS, node.option("fused_activation_function")
        ),
    }


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    x, w = need(args, 0).shape, need(args, 1).shape
    require(len(x) == 4 and len(w) == 4, f"x and filter have rank 4, not {len(x)} and {len(w)}")
    require(x[3] % w[3] == 0, f"{w[3]} filter channels must divide the input's {x[3]}")
    groups = x[3] // w[3]
    require(w[0] % groups == 0, f"{groups} groups must divide the {w[0]} output channels")
    dilations = (attributes["dilation_h_factor"], attributes["dilation_w_factor"])
    rows, columns = window_sizes(x, (w[1], w[2]), attributes, dilations)
    return (x[0], rows, columns, w[0])


def _check(node: NodeView) -> None:
    x, w = node.input(0), node.input(1, "the filter")
    kind = rules.same_kind(node, x, node.output)
    rules.rank(x, 4, "the image")
    rules.rank(w, 4, "the filter")
    channels = (w.shape or (0,))[0]
    rules.weights(node, w, kind, channels, 0)
    rules.bias(node, 2, kind, channels)
    rules.activation(node)


CONV_2D = tfl_op(
    "CONV_2D",
    "Convolution of an image with a filter, plus a bias, then an activation.",
    3,
    shape=_shape,
    check=_check,
    attributes=conv_attributes,
    required={
        "padding": str,
        "stride_h": int,
        "stride_w": int,
        "dilation_h_factor": int,
        "dilation_w_factor": int,
        "fused_activation_function": str,
    },
)
