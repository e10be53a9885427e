"""One time step of an LSTM cell with float32 activations; weights are float32, int8 or uint8.

Peepholes, projection, coupled input and forget gates, layer normalisation and an auxiliary input
are supported, each present when its tensors are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext, require, require_dtype, require_rank
from litefuse.runtime.kernels.hybrid import hybrid_weights
from litefuse.runtime.kernels.recurrent import activate, product, require_state, sigmoid

GATES = ("input", "forget", "cell", "output")
_NORM_EPSILON = np.float32(1e-8)


def gates(first: int) -> dict[str, int]:
    """Positions of a tensor of each gate when they are in a row."""
    return {name: first + i for i, name in enumerate(GATES)}


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of a cell's tensors among the node's inputs."""

    weights: Mapping[str, int]
    recurrent: Mapping[str, int]
    peepholes: Mapping[str, int]
    biases: Mapping[str, int]
    projection: int
    projection_bias: int
    output_state: int
    cell_state: int
    norms: Mapping[str, int] = field(default_factory=dict)
    aux_weights: Mapping[str, int] = field(default_factory=dict)


UNIDIRECTIONAL = Places(
    weights=gates(1),
    recurrent=gates(5),
    peepholes={"input": 9, "forget": 10, "output": 11},
    biases=gates(12),
    projection=16,
    projection_bias=17,
    output_state=18,
    cell_state=19,
    norms=gates(20),
)


def check_cell(ctx: NodeContext, places: Places, batch: int, depth: int) -> int:
    """The output size; KernelError unless the tensors fit an input [batch, depth]."""
    weights = ctx.input(places.weights["output"])
    recurrent = ctx.input(places.recurrent["output"])
    require_dtype(ctx, weights, "float32", "int8", "uint8")
    require_rank(ctx, weights, 2)
    require_rank(ctx, recurrent, 2)
    units, size = weights.shape[0], recurrent.shape[1]
    coupled = ctx.optional(places.weights["input"]) is None
    for name in GATES[1:] if coupled else GATES:
        w, r = ctx.input(places.weights[name]), ctx.input(places.recurrent[name])
        require(w.shape == (units, depth), ctx, f"{w.name!r} has shape {w.shape}")
        require(r.shape == (units, size), ctx, f"{r.name!r} has shape {r.shape}")
        require(w.dtype == r.dtype == weights.dtype, ctx, f"{w.name!r}: weights of two types")
        b = ctx.input(places.biases[name])
        require(b.shape == (units,), ctx, f"bias {b.name!r} has shape {b.shape}")
    projection = ctx.optional(places.projection)
    wanted = units if projection is None else projection.shape[0]
    require(wanted == size, ctx, f"the output size is {wanted}, recurrent weights take {size}")
    require_state(ctx, places.output_state, (batch, size))
    require_state(ctx, places.cell_state, (batch, units))
    return size


@dataclass(frozen=True, slots=True)
class FloatCell:
    """The cell at some places of a node."""

    ctx: NodeContext
    places: Places

    def _product(self, x: Array, index: int) -> Array:
        asymmetric = bool(self.ctx.option("asymmetric_quantize_inputs", False))
        return product(x, self.ctx.input(index), asymmetric)

    def _vector(self, index: int | None) -> Array | None:
        """A constant vector, dequantised; None when absent."""
        value = None if index is None else self.ctx.optional(index)
        if value is None or index is None:
            return None
        data = hybrid_weights(self.ctx.data(index))
        return data if data.dtype.kind == "f" else data.astype(np.float32) * np.float32(value.scale)

    def _gate(self, name: str, x: Array, aux: Array | None, state: Array, memory: Array) -> Array:
        """The gate's sum before its activation."""
        at = self.places
        norm, bias = self._vector(at.norms.get(name)), self._vector(at.biases[name])
        total = self._product(x, at.weights[name])
        if bias is not None and norm is None:
            total = bias + total
        if aux is not None and at.aux_weights:
            total = total + self._product(aux, at.aux_weights[name])
        total = total + self._product(state, at.recurrent[name])
        peephole = self._vector(at.peepholes.get(name))
        if peephole is not None:
            total = total + memory * peephole
        if norm is not None:
            total = _normalise(total) * norm
            total = total if bias is None else total + bias
        return np.asarray(total)

    def step(self, x: Array, aux: Array | None = None) -> Array:
        """x[batch, depth] and the auxiliary input to [batch, size]; both states move on."""
        ctx, at = self.ctx, self.places
        state, memory = ctx.data(at.output_state), ctx.data(at.cell_state)
        code = int(ctx.option("fused_activation_function", 0))
        coupled = ctx.optional(at.weights["input"]) is None
        forget = sigmoid(self._gate("forget", x, aux, state, memory))
        fresh = activate(self._gate("cell", x, aux, state, memory), code)
        update = 1 - forget if coupled else sigmoid(self._gate("input", x, aux, state, memory))
        memory[...] = _clip(forget * memory + update * fresh, float(ctx.option("cell_clip", 0.0)))
        # Without an activation the reference leaves the cell gate where it reads the active cell.
        active = activate(memory, code) if code else fresh
        output = sigmoid(self._gate("output", x, aux, state, memory)) * active
        if ctx.optional(at.projection) is not None:
            output = self._product(output, at.projection)
            bias = self._vector(at.projection_bias)
            output = output if bias is None else output + bias
            output = _clip(output, float(ctx.option("proj_clip", 0.0)))
        state[...] = output
        return state.copy()

    def run(self, steps: Array, aux: Array | None = None, backward: bool = False) -> Array:
        """Outputs [time, batch, size] of steps [time, batch, depth], in their order."""
        order = range(len(steps) - 1, -1, -1) if backward else range(len(steps))
        outs = {t: self.step(steps[t], None if aux is None else aux[t]) for t in order}
        empty = np.empty((0, *self.ctx.data(self.places.output_state).shape), np.float32)
        return np.stack([outs[t] for t in range(len(steps))]) if outs else empty


def _normalise(x: Array) -> Array:
    """Each row less its mean, divided by its standard deviation."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + _NORM_EPSILON))


def _clip(x: Array, limit: float) -> Array:
    return np.clip(x, -limit, limit) if limit > 0 else x
