"""Running error analysis of the recurrent ops: a value, and how far two computations of it may be.

Each operation adds its own rounding (both sides', so twice; see `bounds`) to what its operands
bring: a sum their errors, a product each error times the other's size, sigmoid a quarter of it (its
steepest slope), tanh and clamps all of it.  So a step's error goes into the next through the state,
as the numbers themselves do.  Weights that are integers quantise a float row first: where two
computations of the row differ, each element may fall a step apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from litefuse.runtime.kernels import recurrent
from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue
from litefuse.runtime.kernels.bounds import gamma
from litefuse.runtime.kernels.hybrid import hybrid_weights
from litefuse.runtime.kernels.lstm_cell import FloatCell
from litefuse.runtime.kernels.lstm_places import (
    GATES,
    Places,
    output_size,
    row_scales,
    runs_coupled,
)
from litefuse.runtime.kernels.recurrent import activate, only_scale, product

# Of exp and tanh in two libraries, and the operations after them.
_FUNCTION = 10
_EPSILON = 1e-8  # of layer normalisation


@dataclass(frozen=True, slots=True)
class Near:
    """A float64 value, and the largest difference of two float32 computations of it."""

    value: Array
    error: Array

    def rounded(self, roundings: float = 1) -> Near:
        """After so many more roundings."""
        size = np.abs(self.value) + self.error
        return Near(self.value, self.error + 2.0 * gamma(roundings) * size)

    def __add__(self, other: Near) -> Near:
        return Near(self.value + other.value, self.error + other.error).rounded()

    def __mul__(self, other: Near) -> Near:
        mine = self.error * (np.abs(other.value) + other.error)
        theirs = other.error * np.abs(self.value)
        return Near(self.value * other.value, mine + theirs).rounded()

    def sigmoid(self) -> Near:
        """1 / (1 + exp(-x))."""
        with np.errstate(over="ignore"):
            return Near(1 / (1 + np.exp(-self.value)), self.error / 4).rounded(_FUNCTION)

    def activated(self, code: int) -> Near:
        """A fused activation; that of the sign bit may jump where the value is near zero."""
        value = activate(self.value, code)
        jump = (np.abs(self.value) < self.error).astype(float)
        error = jump if code == _SIGN_BIT else self.error
        return Near(value, error).rounded(_FUNCTION if code == TANH else 0)

    def clipped(self, limit: float) -> Near:
        """Within +-limit when that is positive."""
        return Near(np.clip(self.value, -limit, limit), self.error) if limit > 0 else self

    def normalised(self) -> Near:
        """Each row less its mean, divided by its standard deviation."""
        n = self.value.shape[1]
        mean = self.value.mean(axis=1, keepdims=True)
        spread = np.abs(self.value).mean(axis=1, keepdims=True)
        far = self.error.mean(axis=1, keepdims=True) + 2 * gamma(n + 1) * spread
        centred = Near(self.value - mean, self.error + far).rounded()
        squares = (centred * centred).rounded(n + 1)
        variance = squares.value.mean(axis=1, keepdims=True) + _EPSILON
        root = np.sqrt(variance)
        value = centred.value / root
        with np.errstate(over="ignore", invalid="ignore"):
            slack = squares.error.mean(axis=1, keepdims=True) / (2 * variance)
            error = centred.error / root + np.abs(value) * slack
        # No spread, and no telling what becomes of it.
        return Near(value, np.where(np.isnan(error), np.inf, error)).rounded(4)


TANH, _SIGN_BIT = 4, 5


def exact(array: Array) -> Near:
    """A value that both sides have."""
    return Near(array.astype(np.float64), np.zeros(array.shape))


def first_values(x: Near, width: int, rowwise: bool) -> Near:
    """`recurrent.first_values` of a value and its error."""
    value, error = (recurrent.first_values(a, width, rowwise) for a in (x.value, x.error))
    return Near(value, error)


def multiplied(
    x: Near, weights: TensorValue, asymmetric: bool, scales: Array | None = None
) -> Near:
    """x[rows, n] @ weights[m, n].T as `recurrent.product` has it."""
    assert weights.data is not None
    if weights.dtype.kind == "f":
        real = weights.data.astype(np.float64)
        size = (np.abs(x.value) + x.error) @ np.abs(real).T
        error = x.error @ np.abs(real).T + 2 * gamma(real.shape[1]) * size
        return Near(x.value @ real.T, error)
    real = np.abs(hybrid_weights(weights.data).astype(np.float64)) * float(only_scale(weights))
    value = product(x.value.astype(np.float32), weights, asymmetric, scales).astype(np.float64)
    step = np.abs(x.value).max(axis=1, keepdims=True, initial=0.0) / 127
    moved = np.where(x.error.any(axis=1, keepdims=True), 2 * step, 0.0)
    return Near(value, (x.error + moved) @ real.T).rounded(4)


def _vector(ctx: NodeContext, index: int | None) -> Near | None:
    value = None if index is None else ctx.optional(index)
    if value is None or index is None:
        return None
    data = hybrid_weights(ctx.data(index)).astype(np.float64)
    return exact(data if value.dtype.kind == "f" else data * float(only_scale(value))).rounded()


@dataclass(frozen=True, slots=True)
class _Cell:
    ctx: NodeContext
    places: Places
    rowwise: bool

    def _multiply(self, x: Near, index: int, scaled: Near) -> Near:
        asymmetric = bool(self.ctx.option("asymmetric_quantize_inputs", False))
        rows = scaled.value.astype(np.float32)
        scales = row_scales(self.ctx, self.places, index, rows)
        return multiplied(x, self.ctx.input(index), asymmetric, scales)

    def _gate(self, name: str, x: Near, aux: Near | None, state: Near, memory: Near) -> Near:
        ctx, at = self.ctx, self.places
        norm, bias = _vector(ctx, at.norms.get(name)), _vector(ctx, at.biases[name])
        total = self._multiply(x, at.weights[name], x)
        if bias is not None and norm is None:
            total = total + bias
        if aux is not None and at.aux_weights:
            total = total + self._multiply(aux, at.aux_weights[name], aux)
        if len(ctx.input(at.recurrent[name]).shape) == 1:
            diagonal = exact(ctx.data(at.recurrent[name]))
            total = total + first_values(state, memory.value.shape[1], self.rowwise) * diagonal
        else:
            total = total + self._multiply(state, at.recurrent[name], x)
        peephole = _vector(ctx, at.peepholes.get(name))
        if peephole is not None:
            total = total + memory * peephole
        # A sum of parts in another order: as many roundings again, of all their sizes.
        total = total.rounded(6)
        if norm is not None:
            total = total.normalised() * norm
            total = total if bias is None else total + bias
        return total

    def step(self, x: Near, aux: Near | None, state: Near, memory: Near) -> tuple[Near, Near]:
        """The next output state and cell state."""
        ctx, at = self.ctx, self.places
        code = int(ctx.option("fused_activation_function", 0))
        gates = {
            name: self._gate(name, x, aux, state, memory)
            for name in GATES[runs_coupled(ctx, at) : 3]
        }
        forget, fresh = gates["forget"].sigmoid(), gates["cell"].activated(code)
        coupled = "input" not in gates
        update = (
            Near(1 - forget.value, forget.error).rounded() if coupled else gates["input"].sigmoid()
        )
        memory = (forget * memory + update * fresh).clipped(float(ctx.option("cell_clip", 0.0)))
        active = memory.activated(code) if code else fresh
        output = self._gate("output", x, aux, state, memory).sigmoid() * active
        if ctx.optional(at.projection) is not None:
            output = self._multiply(output, at.projection, output)
            bias = _vector(ctx, at.projection_bias)
            output = output if bias is None else output + bias
            output = output.clipped(float(ctx.option("proj_clip", 0.0)))
        return first_values(output, state.value.shape[1], self.rowwise), memory


def lstm_errors(
    ctx: NodeContext,
    places: Places,
    steps: Array,
    aux: Array | None = None,
    backward: bool = False,
    *,
    reference: Array,
    rowwise: bool = False,
) -> Array:
    """For each output [time, batch, size] of an LSTM the largest difference; zeros for integers.

    A step goes on from the output that the reference had and from what ours really differed from it
    by: a bound that only grew from step to step would soon allow anything. `rowwise` as for
    `lstm_cell.FloatCell`.
    """
    batch, units = steps.shape[1], ctx.input(places.weights["output"]).shape[0]
    state = exact(ctx.data(places.output_state).reshape(batch, output_size(ctx, places)))
    memory = exact(ctx.data(places.cell_state).reshape(batch, units))
    out = np.zeros((len(steps), *state.value.shape))
    if steps.dtype.kind != "f":
        return out
    cell = _Cell(ctx, places, rowwise)
    ours = FloatCell(_with_own_states(ctx, places), places, rowwise).run(steps, aux, backward)
    for t in range(len(steps) - 1, -1, -1) if backward else range(len(steps)):
        side = None if aux is None else exact(aux[t])
        state, memory = cell.step(exact(steps[t]), side, state, memory)
        out[t] = state.error
        value = reference[t].astype(np.float64)
        state = Near(value, np.abs(ours[t] - value))
    return out


def _with_own_states(ctx: NodeContext, places: Places) -> NodeContext:
    """The node on copies of its states, which a run moves on."""
    inputs = list(ctx.inputs)
    for i in (places.output_state, places.cell_state):
        inputs[i] = replace(ctx.input(i), data=ctx.data(i).copy(), memory=None)
    return replace(ctx, inputs=inputs, state={})
