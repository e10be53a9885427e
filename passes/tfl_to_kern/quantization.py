"""QUANTIZE (from float, or between int8 scales) and DEQUANTIZE: maps."""

from __future__ import annotations

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import F16, F32
from litefuse.passes.support.body import Body
from litefuse.passes.tfl_to_kern.elementwise import minus, plus
from litefuse.passes.tfl_to_kern.lowering import Lowering, element_kind
from litefuse.runtime.kernels.fixed_point import quantize_multiplier


def quantize(l: Lowering) -> Value:
    """round(x / scale) + zero point, half away from zero and saturating (NaN gives the least); or a change of scale."""
    x = l.value(0)
    l.need(element_kind(l.result.element) == "i8", "the result must be per-tensor quantised int8", l.result)
    source = element_kind(l.type(x).element)
    qy = l.quant(l.op.result)
    if source == "f32":
        return l.map([x], l.result, lambda body, a: _from_float(body, a, qy.scale, qy.zero_point))
    l.need(source == "i8", "x must be float32 or per-tensor quantised int8", x.type)
    qx = l.quant(x)
    multiplier, shift = quantize_multiplier(qx.scale / qy.scale)

    def rescaled(body: Body, a: Value) -> Value:
        a = body.op("mbqm", minus(body, a, qx.zero_point), body.i32(multiplier), body.i32(shift))
        return body.clamp_int(plus(body, a, qy.zero_point), -128, 127)

    return l.map([x], l.result, rescaled)


def dequantize(l: Lowering) -> Value:
    """scale * (stored - zero point); a float16 tensor is only widened."""
    x = l.value(0)
    l.need(l.result.element == F32, "the result must be float32", l.result)
    if l.type(x).element in (F16, F32):
        return l.map([x], l.result, lambda body, a: a)
    l.need(element_kind(l.type(x).element) == "i8", "x must be float16 or per-tensor quantised int8", x.type)
    q = l.quant(x)

    def real(body: Body, a: Value) -> Value:
        return body.op("mulf", body.f32(q.scale), body.to_float(minus(body, a, q.zero_point)))

    return l.map([x], l.result, real)


def _from_float(body: Body, x: Value, scale: float, zero_point: int) -> Value:
    """Clamp first: bounds are integers, so it commutes with rounding, and what is converted to int fits."""
    q = body.op("divf", x, body.f32(np.float32(scale)))
    # The bound comes second here: a NaN must give the bound, not go on.
    q = body.op("maxf", q, body.f32(-128 - zero_point))
    q = body.op("minf", q, body.f32(127 - zero_point))
    return plus(body, body.round_to_int(q), zero_point)
