"""Exact integer matrix products through floating-point BLAS, and requantisation of their sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.kernels.fixed_point import mbqm, mbqm64, quantize_multiplier, wrap32


def exact_dtype(weights: Array, largest_input: int) -> np.dtype[Any]:
    """The narrowest float dtype in which every partial sum of inputs x weights[k, n] is exact."""
    if weights.size == 0:
        return np.dtype(np.float32)
    bound = float(np.abs(weights.astype(np.float64)).sum(axis=0).max()) * largest_input
    return np.dtype(np.float32 if bound < 2**24 else np.float64)


def matmul_exact(x: Array, weights: Array, dtype: np.dtype[Any]) -> npt.NDArray[np.int64]:
    """x[m, k] @ weights[k, n] of integers, exact in `dtype` (see `exact_dtype`), as int64."""
    product = x.astype(dtype, copy=False) @ weights.astype(dtype, copy=False)
    return np.asarray(product.astype(np.int64))


def channel_multipliers(
    x: TensorValue, w: TensorValue, y: TensorValue, channels: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(q, shift) per output channel from s_x * s_w[c] / s_y in double precision (int8, int16x8)."""
    scales = w.scales.astype(np.float64)
    if len(scales) == 1 and channels != 1:
        scales = np.repeat(scales, channels)
    real = float(x.scale) * scales / float(y.scale)
    pairs = [quantize_multiplier(float(m)) for m in real]
    return np.array([p[0] for p in pairs], np.int32), np.array([p[1] for p in pairs], np.int32)


def float_product_multiplier(x: TensorValue, w: TensorValue, y: TensorValue) -> tuple[int, int]:
    """(q, shift) from float32(s_x * s_w) / s_y: uint8 convolutions, per-tensor int8
    FULLY_CONNECTED.
    """
    product = np.float32(x.scale) * np.float32(w.scale)
    return quantize_multiplier(float(product) / float(y.scale))


def requantize(
    acc: Array, q: Any, shift: Any, zero_point: int, bounds: tuple[int, int], dtype: Any
) -> Array:
    """clamp(MBQM(acc) + zero_point) as `dtype`; `acc` wraps to int32 first, as the reference's
    does.
    """
    value = mbqm(wrap32(acc), q, shift) + zero_point
    return np.asarray(np.clip(value, *bounds).astype(dtype))


def requantize64(
    acc: Array, q: Any, shift: Any, zero_point: int, bounds: tuple[int, int], dtype: Any
) -> Array:
    """As `requantize`, for int64 accumulators (int16 activations): the 16-bit multiplier form."""
    value = mbqm64(acc, q, shift) + zero_point
    return np.asarray(np.clip(value, *bounds).astype(dtype))


def bias_data(ctx: NodeContext, index: int) -> Array | None:
    """The bias input's data, or None when the node has none."""
    value = ctx.optional(index)
    return None if value is None else ctx.data(index)
