"""An LSTM cell with float32 activations; weights are float32, int8 or uint8 (hybrid).

Peepholes, projection, coupled input and forget gates, layer normalisation, diagonal recurrent
weights and an auxiliary input are supported, each present when its tensors are.

What the reference leaves where it reads, it is copied: with the activation NONE its float cell gate
is what the gate's buffer held when the sums ended, and the cell's state goes out through the cell
gate; an output narrower than the cell without a projection takes the first values that there are.
Sparse int8 weights of LSTM are multiplied without the rows' zero points, and those of the state
with the scales of the input's rows (after an input of zeros LiteRT takes old ones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext
from litefuse.runtime.kernels.hybrid import hybrid_weights
from litefuse.runtime.kernels.lstm_places import (
    Places,
    output_size,
    row_scales,
    runs_coupled,
)
from litefuse.runtime.kernels.recurrent import (
    activate,
    first_values,
    only_scale,
    product,
    sigmoid,
)

_NORM_EPSILON = np.float32(1e-8)


@dataclass(frozen=True, slots=True)
class FloatCell:
    """The cell at some places of a node.

    `rowwise`: the reference goes through the batch one by one (batch-major sequences).
    """

    ctx: NodeContext
    places: Places
    rowwise: bool = False

    def run(self, steps: Array, aux: Array | None = None, backward: bool = False) -> Array:
        """Outputs [time, batch, size] of steps [time, batch, depth], in their order; both state
        variables move on.
        """
        ctx, at = self.ctx, self.places
        batch, size = steps.shape[1], output_size(ctx, at)
        state = ctx.data(at.output_state).reshape(batch, size)
        memory = ctx.data(at.cell_state).reshape(batch, ctx.input(at.weights["output"]).shape[0])
        out = np.empty((len(steps), batch, size), np.float32)
        for t in range(len(steps) - 1, -1, -1) if backward else range(len(steps)):
            self._step(steps[t], None if aux is None else aux[t], state, memory)
            out[t] = state
        return out

    def _step(self, x: Array, aux: Array | None, state: Array, memory: Array) -> None:
        ctx, at = self.ctx, self.places
        code = int(ctx.option("fused_activation_function", 0))
        forget = sigmoid(self._gate("forget", x, aux, state, memory)[0])
        total, held = self._gate("cell", x, aux, state, memory)
        fresh = activate(total, code) if code else held
        if runs_coupled(ctx, at):
            update = 1 - forget
        else:
            update = sigmoid(self._gate("input", x, aux, state, memory)[0])
        memory[...] = _clip(forget * memory + update * fresh, float(ctx.option("cell_clip", 0.0)))
        active = activate(memory, code) if code else fresh
        output = sigmoid(self._gate("output", x, aux, state, memory)[0]) * active
        if ctx.optional(at.projection) is not None:
            output = self._product(output, at.projection, output)
            bias = self._vector(at.projection_bias)
            output = output if bias is None else bias + output
            output = _clip(output, float(ctx.option("proj_clip", 0.0)))
        state[...] = first_values(output, state.shape[1], self.rowwise)

    def _gate(
        self, name: str, x: Array, aux: Array | None, state: Array, memory: Array
    ) -> tuple[Array, Array]:
        """The gate's sum before its activation, and what its own buffer holds then.

        The reference's float sums go to and fro between the gate's buffer and another, a product a
        turn; a product with an input of zeros is left out.
        """
        at = self.places
        norm, bias = self._vector(at.norms.get(name)), self._vector(at.biases[name])
        hybrid = self.ctx.input(at.weights["output"]).dtype.kind != "f"
        start = np.zeros(len(memory.T), np.float32) if norm is not None or bias is None else bias
        total = held = np.broadcast_to(start, memory.shape)
        home = True  # the sum is in the gate's own buffer
        for value, index in ((x, at.weights[name]), (aux, at.aux_weights.get(name))):
            if value is not None and index is not None and value.any():
                total, home = total + self._product(value, index, value), not home
                held = total if home or hybrid else held
        recurrent = self.ctx.input(at.recurrent[name])
        if len(recurrent.shape) == 1:
            last = first_values(state, memory.shape[1], self.rowwise)
            total = total + last * self.ctx.data(at.recurrent[name])
        else:
            total, home = total + self._product(state, at.recurrent[name], x), not home
        peephole = self._vector(at.peepholes.get(name))
        if peephole is not None:
            total = total + memory * peephole
        if norm is not None:
            total = _normalise(total) * norm
            total = total if bias is None else total + bias
        return total, total if home or hybrid else held

    def _product(self, x: Array, index: int, scaled: Array) -> Array:
        """x by the weights at `index`; sparse ones take the scales of the rows `scaled`."""
        asymmetric = bool(self.ctx.option("asymmetric_quantize_inputs", False))
        scales = row_scales(self.ctx, self.places, index, scaled)
        return product(x, self.ctx.input(index), asymmetric, scales)

    def _vector(self, index: int | None) -> Array | None:
        """A constant vector, dequantised; None when absent."""
        value = None if index is None else self.ctx.optional(index)
        if value is None or index is None:
            return None
        data = hybrid_weights(self.ctx.data(index))
        return data if data.dtype.kind == "f" else data.astype(np.float32) * only_scale(value)


def _normalise(x: Array) -> Array:
    """Each row less its mean, divided by its standard deviation."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + _NORM_EPSILON))


def _clip(x: Array, limit: float) -> Array:
    return np.clip(x, -limit, limit) if limit > 0 else x
