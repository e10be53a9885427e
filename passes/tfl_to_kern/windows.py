"""AVERAGE_POOL_2D and MAX_POOL_2D: a `kern.window` whose region rounds, divides and clamps."""

from __future__ import annotations

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import I32
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.tfl_to_kern.lowering import Lowering
from litefuse.runtime.kernels.geometry import SAME, VALID, window_axis


def padding(
    l: Lowering, kernel: tuple[int, ...], strides: tuple[int, int], dilations: tuple[int, int] = (1, 1)
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a window op over operand 0, checked against the result's shape."""
    name = str(l.op["padding"])
    l.need(name in ("SAME", "VALID"), "padding must be SAME or VALID", name)
    x = l.type(l.value(0)).shape
    l.need(len(x) == 4, "x must have rank 4", len(x))
    l.need(min(strides) > 0 and min(dilations) > 0, "strides and dilations must be positive",
           f"{strides}, {dilations}")  # fmt: skip
    rule = SAME if name == "SAME" else VALID
    rows, columns = (
        window_axis(x[1 + i], kernel[i], strides[i], dilations[i], rule) for i in range(2)
    )
    shape = l.result.shape
    l.need((rows.out, columns.out) == shape[1:3], f"the result must be {rows.out} by {columns.out}", list(shape))
    return (rows.before, rows.after, columns.before, columns.after)


def max_pool_2d(l: Lowering) -> Value:
    """The maximum over valid cells; scales of input and output are equal, so stored numbers compare."""
    return _pool(l, "max")


def average_pool_2d(l: Lowering) -> Value:
    """The sum over valid cells divided by their number, for int8 rounded half away from zero."""
    return _pool(l, "sum")


def _pool(l: Lowering, kind: str) -> Value:
    x = l.value(0)
    element = l.kind(x)
    window = (int(l.op["filter_height"]), int(l.op["filter_width"]))
    strides = (int(l.op["stride_h"]), int(l.op["stride_w"]))
    pad = padding(l, window, strides)
    if element == "i8":
        q, y = l.quant(x), l.quant(l.op.result)
        l.need((q.scale, q.zero_point) == (y.scale, y.zero_point), "input and output must share scale and zero point",
               f"{q.scale}:{q.zero_point} and {y.scale}:{y.zero_point}")  # fmt: skip
    body = l.body(scalar_of(x.type), I32)
    acc, count = body.args
    if kind == "sum":
        if not any(pad):
            count = body.i32(window[0] * window[1])
        acc = body.op("divf", acc, body.to_float(count)) if element == "f32" else rounded_quotient(body, acc, count)
    acc = body.clamp_float(acc, *l.float_bounds()) if element == "f32" else body.clamp_int(acc, *l.int_bounds())
    attributes = {"kind": kind, "window": window, "strides": strides, "pad": pad, "roles": []}
    return l.make("window", [x], l.result, attributes, body.finish(acc))


def rounded_quotient(body: Body, a: Value, n: Value) -> Value:
    """a / n rounded half away from zero, for n > 0: `(a > 0 ? a + n / 2 : a - n / 2) / n`, truncating."""
    half = body.op("shrsi", n, body.i32(1))
    positive = body.compare_int("sgt", a, body.i32(0))
    nudged = body.select(positive, body.op("addi", a, half), body.op("subi", a, half))
    return body.op("divsi", nudged, n)
