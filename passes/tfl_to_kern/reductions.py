"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN: a `kern.reduce` over constant axes, with the scaling in its region."""

from __future__ import annotations

import math
from typing import Any

from litefuse.compiler.ir.core import Value
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.tfl_to_kern.elementwise import minus, plus
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.fixed_point import mbqm_multiplier


def mean(node: Lowering) -> Value:
    """The mean; int8 by one multiplier that holds both the scales and 1 / n."""
    return _sum(node, divide=True)


def sum_(node: Lowering) -> Value:
    """The sum; int8 rescaled."""
    return _sum(node, divide=False)


def reduce_max(node: Lowering) -> Value:
    """The largest element; input and output share their scale."""
    return _extremum(node, "max")


def reduce_min(node: Lowering) -> Value:
    """The smallest element; input and output share their scale."""
    return _extremum(node, "min")


def _axes(node: Lowering) -> tuple[int, ...]:
    rank = len(node.type(node.value(0)).shape)
    given = [int(a) for a in node.constant(1, "axes").ravel()]
    node.need(all(-rank <= a < rank for a in given), f"axes must lie inside rank {rank}", given)
    return tuple(sorted({a % rank for a in given}))


def _reduce(node: Lowering, kind: str, axes: tuple[int, ...], body: Body, result: Value) -> Value:
    attributes: dict[str, Any] = {
        "kind": kind,
        "axes": axes,
        "keep_dims": bool(node.op.get("keep_dims", False)),
        "roles": [],
    }
    return node.make("reduce", [node.value(0)], node.result, attributes, body.finish(result))


def _sum(node: Lowering, divide: bool) -> Value:
    x = node.value(0)
    kind = node.kind(x)
    axes = _axes(node)
    count = math.prod(node.type(x).shape[a] for a in axes)
    node.need(count > 0, "the reduced axes must hold elements", count)
    body = node.body(scalar_of(x.type))
    acc = body.args[0]
    if kind == "f32":
        return _reduce(
            node, "sum", axes, body, body.op("divf", acc, body.f32(count)) if divide else acc
        )
    qx, qy = node.quant(x), node.quant(node.op.result)
    multiplier, shift = mbqm_multiplier(qx.scale / qy.scale)
    if divide:
        # As the reference: 1 / n goes into the multiplier's spare bits, truncating.
        spare = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << spare) // count, shift - spare
    acc = minus(body, acc, qx.zero_point * count)
    acc = body.op("mbqm", acc, body.i32(multiplier), body.i32(shift))
    return _reduce(
        node, "sum", axes, body, body.clamp_int(plus(body, acc, qy.zero_point), -128, 127)
    )


def _extremum(node: Lowering, kind: str) -> Value:
    x = node.value(0)
    if node.kind(x) == "i8":
        a, y = node.quant(x), node.quant(node.op.result)
        node.need((a.scale, a.zero_point) == (y.scale, y.zero_point), "input and output must share scale and zero point",
               f"{a.scale}:{a.zero_point} and {y.scale}:{y.zero_point}")  # fmt: skip
    body = node.body(scalar_of(x.type))
    return _reduce(node, kind, _axes(node), body, body.args[0])
