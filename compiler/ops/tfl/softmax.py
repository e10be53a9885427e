"""SOFTMAX: `tfl.softmax(x)` along the last dimension; int8 results have scale 1/256, zero point
-128.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import same_shape, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, refuse


def _attributes(node: NodeView) -> dict[str, Any]:
    return {"beta": np.float32(node.option("beta", 1.0))}


def _check(node: NodeView) -> None:
    x, y = node.input(0), node.output
    kind = rules.same_kind(node, x, y)
    if not x.shape:
        refuse("the input must have a dimension", f"{x.name} is a scalar")
    beta = float(node.option("beta", 1.0))
    if not (np.isfinite(beta) and beta > 0):
        refuse("beta must be finite and positive", beta)
    if kind == "i8" and (y.scales, y.zero_points) != ((1 / 256,), (-128,)):
        refuse("the output must have scale 1/256 and zero point -128", y.quantization_text)


SOFTMAX = tfl_op(
    "SOFTMAX",
    "exp(beta * x), normalised along the last dimension.",
    1,
    shape=same_shape,
    check=_check,
    attributes=_attributes,
    required={"beta": (float, np.float32)},
)
