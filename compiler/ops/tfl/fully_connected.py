"""FULLY_CONNECTED: `tfl.fully_connected(x, weights, bias)`; x is rows of K, weights [out, K]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litefuse.compiler.ir.opdef import require
from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import Arg, Shape, need, size_of, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, TensorView, refuse

FORMATS = ("DEFAULT", "SHUFFLED4x16INT8")


def _attributes(node: NodeView) -> dict[str, Any]:
    return {
        "fused_activation_function": rules.name_of(
            rules.ACTIVATIONS, node.option("fused_activation_function")
        ),
        "weights_format": rules.name_of(FORMATS, node.option("weights_format")),
        "keep_num_dims": bool(node.option("keep_num_dims", False)),
    }


def _shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    x, w = need(args, 0).shape, need(args, 1).shape
    require(len(w) == 2, f"the weights have rank 2, not {len(w)}")
    require(size_of(x) % w[1] == 0, f"{size_of(x)} elements are not rows of {w[1]}")
    if attributes["keep_num_dims"]:
        require(x[-1:] == w[1:], f"x has rows of {x[-1:]}, the weights of {w[1]}")
        return (*x[:-1], w[0])
    return (size_of(x) // w[1], w[0])


def _check(node: NodeView) -> None:
    x, w = node.input(0), node.input(1, "the weights")
    kind = rules.same_kind(node, x, node.output)
    rules.rank(w, 2, "the weights")
    layout = rules.name_of(FORMATS, node.option("weights_format"))
    if layout != "DEFAULT":
        refuse("the weights' format must be DEFAULT", layout)
    channels = (w.shape or (0,))[0]
    rules.weights(node, w, kind, channels, 0)
    rules.bias(node, 2, kind, channels)
    rules.activation(node)
    if kind == "i8":
        _rescaled_fits(node, x, w)


def _rescaled_fits(node: NodeView, x: TensorView, w: TensorView) -> None:
    """The rescaled sums fit int32: the reference makes the smallest int32 of those that do not."""
    depth = (w.shape or (0, 0))[1]
    b = node.optional(2)
    offsets = np.zeros(1, np.int64) if b is None else rules.constant(b, "the bias").astype(np.int64)
    largest = 255 * 127 * depth + int(np.abs(offsets).max(initial=0))
    factor = max(w.scales) * x.scales[0] / node.output.scales[0]
    if largest * factor >= 2**31:
        refuse(
            "rescaled sums must fit int32",
            f"sums up to {largest} times {factor:.3g}",
            "the scales are far from each other: quantise the model anew",
        )


FULLY_CONNECTED = tfl_op(
    "FULLY_CONNECTED",
    "Each row of x times the transposed weights, plus a bias, then an activation.",
    3,
    shape=_shape,
    check=_check,
    attributes=_attributes,
    required={"fused_activation_function": str, "weights_format": str, "keep_num_dims": bool},
)
