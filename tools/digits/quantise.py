"""Post-training int8 quantisation: calibrated activations, symmetric weights per channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digits.layers import Array
from digits.network import Network

# Outputs that exist as tensors of the .tflite file, and whose range calibration measures. Pools and
# the reshape pass their input's scale on, as the format demands of them.
MEASURED = ("input", "stem_relu", "depthwise_relu6", "pointwise", "residual_relu", "body_relu")


@dataclass(frozen=True)
class Scale:
    """``real = scale * (q - zero_point)``, one pair for the tensor."""

    scale: float
    zero_point: int

    @classmethod
    def of_range(cls, low: float, high: float) -> Scale:
        """The int8 grid over [low, high], widened to hold zero exactly."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = float(np.float32((high - low) / 255))
        return cls(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


@dataclass(frozen=True)
class Weights:
    """int8 weights, a scale for each index of ``axis``, and the int32 bias at input x weight."""

    w: NDArray[np.int8]
    scales: Array
    axis: int | None
    b: NDArray[np.int32]


def activation_scales(network: Network, images: Array) -> dict[str, Scale]:
    """A scale for each measured tensor and for the logits, from the calibration images."""
    seen = network.forward(images)
    names = (*MEASURED, "dense")
    return {
        name: Scale.of_range(float(seen[name].min()), float(seen[name].max())) for name in names
    }


def quantise_weights(w: Array, b: Array, axis: int | None, input_scale: float) -> Weights:
    """Symmetric int8 in -127..127, one scale for each index of ``axis`` (None: one for all)."""
    others = tuple(i for i in range(w.ndim) if i != axis)
    scales = np.atleast_1d(np.abs(w).max(others) / 127).astype(np.float32)
    shape = [1] * w.ndim
    if axis is not None:
        shape[axis] = -1
    q = np.clip(np.rint(w / scales.reshape(shape)), -127, 127).astype(np.int8)
    bias = np.rint(b.astype(np.float64) / (np.float64(input_scale) * scales)).astype(np.int32)
    return Weights(q, scales, axis, bias)
