"""One time step of the int8 LSTM with int16 cell state and gates ("8x8_16"), bit for bit.

The node's five intermediate tensors give the scales of the gates (with layer normalisation; they
are 2**-12 without) and the scale and zero point of what goes into the projection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels import gemmlowp16
from litefuse.runtime.kernels.base import Array, NodeContext, require, require_dtype
from litefuse.runtime.kernels.fixed_point import mbqm, quantize_multiplier, rdbp, wrap32
from litefuse.runtime.kernels.l2_normalization import inverse_square_root
from litefuse.runtime.kernels.lstm_places import GATES, UNIDIRECTIONAL, runs_coupled
from litefuse.runtime.kernels.recurrent import only_scale

_F32 = np.float32


def check_integer(ctx: NodeContext) -> None:
    """KernelError unless the node's int8 cell is of the form that this module computes."""
    at = UNIDIRECTIONAL
    count = len(ctx.intermediates)
    require(count == 5, ctx, f"an int8 cell has 5 intermediate tensors, this one has {count}")
    check_partial_norms(ctx)
    require_dtype(ctx, ctx.outputs[0], "int8")
    for value in (ctx.outputs[0], ctx.intermediates[4]):
        value.scale  # noqa: B018 - raises when absent
    cell = ctx.input(at.cell_state)
    exponent = math.log2(cell.scale)
    require(
        abs(exponent - round(exponent)) < 1e-3,
        ctx,
        f"the cell state's scale {cell.scale} must be a power of two",
    )
    # LiteRT's own check fails without stopping it (LSTM) or is left out (sequences).
    require(
        -15 <= round(exponent) <= -9,
        ctx,
        f"the cell state's scale {cell.scale} must be 2**-15 to 2**-9",
    )
    for name in GATES:
        for place in (at.weights[name], at.recurrent[name]):
            found = ctx.optional(place)
            if found is not None:
                require_dtype(ctx, found, "int8")
    if ctx.optional(at.peepholes["output"]) is not None:
        units, size = ctx.input(at.recurrent["output"]).shape
        require(
            size <= units, ctx, f"{size} values an output, and peephole weights of {units} units"
        )


def check_partial_norms(ctx: NodeContext) -> None:
    """KernelError for coefficients of some gates without the forget gate's."""
    at = UNIDIRECTIONAL
    some = [name for name, i in at.norms.items() if ctx.optional(i) is not None]
    require(
        not some or "forget" in some, ctx, f"norm coefficients of {some} without the forget gate's"
    )


@dataclass(frozen=True, slots=True)
class _Gate:
    weights: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array
    scale: tuple[int, int]
    recurrent_scale: tuple[int, int]
    peephole: Array | None
    peephole_scale: tuple[int, int]
    norm: Array | None
    norm_bias: Array | None
    norm_scale: tuple[int, int]
    guard: int


@dataclass(frozen=True, slots=True)
class IntegerCell:
    """The cell with all its multipliers."""

    gates: dict[str, _Gate]
    shift: int
    hidden_scale: tuple[int, int]
    hidden_zero: int
    projection: Array | None
    projection_bias: Array | None
    projection_scale: tuple[int, int]
    output_zero: int
    cell_clip: int
    projection_clip: int
    rowwise: bool

    def _gate(self, name: str, x: Array, state: Array, memory: Array) -> Array:
        g = self.gates[name]
        total = _saturate16(mbqm(wrap32(x @ g.weights.T + g.bias), *g.scale))
        more = mbqm(wrap32(state @ g.recurrent.T + g.recurrent_bias), *g.recurrent_scale)
        total = _saturate16(total + more)
        if g.peephole is not None:
            # The reference walks both arrays with the output's size as the row length.
            size = min(state.shape[1], memory.shape[1])
            if self.rowwise:
                part = mbqm(g.peephole[:size] * memory[:, :size], *g.peephole_scale)
                total[:, :size] = _saturate16(total[:, :size] + part)
            else:
                flat, count = total.reshape(-1), size * len(state)
                factor = np.resize(g.peephole[:size], count)
                part = mbqm(factor * memory.reshape(-1)[:count], *g.peephole_scale)
                flat[:count] = _saturate16(flat[:count] + part)
        if g.norm is not None and g.norm_bias is not None:
            total = _normalise(total, g)
        raw = total.astype(np.int16)
        value = gemmlowp16.tanh(raw, 3) if name == "cell" else gemmlowp16.logistic(raw)
        return value.astype(np.int64)

    def step(self, x: Array, state: Array, memory: Array) -> Array:
        """x[batch, depth] to [batch, size]; the int8 and int16 states move on in place."""
        x64, state64, memory64 = (v.astype(np.int64) for v in (x, state, memory))
        forget = self._gate("forget", x64, state64, memory64)
        fresh = self._gate("cell", x64, state64, memory64)
        coupled = "input" not in self.gates
        update = 32767 - forget if coupled else self._gate("input", x64, state64, memory64)
        kept = rdbp(forget * memory64, 15).astype(np.int16).astype(np.int64)
        added = rdbp(update * fresh, 30 + self.shift).astype(np.int16).astype(np.int64)
        memory64 = _saturate16(kept + added)
        if self.cell_clip > 0:
            memory64 = np.clip(memory64, -self.cell_clip, self.cell_clip)
        gate = self._gate("output", x64, state64, memory64)
        memory[...] = memory64
        active = gemmlowp16.tanh(memory64.astype(np.int16), 15 + self.shift)
        hidden = mbqm(gate * active, *self.hidden_scale) + self.hidden_zero
        hidden = np.clip(hidden, -128, 127)
        if self.projection is not None and self.projection_bias is not None:
            acc = wrap32(hidden @ self.projection.T + self.projection_bias)
            hidden = np.clip(mbqm(acc, *self.projection_scale) + self.output_zero, -128, 127)
            if self.projection_clip > 0:
                hidden = np.clip(hidden, -self.projection_clip, self.projection_clip)
        state[...] = hidden
        return state.copy()


