"""Run-time quantisation of float activations against integer weights (dynamic-range models)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array
from litefuse.runtime.kernels.fixed_point import round_half_away


@dataclass(frozen=True, slots=True)
class QuantizedRows:
    """Rows of int8 with a scale and a zero point each: real = scale * (value - zero_point)."""

    values: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int32]


def hybrid_weights(data: Array) -> Array:
    """Weights as int8: old converters wrote the same bytes under the type uint8."""
    return data.view(np.int8) if data.dtype == np.uint8 else data


def quantize_rows(x: Array, asymmetric: bool) -> QuantizedRows:
    """Quantise each row of x[rows, n] as TFLite's hybrid kernels do.

    Symmetric: scale = max |x| / 127.  Asymmetric: the range [min(x, 0), max(x, 0)] on 255 steps
    with a zero point nudged to an integer.  A row of zeros gets scale 1.
    """
    data = np.asarray(x, np.float32)
    return _asymmetric(data) if asymmetric else _symmetric(data)


def _symmetric(x: npt.NDArray[np.float32]) -> QuantizedRows:
    largest = np.abs(x).max(axis=1, initial=0.0).astype(np.float32)
    zero = largest == 0
    safe = np.where(zero, np.float32(1), largest)
    scales = np.where(zero, np.float32(1), safe / np.float32(127)).astype(np.float32)
    inverse = (np.float32(127) / safe).astype(np.float32)
    q = round_half_away((x * inverse[:, None]).astype(np.float32))
    values = np.clip(q, -127, 127).astype(np.int8)
    return QuantizedRows(values, scales, np.zeros(len(x), np.int32))


def _asymmetric(x: npt.NDArray[np.float32]) -> QuantizedRows:
    low = np.minimum(x.min(axis=1, initial=0.0), 0).astype(np.float64)
    high = np.maximum(x.max(axis=1, initial=0.0), 0).astype(np.float64)
    zero = low == high
    scale = np.where(zero, 1.0, (high - low) / 255.0)
    from_low = -128 - low / scale
    from_high = 127 - high / scale
    error_low = 128 + np.abs(low / scale)
    error_high = 127 + np.abs(high / scale)
    point = np.where(error_low < error_high, from_low, from_high)
    nudged = np.clip(round_half_away(point), -128, 127).astype(np.int32)
    nudged = np.where(zero, 0, nudged)
    scales = scale.astype(np.float32)
    inverse = (1.0 / scales.astype(np.float64)).astype(np.float32)
    shifted = (nudged[:, None].astype(np.float32) + x * inverse[:, None]).astype(np.float32)
    values = np.clip(round_half_away(shifted), -128, 127).astype(np.int8)
    return QuantizedRows(values, scales, nudged.astype(np.int32))
