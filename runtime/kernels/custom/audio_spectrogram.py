"""AudioSpectrogram: squared magnitudes (or magnitudes) of windows of a signal, float32.

A periodic Hann window, padded to the next power of two, is transformed in double precision.  Float
bound: the transform's own, e = 4 log2(n) roundings of a double of sum |x| over a window, is 2 |X| e
+ e * e of its square; and 2 ulp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.custom.flexbuffer import load_map


def _windows(ctx: NodeContext) -> tuple[int, int, bool]:
    """Window size, stride, and whether magnitudes stay squared."""
    found: dict[str, Any] = ctx.memo("map", lambda: load_map(ctx.op.custom_options or b""))
    size, stride = int(found.get("window_size") or 0), int(found.get("stride") or 0)
    require(size >= 2, ctx, f"window_size is {size}; it must be at least 2")
    require(stride >= 1, ctx, f"stride is {stride}; it must be positive")
    return size, stride, bool(found.get("magnitude_squared") or False)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[channels, windows, frequencies] of [samples, channels]."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_rank(ctx, x, 2)
    require_dtype(ctx, x, "float32")
    require_dtype(ctx, ctx.outputs[0], "float32")
    size, stride, _ = _windows(ctx)
    spare = x.shape[0] - size
    length = 1 << (size - 1).bit_length()
    return [(x.shape[1], 1 + spare // stride if spare >= 0 else 0, 1 + length // 2)]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The spectrum of each window of each channel."""
    size, stride, squared = _windows(ctx)
    shape = ctx.outputs[0].shape
    if 0 in shape:
        return [np.zeros(shape, np.float32)]
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    frames = np.lib.stride_tricks.sliding_window_view(ctx.data(0).T, size, axis=1)[:, ::stride]
    spectrum = np.fft.rfft(frames.astype(np.float64) * hann, 2 * (shape[2] - 1), axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return [power if squared else np.sqrt(power)]


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    size, stride, squared = _windows(ctx)
    (y,) = outputs
    if y.size == 0:
        return [np.zeros(y.shape)]
    frames = np.lib.stride_tricks.sliding_window_view(ctx.data(0).T, size, axis=1)[:, ::stride]
    sums = np.abs(frames.astype(np.float64)).sum(axis=2)[..., None]
    error = 8.0 * np.log2(size) * 2.0**-53 * sums
    return [2 * np.sqrt(y.astype(np.float64)) * error + error * error if squared else error]


_BOUND = Bound(
    "2 ulp + the square's part of 4 log2(n) roundings of a double of sum abs(x)", _allowed
)

KERNELS = (Kernel("AudioSpectrogram", prepare, evaluate, ulp=2, bound=_BOUND),)