def integer_cell(ctx: NodeContext, rowwise: bool) -> IntegerCell:
    """The node's cell: multipliers from its scales, zero points folded into biases.

    `rowwise`: the reference goes through the batch one by one (batch-major sequences).
    """
    at = UNIDIRECTIONAL
    out, cell = ctx.input(at.output_state), ctx.input(at.cell_state)
    shift = round(math.log2(cell.scale))
    hidden = ctx.intermediates[4]
    made: dict[str, _Gate] = {}
    for i, name in enumerate(GATES):
        if name != "input" or not runs_coupled(ctx, at):
            made[name] = _gate(ctx, name, i, shift)
    projection, bias = None, None
    proj_scale = (0, 0)
    if ctx.optional(at.projection) is not None:
        value = ctx.input(at.projection)
        projection = ctx.data(at.projection).astype(np.int64)
        bias = hidden.zero_point * projection.sum(axis=1)
        if ctx.optional(at.projection_bias) is not None:
            bias = bias + ctx.data(at.projection_bias)
        proj_scale = _multiplier(only_scale(value) * _F32(hidden.scale) / only_scale(out))
    # The reference takes the zero point off what it projects and gives the bias the rest.
    sign = -1 if projection is not None else 1
    return IntegerCell(
        gates=made,
        shift=shift,
        hidden_scale=_multiplier(_F32(2.0**-15 / float(_F32(hidden.scale)) * 2.0**-15)),
        hidden_zero=sign * hidden.zero_point,
        projection=projection,
        projection_bias=bias,
        projection_scale=proj_scale,
        output_zero=out.zero_point,
        cell_clip=quantized_clip(float(ctx.option("cell_clip", 0.0)), cell.scale, 32767),
        projection_clip=quantized_clip(
            float(ctx.option("proj_clip", 0.0)), ctx.outputs[0].scale, 127
        ),
        rowwise=rowwise,
    )


def _gate(ctx: NodeContext, name: str, i: int, shift: int) -> _Gate:
    at = UNIDIRECTIONAL
    x, out = ctx.input(0), ctx.input(at.output_state)
    w, r = ctx.input(at.weights[name]), ctx.input(at.recurrent[name])
    weights = ctx.data(at.weights[name]).astype(np.int64)
    recurrent = ctx.data(at.recurrent[name]).astype(np.int64)
    gate_bias = ctx.data(at.biases[name]).astype(np.int64)
    norm = ctx.optional(at.norms[name])
    inner = _F32(2.0**-12) if norm is None else _F32(ctx.intermediates[i].scale)
    peephole = ctx.optional(at.peepholes[name]) if name in at.peepholes else None
    zero = -x.zero_point * weights.sum(axis=1)
    return _Gate(
        weights=weights,
        recurrent=recurrent,
        bias=zero if norm is not None else zero + gate_bias,
        recurrent_bias=-out.zero_point * recurrent.sum(axis=1),
        scale=_multiplier(only_scale(w) * only_scale(x) / inner),
        recurrent_scale=_multiplier(only_scale(r) * only_scale(out) / inner),
        peephole=None if peephole is None else ctx.data(at.peepholes[name]).astype(np.int64),
        peephole_scale=(0, 0)
        if peephole is None
        else _multiplier(_F32(2.0**shift * float(only_scale(peephole)) / float(inner))),
        norm=None if norm is None else ctx.data(at.norms[name]).astype(np.int64),
        norm_bias=None if norm is None else gate_bias,
        norm_scale=(0, 0) if norm is None else _multiplier(only_scale(norm)),
        guard=1 if norm is None else max(1, int(_F32(10000) * only_scale(norm))),
    )


def _multiplier(value: np.float32) -> tuple[int, int]:
    return quantize_multiplier(float(value))


def quantized_clip(limit: float, scale: float, largest: int) -> int:
    """A clip in steps of the scale, of at most `largest`; 0 is none."""
    ratio = float(_F32(limit) / _F32(scale))
    return int(min(max(ratio, -largest - 1), largest)) if limit > 0 else 0


def _saturate16(x: Array) -> Array:
    return np.clip(x, -32768, 32767)


def _normalise(x: Array, gate: _Gate) -> Array:
    """The reference's layer normalisation: mean in 10 more bits, variance in 20."""
    assert gate.norm is not None
    assert gate.norm_bias is not None
    units, one = x.shape[1], 1 << 20
    out = np.empty_like(x)
    for i, row in enumerate(x):
        total = int(row.sum()) * 1024
        mean = abs(total) // units * (1 if total >= 0 else -1)
        spread = int((row * row).sum()) * (one // units) - mean * mean
        variance = abs(spread) // one * (1 if spread >= 0 else -1)
        q, right = inverse_square_root(variance if variance >= 1 else gate.guard)
        value = wrap32(mbqm(1024 * row - mean, q, -right) * gate.norm + gate.norm_bias)
        half = value + np.where(value > 0, 512, -512)
        scaled = np.sign(half) * (np.abs(half) // 1024)
        q, shift = gate.norm_scale
        out[i] = _saturate16(mbqm(scaled, q, shift + 12))
    return out
