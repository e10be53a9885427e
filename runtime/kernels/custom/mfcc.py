"""Mfcc: mel-frequency cepstral coefficients of a squared-magnitude spectrogram, float32.

Triangular filters, evenly spaced in mel, over the spectrum's magnitudes; their logarithms (of at
least 1e-12); a DCT-II. All in double precision.  Float bound: 1 ulp of the
rounding to float and n roundings of a double of the sum of n logarithms' sizes (at most 100 each).
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

_FLOOR = 1e-12


def _options(ctx: NodeContext) -> tuple[int, int, int, int]:
    """Lower and upper frequency (whole Hz), filters, coefficients."""
    found: dict[str, Any] = ctx.memo("map", lambda: load_map(ctx.op.custom_options or b""))
    names = (
        "lower_frequency_limit",
        "upper_frequency_limit",
        "filterbank_channel_count",
        "dct_coefficient_count",
    )
    low, high, filters, coefficients = (int(found.get(name) or 0) for name in names)
    return low, high, filters, coefficients


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[channels, windows, coefficients] of [channels, windows, frequencies]."""
    require_inputs(ctx, 2)
    x, rate = ctx.input(0), ctx.input(1)
    require_rank(ctx, x, 3)
    require(int(np.prod(rate.shape)) == 1, ctx, f"the sample rate has shape {rate.shape}")
    require(min(x.shape) > 0, ctx, f"the spectrogram {x.shape} is empty")
    require_dtype(ctx, x, "float32")
    require_dtype(ctx, ctx.outputs[0], "float32")
    require_dtype(ctx, rate, "int32")
    _, _, filters, coefficients = _options(ctx)
    require(filters > 0, ctx, f"filterbank_channel_count is {filters}; it must be positive")
    require(coefficients >= 0, ctx, f"dct_coefficient_count is {coefficients}; it is negative")
    return [(x.shape[0], x.shape[1], coefficients)]


def _mel(frequency: Any) -> Any:
    return 1127.0 * np.log1p(np.asarray(frequency, np.float64) / 700.0)


def _filterbank(bins: int, rate: int, low: int, high: int, filters: int) -> Array | None:
    """[bins, filters] weights; None when the highest frequency lies past the spectrum."""
    width = 0.5 * rate / (bins - 1)
    first, last = int(1.5 + low / width), int(high / width)
    if last >= bins:
        return None
    bottom = float(_mel(low))
    edges = bottom + (float(_mel(high)) - bottom) / (filters + 1) * np.arange(filters + 2)
    weights = np.zeros((bins, filters))
    for i in range(first, last + 1):
        mel = float(_mel(i * width))
        # The triangle that falls at this bin; the next one rises by what is missing to 1.
        falling = min(int(np.searchsorted(edges[1:], mel)), filters) - 1
        share = (edges[falling + 2] - mel) / (edges[falling + 2] - edges[falling + 1])
        if falling >= 0:
            weights[i, falling] = share
        if falling + 1 < filters:
            weights[i, falling + 1] = 1.0 - share
    return weights


def evaluate(ctx: NodeContext) -> list[Array]:
    """The coefficients of each window; zeros when the upper limit lies past the spectrum."""
    low, high, filters, coefficients = _options(ctx)
    if coefficients == 0:
        return [np.zeros(ctx.outputs[0].shape, np.float32)]
    x, rate = ctx.data(0), int(ctx.data(1).flat[0])
    bins = x.shape[2]
    require(bins >= 2, ctx, f"the spectrogram has {bins} frequencies, needs at least 2")
    require(rate > 0, ctx, f"the sample rate is {rate}; it must be positive")
    require(0 <= low < high, ctx, f"frequency limits {low} to {high} are out of order")
    require(coefficients <= filters, ctx, f"{coefficients} coefficients of only {filters} filters")
    bank = _filterbank(bins, rate, low, high, filters)
    if bank is None:
        return [np.zeros(ctx.outputs[0].shape, np.float32)]
    energy = np.sqrt(x.astype(np.float64)) @ bank
    logs = np.log(np.maximum(energy, _FLOOR))
    angles = np.pi / filters * np.arange(coefficients)[:, None] * (np.arange(filters) + 0.5)
    return [(logs @ (np.sqrt(2.0 / filters) * np.cos(angles)).T).astype(np.float32)]


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    _, _, filters, _ = _options(ctx)
    terms = filters + ctx.input(0).shape[2]
    return [np.full(y.shape, 2.0 * terms * 2.0**-53 * 100 * np.sqrt(2 * filters)) for y in outputs]


_BOUND = Bound("1 ulp + n roundings of a double of the sum of n logarithms' sizes", _allowed)

KERNELS = (Kernel("Mfcc", prepare, evaluate, ulp=1, bound=_BOUND),)
