"""What the recurrent ops share: products with float or int8 weights, activations, their states."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import Array, KernelError, NodeContext, TensorValue, require
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows

_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) in the array's own type."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def activate(x: Array, code: int) -> Array:
    """The fused activation `code` of the schema, TANH and SIGN_BIT among them."""
    name = _ACTIVATIONS[code]
    if name == "TANH":
        return np.asarray(np.tanh(x))
    if name == "SIGN_BIT":
        return np.signbit(x).astype(x.dtype)
    if name == "RELU":
        return np.maximum(x, 0)
    if name == "RELU6":
        return np.clip(x, 0, 6)
    return np.clip(x, -1, 1) if name == "RELU_N1_TO_1" else x


def product(x: Array, weights: TensorValue, asymmetric: bool) -> Array:
    """x[rows, n] @ weights[m, n].T in float32.

    Integer weights have one scale, and each row of x is quantised at run time.
    """
    data = weights.data
    if data is None:
        raise KernelError(f"tensor {weights.name!r} has no data yet")
    if weights.dtype.kind == "f":
        return np.asarray(x @ data.T)
    rows = quantize_rows(x, asymmetric)
    centred = rows.values.astype(np.float64) - rows.zero_points[:, None]
    total = centred @ hybrid_weights(data).astype(np.float64).T
    scale = (rows.scales * np.float32(weights.scale)).astype(np.float32)
    return np.asarray(total.astype(np.float32) * scale[:, None])


def require_state(ctx: NodeContext, index: int, shape: tuple[int, ...]) -> TensorValue:
    """Input `index`, a variable tensor of this shape; KernelError otherwise."""
    state = ctx.input(index)
    require(state.tensor.is_variable, ctx, f"state {state.name!r} is not a variable tensor")
    require(
        state.shape == shape, ctx, f"state {state.name!r} has shape {state.shape}, needs {shape}"
    )
    return state
