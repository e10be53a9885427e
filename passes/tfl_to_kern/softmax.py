"""SOFTMAX along the last dimension."""

from __future__ import annotations

from litefuse.compiler.ir.core import Value
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.gemmlowp import softmax_int8_table, softmax_scaling


def softmax(node: Lowering) -> Value:
    """float: normalised exponentials; int8: the exponentials of the 256 differences max - x as a table."""
    x = node.value(0)
    beta = float(node.op.get("beta", 1.0))
    if node.kind(x) == "f32":
        return node.make("softmax", [x], node.result, {"beta": beta})
    qx, qy = node.quant(x), node.quant(node.op.result)
    node.need((qy.scale, qy.zero_point) == (1 / 256, -128), "the result must have scale 1/256 and zero point -128",
           f"{qy.scale}:{qy.zero_point}")  # fmt: skip
    multiplier, shift, diff_min = softmax_scaling(beta, qx.scale)
    attributes = {"beta": beta, "multiplier": multiplier, "shift": shift, "diff_min": diff_min}
    table = node.const(softmax_int8_table(beta, qx.scale), "exponentials")
    return node.make("softmax", [x, table], node.result, attributes)
