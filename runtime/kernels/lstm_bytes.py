"""One time step of the int8 LSTM whose products are 8 bits ("8x8_8"), bit for bit.

The node's twelve intermediate tensors give, a gate after another (input, forget, cell, output), the
scale of the gate's sum and the scales and zero points of its products with the input and the state.
Layer normalisation and a projection with its bias are parts of this form; the input gate is always
1 - the forget gate, peepholes are left out, and normalisation, logistic and tanh are in float32.

Two slips of LiteRT's are its results: the output gate takes the zero point of intermediate 7 for
its product with the state, and for that multiplier a number past the end of an array, which
is the forget gate's shift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels import libm
from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue, require, require_dtype
from litefuse.runtime.kernels.fixed_point import (
    mbqm,
    mbqm64,
    quantize_multiplier,
    rdbp,
    round_half_away,
    wrap32,
)
from litefuse.runtime.kernels.lstm_integer import quantized_clip
from litefuse.runtime.kernels.lstm_places import GATES, UNIDIRECTIONAL
from litefuse.runtime.kernels.recurrent import only_scale

_F32 = np.float32
_COUNT = 12
_CELL_SCALE = 2.0**-15
_RECURRENT_ZERO = {"forget": 5, "cell": 8, "output": 7}


def check_bytes(ctx: NodeContext) -> None:
    """KernelError unless the node's int8 cell is of the form that this module computes."""
    at = UNIDIRECTIONAL
    require(len(ctx.intermediates) == _COUNT, ctx, f"needs {_COUNT} intermediate tensors")
    for value in (*ctx.intermediates, ctx.outputs[0], ctx.input(at.cell_state)):
        value.scale  # noqa: B018 - raises when absent
    for index, what in (
        (at.norms["forget"], "layer normalisation"),
        (at.projection, "a projection"),
        (at.projection_bias, "a projection bias"),
    ):
        require(ctx.optional(index) is not None, ctx, f"an 8-bit cell needs {what}")
    require_dtype(ctx, ctx.outputs[0], "int8")
    for name in GATES[1:]:
        require_dtype(ctx, ctx.input(at.weights[name]), "int8")


@dataclass(frozen=True, slots=True)
class _Gate:
    weights: Array
    recurrent: Array
    scale: tuple[int, int]
    recurrent_scale: tuple[int, int]
    zero: int
    recurrent_zero: int
    sum_scale: tuple[int, int]
    recurrent_sum_scale: tuple[int, int]
    norm: Array
    norm_scale: np.float32
    bias: Array


@dataclass(frozen=True, slots=True)
class ByteCell:
    """The cell with all its multipliers."""

    gates: dict[str, _Gate]
    input_zero: int
    output_zero: int
    projection: Array
    projection_bias: Array
    projection_scale: tuple[int, int]
    cell_clip: int
    projection_clip: int

    def _gate(self, name: str, x: Array, state: Array) -> Array:
        g = self.gates[name]
        first = _product(x - self.input_zero, g.weights, g.scale, g.zero)
        second = _product(
            state - self.output_zero, g.recurrent, g.recurrent_scale, g.recurrent_zero
        )
        total = mbqm(second - g.recurrent_zero, *g.recurrent_sum_scale)
        total = wrap32(total + mbqm(first - g.zero, *g.sum_scale))
        raw = _normalise(np.clip(total, -32768, 32767), g)
        return _tanh(raw, -12) if name == "cell" else _logistic(raw)

    def step(self, x: Array, state: Array, memory: Array) -> Array:
        """x[batch, depth] to [batch, size]; the int8 and int16 states move on in place."""
        x64, state64, memory64 = (v.astype(np.int64) for v in (x, state, memory))
        forget, fresh = (self._gate(name, x64, state64) for name in ("forget", "cell"))
        kept = rdbp(forget * memory64, 15).astype(np.int16).astype(np.int64)
        added = rdbp((32767 - forget) * fresh, 15).astype(np.int16).astype(np.int64)
        memory64 = np.clip(kept + added, -32768, 32767)
        if self.cell_clip > 0:
            memory64 = np.clip(memory64, -self.cell_clip, self.cell_clip)
        memory[...] = memory64
        gate = self._gate("output", x64, state64)
        hidden = rdbp(gate * _tanh(memory64, -15), 15).astype(np.int16).astype(np.int64)
        acc = hidden @ self.projection.T + self.projection_bias  # 64 bits, and so is its multiplier
        out = np.clip(mbqm64(acc, *self.projection_scale) + self.output_zero, -128, 127)
        if self.projection_clip > 0:
            out = np.clip(out, -self.projection_clip, self.projection_clip)
        state[...] = out
        return state.copy()


