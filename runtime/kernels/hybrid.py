"""Run-time quantisation of float activations against integer weights (dynamic-range models).

LiteRT's x86 build runs its vector routines here for every resolver, the reference one among them.
Two roundings of theirs are not those of the scalar code, and both are copied, since one step of a
quantised value is a per cent of the result:

- the range of an asymmetric row, max - min, is rounded to float32 before it is divided by 255;
- in all but the last n % 8 elements of a row, half is added in float32 and the sum truncated, so
  that 0.49999997 becomes 1; the last ones are rounded exactly, ties away from zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array
from litefuse.runtime.kernels.fixed_point import round_half_away

_LANES = 8
_ELEMENTS = 1 << 16  # of all rows, quantised at a time


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
    """Quantise each row of x[rows, n] as LiteRT's hybrid kernels do.

    Symmetric: scale = max |x| / 127.  Asymmetric: the range [min(x, 0), max(x, 0)] on 255 steps
    with a zero point nudged to an integer.  A row of zeros gets scale 1.
    """
    data = np.asarray(x, np.float32)
    return _asymmetric(data) if asymmetric else _symmetric(data)


def _nearest(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Whole numbers near x[rows, n], as the vector routine and its scalar tail find them."""
    whole = x.shape[1] // _LANES * _LANES
    out = np.empty_like(x)
    head = x[:, :whole]
    half = np.where(head < 0, np.float32(-0.5), np.float32(0.5))
    out[:, :whole] = np.trunc(head + half)
    out[:, whole:] = round_half_away(x[:, whole:])
    return out


def _steps(
    x: npt.NDArray[np.float32], inverse: Array, zero_points: Array, low: int
) -> npt.NDArray[np.int8]:
    """x[rows, n] times the inverse scales, rounded, moved and clamped; some columns at a time,
    which begin where the vector routine's lanes do.
    """
    values = np.empty(x.shape, np.int8)
    step = max(_ELEMENTS // max(len(x), 1) // _LANES, 1) * _LANES
    for at in range(0, x.shape[1], step):
        part = slice(at, at + step)
        whole = _nearest((x[:, part] * inverse[:, None]).astype(np.float32))
        values[:, part] = np.clip(whole + zero_points[:, None], low, 127).astype(np.int8)
    return values


def _symmetric(x: npt.NDArray[np.float32]) -> QuantizedRows:
    largest = np.maximum(x.max(axis=1, initial=0.0), -x.min(axis=1, initial=0.0))
    zero = largest == 0
    safe = np.where(zero, np.float32(1), largest)
    scales = np.where(zero, np.float32(1), safe / np.float32(127)).astype(np.float32)
    inverse = (np.float32(127) / safe).astype(np.float32)
    points = np.zeros(len(x), np.int32)
    return QuantizedRows(_steps(x, inverse, points, -127), scales, points)


def _asymmetric(x: npt.NDArray[np.float32]) -> QuantizedRows:
    low = np.minimum(x.min(axis=1, initial=0.0), 0).astype(np.float32)
    high = np.maximum(x.max(axis=1, initial=0.0), 0).astype(np.float32)
    zero = low == high
    scale = np.where(zero, 1.0, (high - low).astype(np.float64) / 255.0)
    below, above = low.astype(np.float64) / scale, high.astype(np.float64) / scale
    point = np.where(128 + np.abs(below) < 127 + np.abs(above), -128 - below, 127 - above)
    nudged = np.where(zero, 0, np.clip(round_half_away(point), -128, 127)).astype(np.int32)
    scales = scale.astype(np.float32)
    inverse = np.zeros_like(scales)
    np.divide(1.0, scales, out=inverse, where=scales != 0, casting="same_kind")
    return QuantizedRows(_steps(x, inverse, nudged, -128), scales, nudged)
