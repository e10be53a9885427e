"""Fused activations: the clamp that ends a float or an integer op."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import Array, KernelError, NodeContext
from litefuse.runtime.kernels.fixed_point import activation_bounds

_NAMES = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")


def activation_name(ctx: NodeContext) -> str:
    """Name of the node's fused activation, NONE without options."""
    code = ctx.option("fused_activation_function", 0)
    return _NAMES[int(code)]


def require_clamp(ctx: NodeContext) -> str:
    """The fused activation's name; KernelError when it is not one that only clamps."""
    name = activation_name(ctx)
    if name not in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        raise KernelError(
            f"{ctx.op.name}: fused activation {name} is not supported; "
            "use NONE, RELU, RELU6 or RELU_N1_TO_1"
        )
    return name


def clamp_or_none(ctx: NodeContext) -> str:
    """The fused activation's name; NONE for TANH and SIGN_BIT, which the reference's arithmetic
    passes over.
    """
    name = activation_name(ctx)
    return "NONE" if name in ("TANH", "SIGN_BIT") else name


def clamp_float(x: Array, activation: str) -> Array:
    """Apply a fused activation to a float array, in place where it can be."""
    if activation == "TANH":
        return np.asarray(np.tanh(x))
    if activation == "SIGN_BIT":
        return np.signbit(x).astype(x.dtype)
    low, high = activation_bounds(activation)
    # The reference clamps NONE to the finite range too, so an infinity becomes the largest float.
    limit = float(np.finfo(x.dtype).max)
    np.maximum(x, x.dtype.type(max(low, -limit)), out=x)
    np.minimum(x, x.dtype.type(min(high, limit)), out=x)
    return x