def byte_cell(ctx: NodeContext) -> ByteCell:
    """The node's cell: multipliers from its scales."""
    at = UNIDIRECTIONAL
    x, state, cell = ctx.input(0), ctx.input(at.output_state), ctx.input(at.cell_state)
    made = {name: _gate(ctx, name) for name in GATES[1:]}
    slip = made["forget"].recurrent_sum_scale[1], made["output"].recurrent_sum_scale[1]
    projection = (
        float(only_scale(ctx.input(at.projection))) * _CELL_SCALE / float(only_scale(state))
    )
    # LiteRT drops the clips of a cell state of another scale, with an error that nobody reads.
    clips = cell.scale == _CELL_SCALE
    cell_clip = float(ctx.option("cell_clip", 0.0))
    proj_clip = float(ctx.option("proj_clip", 0.0)) if clips else 0.0
    return ByteCell(
        gates={**made, "output": _with_slip(made["output"], slip)},
        input_zero=x.zero_point,
        output_zero=state.zero_point,
        projection=ctx.data(at.projection).astype(np.int64),
        projection_bias=ctx.data(at.projection_bias).astype(np.int64),
        projection_scale=quantize_multiplier(float(_F32(projection))),
        cell_clip=quantized_clip(cell_clip, cell.scale, 32767) if clips and cell_clip < 1 else 0,
        projection_clip=quantized_clip(proj_clip, ctx.outputs[0].scale, 127),
    )


def _with_slip(gate: _Gate, scale: tuple[int, int]) -> _Gate:
    return _Gate(
        **{name: getattr(gate, name) for name in _Gate.__slots__ if name != "recurrent_sum_scale"},
        recurrent_sum_scale=scale,
    )


def _gate(ctx: NodeContext, name: str) -> _Gate:
    at = UNIDIRECTIONAL
    first = 3 * GATES.index(name)
    total, product, recurrent = ctx.intermediates[first : first + 3]
    norm = ctx.input(at.norms[name])
    a, b = quantize_multiplier(float(only_scale(norm)))

    def multiplier(weights: TensorValue, value: TensorValue, inner: TensorValue) -> tuple[int, int]:
        scale = only_scale(weights) * only_scale(value) / _F32(inner.scale)
        return quantize_multiplier(float(scale))

    def ratio(inner: TensorValue) -> tuple[int, int]:
        return quantize_multiplier(float(_F32(inner.scale) / _F32(total.scale)))

    return _Gate(
        weights=ctx.data(at.weights[name]).astype(np.int64),
        recurrent=ctx.data(at.recurrent[name]).astype(np.int64),
        scale=multiplier(ctx.input(at.weights[name]), ctx.input(0), product),
        recurrent_scale=multiplier(
            ctx.input(at.recurrent[name]), ctx.input(at.output_state), recurrent
        ),
        zero=product.zero_point,
        recurrent_zero=ctx.intermediates[_RECURRENT_ZERO[name]].zero_point,
        sum_scale=ratio(product),
        recurrent_sum_scale=ratio(recurrent),
        norm=ctx.data(at.norms[name]).astype(np.float32),
        norm_scale=_F32(a * math.pow(2.0, b - 31)),
        bias=ctx.data(at.biases[name]).astype(np.float32),
    )


def _product(x: Array, weights: Array, scale: tuple[int, int], zero: int) -> Array:
    """x @ weights.T as an int8 of this zero point."""
    return np.clip(mbqm(wrap32(x @ weights.T), *scale) + zero, -128, 127)


def _normalise(x: Array, g: _Gate) -> Array:
    """Layer normalisation in float32, sums in order, to steps of 2**-12."""
    values = x.astype(np.float32)
    units = _F32(x.shape[1])
    mean = _sum(values) / units
    variance = _sum(values * values) / units - mean * mean
    inverse = _F32(1) / np.sqrt(np.where(variance == 0, _F32(1e-8), variance))
    scaled = (values - mean[:, None]) * inverse[:, None] * g.norm * g.norm_scale
    scaled = scaled + g.bias * (_F32(2.0**-10) * g.norm_scale)
    return np.clip(_to_int32(round_half_away(scaled * _F32(4096))), -32768, 32767)


def _sum(rows: Array) -> Array:
    """Each row's sum in float32, an addition after another."""
    return np.asarray(np.add.accumulate(rows, axis=1, dtype=np.float32)[:, -1])


def _to_int32(x: Array) -> Array:
    """Whole floats as x86 converts them: what has no int32 becomes the smallest."""
    fits = np.abs(x) < 2.0**31
    return np.where(fits, np.where(fits, x, 0).astype(np.int64), -(2**31))


def _logistic(x: Array) -> Array:
    value = x.astype(np.float32) * _F32(2.0**-12)
    power = np.exp(-value.astype(np.float64)).astype(np.float32)
    return _q15(_F32(1) / (_F32(1) + power))


def _tanh(x: Array, exponent: int) -> Array:
    value = (x * 2.0**exponent).astype(np.float32)
    return _q15(libm.tanh(value))


def _q15(x: Array) -> Array:
    return np.clip(np.trunc(x * _F32(32768)).astype(np.int64), -32768, 32767)
