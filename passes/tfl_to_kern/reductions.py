"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN: a `kern.reduce` over constant axes, with the scaling in its region."""

from __future__ import annotations

import math
from typing import Any

from litefuse.compiler.ir.core import Value
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.tfl_to_kern.elementwise import minus, plus
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.fixed_point import quantize_multiplier


def mean(l: Lowering) -> Value:
    """The mean; int8 by one multiplier that holds both the scales and 1 / n."""
    return _sum(l, divide=True)


def sum_(l: Lowering) -> Value:
    """The sum; int8 rescaled."""
    return _sum(l, divide=False)


def reduce_max(l: Lowering) -> Value:
    """The largest element; input and output share their scale."""
    return _extremum(l, "max")


def reduce_min(l: Lowering) -> Value:
    """The smallest element; input and output share their scale."""
    return _extremum(l, "min")


def _axes(l: Lowering) -> tuple[int, ...]:
    rank = len(l.type(l.value(0)).shape)
    given = [int(a) for a in l.constant(1, "axes").ravel()]
    l.need(all(-rank <= a < rank for a in given), f"axes must lie inside rank {rank}", given)
    return tuple(sorted({a % rank for a in given}))


def _reduce(l: Lowering, kind: str, axes: tuple[int, ...], body: Body, result: Value) -> Value:
    attributes: dict[str, Any] = {"kind": kind, "axes": axes, "keep_dims": bool(l.op.get("keep_dims", False)), "roles": []}
    return l.make("reduce", [l.value(0)], l.result, attributes, body.finish(result))


def _sum(l: Lowering, divide: bool) -> Value:
    x = l.value(0)
    kind = l.kind(x)
    axes = _axes(l)
    count = math.prod(l.type(x).shape[a] for a in axes)
    l.need(count > 0, "the reduced axes must hold elements", count)
    body = l.body(scalar_of(x.type))
    acc = body.args[0]
    if kind == "f32":
        return _reduce(l, "sum", axes, body, body.op("divf", acc, body.f32(count)) if divide else acc)
    qx, qy = l.quant(x), l.quant(l.op.result)
    multiplier, shift = quantize_multiplier(qx.scale / qy.scale)
    if divide:
        # As the reference: 1 / n goes into the multiplier's spare bits, truncating.
        spare = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << spare) // count, shift - spare
    acc = minus(body, acc, qx.zero_point * count)
    acc = body.op("mbqm", acc, body.i32(multiplier), body.i32(shift))
    return _reduce(l, "sum", axes, body, body.clamp_int(plus(body, acc, qy.zero_point), -128, 127))


def _extremum(l: Lowering, kind: str) -> Value:
    x = l.value(0)
    if l.kind(x) == "i8":
        a, y = l.quant(x), l.quant(l.op.result)
        l.need((a.scale, a.zero_point) == (y.scale, y.zero_point), "input and output must share scale and zero point",
               f"{a.scale}:{a.zero_point} and {y.scale}:{y.zero_point}")  # fmt: skip
    body = l.body(scalar_of(x.type))
    return _reduce(l, kind, _axes(l), body, body.args[0])
