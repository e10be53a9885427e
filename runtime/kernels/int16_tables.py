"""The 513-entry interpolated tables with which TFLite evaluates functions of int16 values."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.kernels.fixed_point import (
    mbqm,
    quantize_multiplier,
    round_half_away,
)

STEPS = 512


def build_table(
    function: Callable[[Array], Array],
    input_min: float,
    input_max: float,
    output_min: float,
    output_max: float,
) -> npt.NDArray[np.int16]:
    """int16[513] of `function` over [input_min, input_max]; outputs span [output_min, output_max].

    Each entry is shifted by half of the error that linear interpolation makes at the middle of its
    segment, which halves the largest error.
    """
    step = (input_max - input_min) / STEPS
    scaling = 65536.0 / (output_max - output_min)
    x = input_min + np.arange(STEPS) * step
    value = round_half_away(function(x) * scaling)
    middle = round_half_away(function(x + step / 2) * scaling)
    following = function(x + step) * scaling
    interpolated = round_half_away((following + value) / 2)
    bias = round_half_away((interpolated - middle) / 2)
    last = round_half_away(function(np.array([input_max])) * scaling)
    table = np.concatenate([value - bias, last])
    return np.asarray(np.clip(table, -32768, 32767), np.int16)


def int16_table(
    x: TensorValue, y: TensorValue, function: Callable[[Array], Array]
) -> npt.NDArray[np.int16]:
    """int16[513] of `function`, float32 to float32, over all that an int16 input can be, in units
    of the output; built in float32.
    """
    single = np.float32
    scale, unit = single(x.scale), single(y.scale)
    low, high = (scale * single(end - x.zero_point) for end in (-32768, 32767))
    span = unit * single(32767 - y.zero_point) - unit * single(-32768 - y.zero_point)
    step, inverse = (high - low) / single(STEPS), single(65536) / span
    i = np.arange(STEPS).astype(single)
    with np.errstate(all="ignore"):
        value = round_half_away(function(low + i * step) * inverse)
        middle = round_half_away(function(low + i * step + step / single(2)) * inverse)
        following = function(low + (i + single(1)) * step) * inverse
        interpolated = round_half_away((following + value) / single(2))
        bias = round_half_away((interpolated - middle) / single(2))
        last = round_half_away(function(np.array([high])) * inverse)
        table = np.concatenate([value - bias, last])
    # An infinite entry has a NaN for its bias, which passes the clamp; as an integer it becomes 0.
    return np.asarray(np.clip(np.where(np.isnan(table), 0, table), -32768, 32767), np.int16)


def evaluate_int16_table(ctx: NodeContext, function: Callable[[Array], Array]) -> Array:
    """`function` of the node's int16 input 0 through its table, made once."""
    table = ctx.memo("table", lambda: int16_table(ctx.input(0), ctx.outputs[0], function))
    return look_up(table, ctx.data(0)).astype(np.int16)


def look_up(table: Array, x: Array) -> npt.NDArray[np.int64]:
    """The table's function of int16 x, interpolated on the low 7 bits; slopes wrap at 16 bits."""
    value = np.asarray(x, np.int64)
    index = 256 + (value >> 7)
    offset = value & 0x7F
    base = table[index].astype(np.int64)
    slope = (table[index + 1].astype(np.int64) - base).astype(np.int16).astype(np.int64)
    return np.asarray(base + ((slope * offset + 64) >> 7))


@lru_cache(maxsize=1)
def exp_table() -> npt.NDArray[np.int16]:
    """exp on [-10, 0], outputs on [-1, 1]."""
    return build_table(np.exp, -10.0, 0.0, -1.0, 1.0)


@lru_cache(maxsize=1)
def one_over_one_plus_x_table() -> npt.NDArray[np.int16]:
    """1 / (1 + x) on [0, 1], outputs on [-1, 1]."""
    return build_table(lambda x: 1.0 / (1.0 + x), 0.0, 1.0, -1.0, 1.0)


def softmax_int16(x: Array, beta: float, scale: float) -> npt.NDArray[np.int16]:
    """SOFTMAX of int16 rows (last axis), probabilities at scale 1 / 32768."""
    product = np.float32(scale) * np.float32(beta)
    q, shift = quantize_multiplier(float(product) / (10.0 / 65535.0))
    diff = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scaled = mbqm(diff, q, shift)
    # Symmetric around the middle of the table's [-10, 0].
    exps = look_up(exp_table(), np.clip(scaled + 32767, -32768, 32767))
    total = exps.sum(axis=-1, keepdims=True)
    # total is Q(16.15): bring it to [1, 2), keep the fraction, and look its reciprocal up.
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    shifted = (total << (headroom - 1)).astype(np.int64)
    fraction = shifted - (1 << 30)
    point = rdbp_half_up(fraction, 14) - 32768
    reciprocal = look_up(one_over_one_plus_x_table(), np.clip(point, -32768, 32767))
    right = 31 - headroom
    value = rdbp_half_up(exps * reciprocal, right)
    return np.clip(value, 0, 32767).astype(np.int16)


def rdbp_half_up(x: Array, bits: Array | int) -> npt.NDArray[np.int64]:
    """x / 2**bits, rounded half up."""
    b = np.asarray(bits, np.int64)
    return np.asarray((np.asarray(x, np.int64) + (np.int64(1) << (b - 1))) >> b)
