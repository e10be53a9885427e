"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: a bare `kern.contract`, then bias, requantisation and activation.

Each of the latter is an op of its own here; `fuse_epilogue` pulls them into the contraction's region.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import SI16, SI32, QuantizedType, TensorType, tensor
from litefuse.passes.support.body import identity, scalar_of
from litefuse.passes.support.constants import constant
from litefuse.passes.tfl_to_kern.lowering import Lowering, accumulator, element_kind, is_int32
from litefuse.passes.tfl_to_kern.windows import padding


def conv_2d(node: Lowering) -> Value:
    """x NHWC, w [out, kh, kw, in / groups]."""
    x, w = node.value(0), node.value(1)
    xs, ws = node.type(x).shape, node.type(w).shape
    node.need(len(xs) == 4 and len(ws) == 4, "x and w must have rank 4", f"{len(xs)} and {len(ws)}")
    node.need(
        ws[3] > 0 and xs[3] % ws[3] == 0,
        "filter channels must divide the input's",
        f"{ws[3]}, {xs[3]}",
    )
    groups = xs[3] // ws[3]
    node.need(ws[0] % groups == 0, "groups must divide the output channels", f"{groups}, {ws[0]}")
    return _contract(
        node, {"kind": "conv", **_geometry(node), "groups": groups}, x, node.result.shape
    )


def depthwise_conv_2d(node: Lowering) -> Value:
    """x NHWC, w [1, kh, kw, in * multiplier]."""
    x, w = node.value(0), node.value(1)
    xs, ws = node.type(x).shape, node.type(w).shape
    node.need(len(xs) == 4 and len(ws) == 4, "x and w must have rank 4", f"{len(xs)} and {len(ws)}")
    node.need(ws[0] == 1 and ws[3] % xs[3] == 0, "w must be [1, kh, kw, in * multiplier]", list(ws))
    attributes = {"kind": "depthwise", **_geometry(node), "multiplier": ws[3] // xs[3]}
    return _contract(node, attributes, x, node.result.shape)


def fully_connected(node: Lowering) -> Value:
    """x of any rank seen as rows of K, w [out, K]."""
    x, w = node.value(0), node.value(1)
    ws, xt = node.type(w).shape, node.type(x)
    node.need(len(ws) == 2, "w must have rank 2", len(ws))
    weights_format = str(node.op.get("weights_format", "DEFAULT"))
    node.need(weights_format == "DEFAULT", "weights_format must be DEFAULT", weights_format)
    node.need(
        xt.size % ws[1] == 0, "x must hold whole rows of K elements", f"{xt.size}, K = {ws[1]}"
    )
    rows = xt.size // ws[1]
    shape = node.result.shape
    if xt.shape[-1:] == ws[1:] and shape == (*xt.shape[:-1], ws[0]):
        return _contract(node, {"kind": "dense"}, x, shape)
    flat = _contract(node, {"kind": "dense"}, node.reshape(x, (rows, ws[1])), (rows, ws[0]))
    return node.reshape(flat, shape)


def _geometry(node: Lowering) -> dict[str, Any]:
    strides = (int(node.op["stride_h"]), int(node.op["stride_w"]))
    dilations = (int(node.op.get("dilation_h_factor", 1)), int(node.op.get("dilation_w_factor", 1)))
    kernel = node.type(node.value(1)).shape[1:3]
    return {
        "strides": strides,
        "dilations": dilations,
        "pad": padding(node, kernel, strides, dilations),
    }


def _contract(
    node: Lowering, attributes: dict[str, Any], x: Value, shape: tuple[int, ...]
) -> Value:
    w, b = node.value(1), node.optional(2)
    kind = node.kind(x)
    sums = accumulator(kind, shape)
    if kind == "f32":
        node.need(
            element_kind(node.type(w).element) == "f32",
            "weights must be float32 beside float32 data",
            w.type,
        )
        attributes["pad_value"] = 0.0
    else:
        w = _int8_weights(node, w)
        zero_point = node.quant(x).zero_point
        attributes |= {"x_zero_point": zero_point, "pad_value": zero_point}
    if attributes["kind"] == "dense":
        attributes.pop("pad_value")
    region = identity(scalar_of(sums), node.builder.location)
    acc = node.make("contract", [x, w], sums, {**attributes, "roles": []}, region)
    result = tensor(shape, node.result.element)
    return _float_tail(node, acc, b, result) if kind == "f32" else _int8_tail(node, acc, b, result)


def _float_tail(node: Lowering, acc: Value, b: Value | None, result: TensorType) -> Value:
    if b is not None:
        node.need(element_kind(node.type(b).element) == "f32", "the bias must be float32", b.type)
        bias = node.reshape(b, (node.type(b).size,))
        acc = node.map([acc, bias], result, lambda body, a, c: body.op("addf", a, c))
    low, high = node.float_bounds()
    if low is None and high is None:
        return acc
    return node.map([acc], result, lambda body, a: body.clamp_float(a, low, high))


def _int8_weights(node: Lowering, w: Value) -> Value:
    """Weights with zero point 0: others (per tensor, FULLY_CONNECTED) are widened and shifted here."""
    element = node.type(w).element
    if (
        not isinstance(element, QuantizedType)
        or element.storage.signedness == "u"
        or element.storage.width != 8
    ):
        node.refuse("weights must be quantised int8 beside int8 data", w.type)
    if not any(element.zero_points):
        return w
    node.need(node.op.name == "tfl.fully_connected" and element.axis is None,
           "weights must have zero point 0", sorted(set(element.zero_points)))  # fmt: skip
    array = constant(w)
    if array is None:
        node.refuse("weights with a zero point must be constant", "computed at run time")
    return node.const(array.astype(np.int16) - np.int16(element.zero_point), "weights", SI16)


def _int8_tail(node: Lowering, acc: Value, b: Value | None, result: TensorType) -> Value:
    sums = tensor(result.shape, SI32)
    if b is not None:
        node.need(is_int32(b.type), "the bias must be int32", b.type)
        bias = _plain_bias(node, b)
        acc = node.map([acc, bias], sums, lambda body, a, c: body.op("addi", a, c))
    q = node.quant(node.op.result)
    attributes: dict[str, Any] = {"multipliers": _multipliers(node, q), "zero_point": q.zero_point}
    if node.op.name == "tfl.fully_connected":
        # LiteRT's reference rescales this op's sums in double precision, unlike any other: found by experiment.
        attributes["arithmetic"] = "float64"
    scaled = node.make("rescale", [acc], sums, attributes)
    low, high = node.int_bounds()
    return node.map([scaled], result, lambda body, a: body.clamp_int(a, low, high))


def _plain_bias(node: Lowering, b: Value) -> Value:
    """The bias as a vector of plain i32: its own scale is implied by the others."""
    array = constant(b)
    if array is None:
        node.refuse("the bias of a quantised node must be constant", "computed at run time")
    return node.const(array.reshape(-1), "bias", SI32)


def _multipliers(node: Lowering, y: QuantizedType) -> tuple[float, ...]:
    """s_x * s_w / s_y in double precision from the float32 scales."""
    sx, sy = (
        np.float64(np.float32(node.quant(node.value(0)).scale)),
        np.float64(np.float32(y.scale)),
    )
    sw = np.asarray(_scales(node), np.float32).astype(np.float64)
    return tuple(float(m) for m in sx * sw / sy)


def _scales(node: Lowering) -> tuple[float, ...]:
    element = node.type(node.value(1)).element
    if not isinstance(element, QuantizedType):
        node.refuse("weights must be quantised int8 beside int8 data", element)
    return element.scales
