"""What the recurrent ops share: products with float or int8 weights, activations, their states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import Array, KernelError, NodeContext, TensorValue, require
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows

_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) in the array's own type."""
    return accurate.sigmoid(x)


def activate(x: Array, code: int) -> Array:
    """The fused activation `code` of the schema, TANH and SIGN_BIT among them."""
    name = _ACTIVATIONS[code]
    if name == "TANH":
        return accurate.tanh(x)
    if name == "SIGN_BIT":
        return np.signbit(x).astype(x.dtype)
    if name == "RELU":
        return np.maximum(x, 0)
    if name == "RELU6":
        return np.clip(x, 0, 6)
    return np.clip(x, -1, 1) if name == "RELU_N1_TO_1" else x


def product(x: Array, weights: TensorValue, asymmetric: bool, scales: Array | None = None) -> Array:
    """x[rows, n] @ weights[m, n].T in float32.

    Integer weights have one scale, and each row of x is quantised at run time.  With `scales` those
    are taken for the rows', and the zero points are left in.
    """
    data = weights.data
    if data is None:
        raise KernelError(f"tensor {weights.name!r} has no data yet")
    if weights.dtype.kind == "f":
        return np.asarray(x @ data.T)
    rows = quantize_rows(x, asymmetric)
    centred = rows.values.astype(np.float64)
    if scales is None:
        centred, scales = centred - rows.zero_points[:, None], rows.scales
    total = centred @ hybrid_weights(data).astype(np.float64).T
    scale = (scales * only_scale(weights)).astype(np.float32)
    return np.asarray(total.astype(np.float32) * scale[:, None])


def leading_axes(ctx: NodeContext, ranks: Mapping[int, int]) -> NodeContext:
    """The node with each of these inputs cut to so many axes.

    The kernels of RNN and SVDF ask for no rank: they take the first axes for the sizes of a matrix,
    and its elements as they lie.
    """
    inputs = list(ctx.inputs)
    for index, rank in ranks.items():
        value = ctx.optional(index)
        if value is not None and len(value.shape) > rank:
            inputs[index] = _reshaped(value, value.shape[:rank])
    return replace(ctx, inputs=inputs)


def as_square(value: TensorValue, size: int) -> TensorValue:
    """A value of at least size * size elements as a matrix of the first of them."""
    return _reshaped(value, (size, size))


def _reshaped(value: TensorValue, shape: tuple[int, ...]) -> TensorValue:
    data = value.data
    if data is not None:
        data = data.reshape(-1)[: math.prod(shape)].reshape(shape)
    return replace(value, shape=shape, data=data, memory=None)


def first_values(rows: Array, width: int, rowwise: bool) -> Array:
    """The first `width` values of each row; unless `rowwise`, the first of the whole in rows of
    that width, as the reference finds them that takes the batch in one.
    """
    if rowwise or width == rows.shape[1]:
        return rows[:, :width]
    return rows.reshape(-1)[: len(rows) * width].reshape(len(rows), width)


def require_state(
    ctx: NodeContext, index: int, shape: tuple[int, ...], *, flat: bool = False
) -> TensorValue:
    """Input `index`, a variable tensor of this shape, or, if `flat`, of any with as many elements;
    KernelError otherwise.
    """
    state = ctx.input(index)
    idle = 0 in ctx.input(0).shape[:-1]  # LiteRT looks at the state when it takes a step
    held = state.tensor.is_variable or idle
    require(held, ctx, f"state {state.name!r} is not a variable tensor")
    fits = math.prod(state.shape) == math.prod(shape) if flat else state.shape == shape
    require(fits, ctx, f"state {state.name!r} has shape {state.shape}, needs {shape}")
    return state


def only_scale(value: TensorValue) -> np.float32:
    """The tensor's scale; 0 when it has none or several, as the recurrent kernels see it."""
    if not value.quantized or len(value.scales) > 1:
        return np.float32(0.0)
    return np.float32(value.scales[0])
