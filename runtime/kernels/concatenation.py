"""CONCATENATION: any type; uint8 inputs of another scale are requantised through float."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import activation_name
from litefuse.runtime.kernels.arrange import require_same_quantization
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.fixed_point import int32_of, round_half_away, wrap32
from litefuse.runtime.kernels.reshape import require_scalar_axis

_TYPES: tuple[str, ...] = ("float32", "float16", "bfloat16", "int8", "uint8", "int16", "int32")
_TYPES += ("uint32", "int4", "int64", "bool")


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The inputs' common shape, their sizes along the axis added."""
    require(len(ctx.inputs) > 0, ctx, "has no inputs")
    values = [ctx.input(i) for i in range(len(ctx.inputs))]
    first, y = values[0], ctx.outputs[0]
    require(activation_name(ctx) == "NONE", ctx, "a fused activation is not supported")
    require_type(ctx, y, *_TYPES)
    if not first.shape and y.tensor.type.name != "INT4" and all(value.constant for value in values):
        return _stacked(ctx, values)
    axis = require_scalar_axis(ctx, int(ctx.option("axis", 0)), len(first.shape))
    total = 0
    for value in values:
        same = value.shape[:axis] + value.shape[axis + 1 :]
        require(
            len(value.shape) == len(first.shape)
            and same == first.shape[:axis] + first.shape[axis + 1 :],
            ctx,
            f"shapes {first.shape} and {value.shape} differ outside axis {axis}",
        )
        require_same_type(ctx, value, y)
        if y.tensor.type.name == "INT8":
            require_same_quantization(ctx, value, y)
        if y.dtype == np.int16:
            require(value.zero_point == y.zero_point == 0, ctx, "an int16 zero point must be 0")
        total += value.shape[axis]
    return [(*first.shape[:axis], total, *first.shape[axis + 1 :])]


def _stacked(ctx: NodeContext, values: list[TensorValue]) -> list[Shape | None]:
    """Constant scalars, which LiteRT puts side by side."""
    for value in values:
        require_same_type(ctx, value, ctx.outputs[0])
        require(value.shape == (), ctx, f"{value.name!r} of shape {value.shape} among scalars")
    require(int(ctx.option("axis", 0)) == 0, ctx, "scalars have no axis but 0")
    return [(len(values),)]


def _requantized(value: TensorValue, data: Array, y: TensorValue) -> Array:
    """uint8 at the output's scale; data already at that scale passes unchanged."""
    if (value.scale, value.zero_point) == (y.scale, y.zero_point):
        return data
    inverse = np.float32(1.0) / np.float32(y.scale)
    scale = np.float32(value.scale) * inverse
    bias = np.float32(-value.zero_point) * scale
    scaled = (data.astype(np.float32) * scale + bias).astype(np.float32)
    result = wrap32(int32_of(round_half_away(scaled)) + y.zero_point)
    return np.clip(result, 0, 255).astype(np.uint8)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The inputs one after the other along the axis."""
    y = ctx.outputs[0]
    if not ctx.input(0).shape:
        return [np.array([ctx.data(i)[()] for i in range(len(ctx.inputs))], y.dtype)]
    parts = []
    for i in range(len(ctx.inputs)):
        value, data = ctx.input(i), ctx.data(i)
        if y.dtype == np.uint8 and y.quantized and value.quantized:
            data = _requantized(value, data, y)
        parts.append(data)
    return [np.concatenate(parts, axis=int(ctx.option("axis", 0)), out=ctx.out())]


KERNELS = (Kernel("CONCATENATION", prepare, evaluate),)
