"""AVERAGE_POOL_2D and MAX_POOL_2D: a `kern.window` whose region rounds, divides and clamps."""

from __future__ import annotations

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import I32
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.geometry import SAME, VALID, window_axis


def padding(
    node: Lowering,
    kernel: tuple[int, ...],
    strides: tuple[int, int],
    dilations: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a window op over operand 0, checked against the result's shape."""
    name = str(node.op["padding"])
    node.need(name in ("SAME", "VALID"), "padding must be SAME or VALID", name)
    x = node.type(node.value(0)).shape
    node.need(len(x) == 4, "x must have rank 4", len(x))
    node.need(min(strides) > 0 and min(dilations) > 0, "strides and dilations must be positive",
           f"{strides}, {dilations}")  # fmt: skip
    rule = SAME if name == "SAME" else VALID
    rows, columns = (
        window_axis(x[1 + i], kernel[i], strides[i], dilations[i], rule) for i in range(2)
    )
    shape = node.result.shape
    node.need(
        (rows.out, columns.out) == shape[1:3],
        f"the result must be {rows.out} by {columns.out}",
        list(shape),
    )
    return (rows.before, rows.after, columns.before, columns.after)


def max_pool_2d(node: Lowering) -> Value:
    """The maximum over valid cells; scales of input and output are equal, so stored numbers compare."""
    return _pool(node, "max")


def average_pool_2d(node: Lowering) -> Value:
    """The sum over valid cells divided by their number, for int8 rounded half away from zero."""
    return _pool(node, "sum")


def _pool(node: Lowering, kind: str) -> Value:
    x = node.value(0)
    element = node.kind(x)
    window = (int(node.op["filter_height"]), int(node.op["filter_width"]))
    strides = (int(node.op["stride_h"]), int(node.op["stride_w"]))
    pad = padding(node, window, strides)
    if element == "i8":
        q, y = node.quant(x), node.quant(node.op.result)
        node.need((q.scale, q.zero_point) == (y.scale, y.zero_point), "input and output must share scale and zero point",
               f"{q.scale}:{q.zero_point} and {y.scale}:{y.zero_point}")  # fmt: skip
    body = node.body(scalar_of(x.type), I32)
    acc, count = body.args
    if kind == "sum":
        if not any(pad):
            count = body.i32(window[0] * window[1])
        acc = (
            body.op("divf", acc, body.to_float(count))
            if element == "f32"
            else rounded_quotient(body, acc, count)
        )
    acc = (
        body.clamp_float(acc, *node.float_bounds())
        if element == "f32"
        else body.clamp_int(acc, *node.int_bounds())
    )
    attributes = {"kind": kind, "window": window, "strides": strides, "pad": pad, "roles": []}
    return node.make("window", [x], node.result, attributes, body.finish(acc))


def rounded_quotient(body: Body, a: Value, n: Value) -> Value:
    """a / n rounded half away from zero, for n > 0: `(a > 0 ? a + n / 2 : a - n / 2) / n`, truncating."""
    half = body.op("shrsi", n, body.i32(1))
    positive = body.compare_int("sgt", a, body.i32(0))
    nudged = body.select(positive, body.op("addi", a, half), body.op("subi", a, half))
    return body.op("divsi", nudged, n)
