"""LSTM's basic kernel: 5 inputs (input, last activation, weights, bias, last state) and 4 outputs
(activation, state, the input beside the last activation, the gates' sums).

The weights [4 * depth, input + depth] hold the gates input, cell, forget, output.  The last
activation and state are inputs that the op overwrites with the new ones.  float32, or uint8 with
an int16 state of scale 2**-11: there the weights have a zero point, all activations are around 128
with scale 1/128, the sums are int16 in steps of 2**-12, and the rest is in 16-bit fixed point.
The sums come from LiteRT's fast matrix product, whose second rounding is half up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels import gemmlowp16
from litefuse.runtime.kernels.base import (
    Array,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_rank,
)
from litefuse.runtime.kernels.fixed_point import quantize_multiplier, rdbp, srdhm, wrap32
from litefuse.runtime.kernels.recurrent import only_scale, sigmoid
from litefuse.runtime.kernels.running_error import TANH, Near, exact, multiplied

_INPUT, _ACTIVATION, _WEIGHTS, _BIAS, _STATE = range(5)
_FLOAT = ("float32",) * 9
_BYTES = ("uint8", "uint8", "uint8", "int32", "int16", "uint8", "int16", "uint8", "int16")
_STATE_BITS = 4


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[batch, depth] twice, [batch, input + depth], [batch, 4 * depth]."""
    require(len(ctx.inputs) == 5, ctx, f"basic kernel: {len(ctx.inputs)} inputs, needs 5")
    require(len(ctx.outputs) == 4, ctx, f"basic kernel: {len(ctx.outputs)} outputs, needs 4")
    x, activation, state = (ctx.input(i) for i in (_INPUT, _ACTIVATION, _STATE))
    for value in (x, activation):
        require_rank(ctx, value, 2)
    batch, depth = activation.shape
    total = x.shape[1] + depth
    for value, wanted in (
        (activation, (x.shape[0], depth)),
        (ctx.input(_WEIGHTS), (4 * depth, total)),
        (ctx.input(_BIAS), (4 * depth,)),
        (state, (batch, depth)),
    ):
        found = value.shape
        require(found == wanted, ctx, f"{value.name!r} has shape {found}, needs {wanted}")
    for value in (activation, state):
        require(not value.constant, ctx, f"{value.name!r} is overwritten, and is a constant")
    _check_types(ctx)
    return [(batch, depth), (batch, depth), (batch, total), (batch, 4 * depth)]


def _check_types(ctx: NodeContext) -> None:
    wanted = _BYTES if ctx.input(_INPUT).dtype == np.uint8 else _FLOAT
    for value, dtype in zip((*map(ctx.input, range(5)), *ctx.outputs), wanted, strict=True):
        require_dtype(ctx, value, dtype)
    if wanted is _BYTES:
        scale = float(only_scale(ctx.outputs[1]))
        require(
            scale > 0 and abs(math.log2(scale) - (_STATE_BITS - 15)) < 1e-3,
            ctx,
            f"the state's scale is {scale}, needs 2**{_STATE_BITS - 15}",
        )


def evaluate(ctx: NodeContext) -> list[Array]:
    """One time step; the last activation and state become this step's."""
    joined = np.concatenate((ctx.data(_INPUT), ctx.data(_ACTIVATION)), axis=1)
    run = _bytes if joined.dtype == np.uint8 else _float
    activation, state, sums = run(ctx, joined)
    ctx.data(_ACTIVATION)[...] = activation
    ctx.data(_STATE)[...] = state
    return [activation, state, joined, sums]


def _float(ctx: NodeContext, joined: Array) -> tuple[Array, Array, Array]:
    sums = joined @ ctx.data(_WEIGHTS).T + ctx.data(_BIAS)
    update, fresh, forget, output = np.split(sums, 4, axis=1)
    state = sigmoid(update) * np.tanh(fresh) + sigmoid(forget) * ctx.data(_STATE)
    return sigmoid(output) * np.tanh(state), state, sums


def allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    """The largest difference of each float output."""
    if outputs[0].dtype.kind != "f":
        return [np.zeros(y.shape) for y in outputs]
    joined = np.concatenate((ctx.data(_INPUT), ctx.data(_ACTIVATION)), axis=1)
    sums = multiplied(exact(joined), ctx.input(_WEIGHTS), False) + exact(ctx.data(_BIAS))
    parts = zip(np.split(sums.value, 4, axis=1), np.split(sums.error, 4, axis=1), strict=True)
    update, fresh, forget, output = (Near(value, error) for value, error in parts)
    state = update.sigmoid() * fresh.activated(TANH) + forget.sigmoid() * exact(ctx.data(_STATE))
    active = output.sigmoid() * state.activated(TANH)
    return [active.error, state.error, np.zeros(joined.shape), sums.error]


def _bytes(ctx: NodeContext, joined: Array) -> tuple[Array, Array, Array]:
    weights, bias = ctx.input(_WEIGHTS), ctx.input(_BIAS)
    centred = ctx.data(_WEIGHTS).astype(np.int64) - weights.zero_point
    acc = wrap32((joined.astype(np.int64) - 128) @ centred.T + ctx.data(_BIAS))
    q, shift = quantize_multiplier(4096 * float(only_scale(bias)))
    high, right = srdhm(wrap32(acc << max(shift, 0)), q), max(-shift, 0)
    sums = np.clip((high + (1 << right >> 1)) >> right, -32768, 32767).astype(np.int16)
    raw = np.split(sums, 4, axis=1)
    update, forget, output = (gemmlowp16.logistic(raw[i]).astype(np.int64) for i in (0, 2, 3))
    fresh = gemmlowp16.tanh(raw[1], 3).astype(np.int64)
    kept = _multiply(forget, ctx.data(_STATE).astype(np.int64))
    total = rdbp(_multiply(update, fresh), _STATE_BITS) + kept
    state = np.clip(total, -32768, 32767).astype(np.int16)
    active = _multiply(output, gemmlowp16.tanh(state, _STATE_BITS).astype(np.int64))
    out = 128 + np.clip(rdbp(active, 8), -128, 127)
    return out.astype(np.uint8), state, sums


def _multiply(a: Array, b: Array) -> Array:
    """Saturating rounding doubling high multiply of int16."""
    return np.asarray(np.minimum((a * b + (1 << 14)) >> 15, 32767))
