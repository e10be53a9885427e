"""CONCATENATION: any type; uint8 inputs of another scale are requantised through float."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import activation_name
from litefuse.runtime.kernels.base import Array, Kernel, NodeContext, Shape, TensorValue, require
from litefuse.runtime.kernels.fixed_point import round_half_away
from litefuse.runtime.kernels.reshape import require_scalar_axis


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The inputs' common shape, their sizes along the axis added."""
    require(len(ctx.inputs) > 0, ctx, "has no inputs")
    values = [ctx.input(i) for i in range(len(ctx.inputs))]
    first, y = values[0], ctx.outputs[0]
    require(activation_name(ctx) == "NONE", ctx, "a fused activation is not supported")
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
        require(value.dtype == y.dtype, ctx, f"{value.name!r} is {value.dtype}, not {y.dtype}")
        if y.dtype == np.int8 and y.quantized and value.quantized:
            require(
                (value.scale, value.zero_point) == (y.scale, y.zero_point),
                ctx,
                f"int8 input {value.name!r} and the output must have one scale and zero point",
            )
        total += value.shape[axis]
    return [(*first.shape[:axis], total, *first.shape[axis + 1 :])]


def _requantized(value: TensorValue, data: Array, y: TensorValue) -> Array:
    """uint8 at the output's scale; data already at that scale passes unchanged."""
    if (value.scale, value.zero_point) == (y.scale, y.zero_point):
        return data
    inverse = np.float32(1.0) / np.float32(y.scale)
    scale = np.float32(value.scale) * inverse
    bias = np.float32(-value.zero_point) * scale
    scaled = (data.astype(np.float32) * scale + bias).astype(np.float32)
    result = round_half_away(scaled).astype(np.int64) + y.zero_point
    return np.clip(result, 0, 255).astype(np.uint8)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The inputs one after the other along the axis."""
    y = ctx.outputs[0]
    parts = []
    for i in range(len(ctx.inputs)):
        value, data = ctx.input(i), ctx.data(i)
        if y.dtype == np.uint8 and y.quantized and value.quantized:
            data = _requantized(value, data, y)
        parts.append(data)
    return [np.concatenate(parts, axis=int(ctx.option("axis", 0)), out=ctx.out())]


KERNELS = (Kernel("CONCATENATION", prepare, evaluate),)
