"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 as nodes of their own: a clamp, for int8 after a change of scale."""

from __future__ import annotations

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.passes.support.body import Body
from litefuse.passes.tfl_to_kern.elementwise import minus, plus
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.fixed_point import mbqm_multiplier, quantize_bound

_BOUNDS: dict[str, tuple[float, float | None]] = {
    "tfl.relu": (0.0, None),
    "tfl.relu6": (0.0, 6.0),
    "tfl.relu_n1_to_1": (-1.0, 1.0),
    "tfl.relu_0_to_1": (0.0, 1.0),
}


def relu(node: Lowering) -> Value:
    """The clamp that the op's name says; int8: MBQM(x - zx, s_x / s_y) + zy, clamped to the bounds in stored form."""
    x = node.value(0)
    low, high = _BOUNDS[node.op.name]
    if node.kind(x) == "f32":
        return node.map([x], node.result, lambda body, a: body.clamp_float(a, low, high))
    qx, qy = node.quant(x), node.quant(node.op.result)
    multiplier, shift = mbqm_multiplier(float(np.float32(qx.scale) / np.float32(qy.scale)))
    least = max(-128, quantize_bound(low, qy.scale, qy.zero_point))
    most = 127 if high is None else min(127, quantize_bound(high, qy.scale, qy.zero_point))

    def scaled(body: Body, a: Value) -> Value:
        a = body.op("mbqm", minus(body, a, qx.zero_point), body.i32(multiplier), body.i32(shift))
        return body.clamp_int(plus(body, a, qy.zero_point), least, most)

    return node.map([x], node.result, scaled)
