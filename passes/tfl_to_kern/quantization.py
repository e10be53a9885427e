"""QUANTIZE (from float, or between int8 scales) and DEQUANTIZE: maps."""

from __future__ import annotations

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import F16, F32
from litefuse.passes.support.body import Body
from litefuse.passes.tfl_to_kern.elementwise import minus, plus
from litefuse.passes.tfl_to_kern.lowering import Lowering, element_kind
from litefuse.runtime.kernels.fixed_point import mbqm_multiplier


def quantize(node: Lowering) -> Value:
    """round(x / scale) + zero point, half away from zero and saturating (NaN gives the least); or a change of scale."""
    x = node.value(0)
    node.need(
        element_kind(node.result.element) == "i8",
        "the result must be per-tensor quantised int8",
        node.result,
    )
    source = element_kind(node.type(x).element)
    qy = node.quant(node.op.result)
    if source == "f32":
        return node.map(
            [x], node.result, lambda body, a: _from_float(body, a, qy.scale, qy.zero_point)
        )
    node.need(source == "i8", "x must be float32 or per-tensor quantised int8", x.type)
    qx = node.quant(x)
    multiplier, shift = mbqm_multiplier(qx.scale / qy.scale)

    def rescaled(body: Body, a: Value) -> Value:
        a = body.op("mbqm", minus(body, a, qx.zero_point), body.i32(multiplier), body.i32(shift))
        return body.clamp_int(plus(body, a, qy.zero_point), -128, 127)

    return node.map([x], node.result, rescaled)


def dequantize(node: Lowering) -> Value:
    """scale * (stored - zero point); a float16 tensor is only widened."""
    x = node.value(0)
    node.need(node.result.element == F32, "the result must be float32", node.result)
    if node.type(x).element in (F16, F32):
        return node.map([x], node.result, lambda body, a: a)
    node.need(
        element_kind(node.type(x).element) == "i8",
        "x must be float16 or per-tensor quantised int8",
        x.type,
    )
    q = node.quant(x)

    def real(body: Body, a: Value) -> Value:
        return body.op("mulf", body.f32(q.scale), body.to_float(minus(body, a, q.zero_point)))

    return node.map([x], node.result, real)


def _from_float(body: Body, x: Value, scale: float, zero_point: int) -> Value:
    """Clamp first: bounds are integers, so it commutes with rounding, and what is converted to int fits."""
    q = body.op("divf", x, body.f32(scale))
    # The bound comes second here: a NaN must give the bound, not go on.
    q = body.op("maxf", q, body.f32(-128 - zero_point))
    q = body.op("minf", q, body.f32(127 - zero_point))
    return plus(body, body.round_to_int(q), zero_point)
