"""ADD, SUB and MUL with broadcasting: one `kern.map`, then the fused activation as another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import SI32, tensor
from litefuse.passes.support.body import Body
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.add_sub import AddScaling, add_scaling
from litefuse.runtime.kernels.fixed_point import mbqm_multiplier

# int8 sums happen at this many bits below the point, as in the reference.
_LEFT_SHIFT = 20


def add(node: Lowering) -> Value:
    """a + b; int8: both brought to twice the larger scale, summed, and scaled to the output's."""
    return _sum(node, "add")


def sub(node: Lowering) -> Value:
    """a - b, as `add`."""
    return _sum(node, "sub")


def mul(node: Lowering) -> Value:
    """a * b; int8 by one multiplier, whose scales LiteRT combines in float32."""
    a, b = node.value(0), node.value(1)
    if node.kind(a, b) == "f32":
        return _float(node, "mulf")
    qa, qb, qy = node.quant(a), node.quant(b), node.quant(node.op.result)
    real = np.float32(qa.scale) * np.float32(qb.scale) / np.float32(qy.scale)
    multiplier, shift = mbqm_multiplier(float(real))

    def product(body: Body, x: Value, y: Value) -> Value:
        p = body.op("muli", minus(body, x, qa.zero_point), minus(body, y, qb.zero_point))
        p = body.op("mbqm", p, body.i32(multiplier), body.i32(shift))
        return plus(body, p, qy.zero_point)

    return _clamped(node, product)


def _sum(node: Lowering, name: str) -> Value:
    a, b = node.value(0), node.value(1)
    if node.kind(a, b) == "f32":
        return _float(node, f"{name}f")
    qa, qb, qy = node.quant(a), node.quant(b), node.quant(node.op.result)
    sa, sb, sy = (float(np.float32(q.scale)) for q in (qa, qb, qy))
    scaling = add_scaling(sa, sb, sy, _LEFT_SHIFT)

    def total(body: Body, x: Value, y: Value) -> Value:
        x = _to_common_scale(body, x, qa.zero_point, scaling.first, scaling)
        y = _to_common_scale(body, y, qb.zero_point, scaling.second, scaling)
        s = body.op(f"{name}i", x, y)
        s = body.op("mbqm", s, body.i32(scaling.output[0]), body.i32(scaling.output[1]))
        return plus(body, s, qy.zero_point)

    return _clamped(node, total)


def _to_common_scale(
    body: Body, x: Value, zero_point: int, multiplier: tuple[int, int], scaling: AddScaling
) -> Value:
    wide = body.op("shli", minus(body, x, zero_point), body.i32(scaling.left_shift))
    return body.op("mbqm", wide, body.i32(multiplier[0]), body.i32(multiplier[1]))


def minus(body: Body, x: Value, zero_point: int) -> Value:
    """x - zero_point, nothing for 0."""
    return body.op("subi", x, body.i32(zero_point)) if zero_point else x


def plus(body: Body, x: Value, zero_point: int) -> Value:
    """x + zero_point, nothing for 0."""
    return body.op("addi", x, body.i32(zero_point)) if zero_point else x


def _float(node: Lowering, name: str) -> Value:
    y = node.map(
        [node.value(0), node.value(1)], node.result, lambda body, a, b: body.op(name, a, b)
    )
    low, high = node.float_bounds()
    if low is None and high is None:
        return y
    return node.map([y], node.result, lambda body, a: body.clamp_float(a, low, high))


def _clamped(node: Lowering, compute: Callable[[Body, Value, Value], Value]) -> Value:
    sums = tensor(node.result.shape, SI32)
    y = node.map([node.value(0), node.value(1)], sums, compute)
    low, high = node.int_bounds()
    return node.map([y], node.result, lambda body, a: body.clamp_int(a, low, high))
