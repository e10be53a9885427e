"""LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM: float32 activations, float32 or int8 (hybrid) weights.

Peepholes, projection, coupled input and forget gates, and layer normalisation are supported.
Float tolerance: 1e-4 of the output's range (normalisation and the recurrence amplify differences
of summation order).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.hybrid import quantize_rows

# Positions of each gate's tensors in the node's inputs.
_GATES = ("input", "forget", "cell", "output")
_INPUT_WEIGHTS = dict(zip(_GATES, (1, 2, 3, 4), strict=True))
_RECURRENT_WEIGHTS = dict(zip(_GATES, (5, 6, 7, 8), strict=True))
_PEEPHOLES = {"input": 9, "forget": 10, "output": 11}
_BIASES = dict(zip(_GATES, (12, 13, 14, 15), strict=True))
_NORMS = dict(zip(_GATES, (20, 21, 22, 23), strict=True))
_PROJECTION, _PROJECTION_BIAS, _OUTPUT_STATE, _CELL_STATE = 16, 17, 18, 19
_NORM_EPSILON = np.float32(1e-8)


def _check(ctx: NodeContext) -> tuple[int, int]:
    """(units, output size); KernelError for a form that has no kernel."""
    require_inputs(ctx, 20, 24)
    x = ctx.input(0)
    weights = ctx.input(_INPUT_WEIGHTS["output"])
    if x.dtype != np.float32 or weights.dtype.name not in ("float32", "int8", "uint8"):
        raise KernelError(
            f"{ctx.op.name}: litefuse's interpreter has no kernel for {x.dtype} activations with "
            f"{weights.dtype} weights; run this model in LiteRT with litefuse.Delegate"
        )
    recurrent = ctx.input(_RECURRENT_WEIGHTS["output"])
    require_rank(ctx, weights, 2)
    require_rank(ctx, recurrent, 2)
    require(weights.shape[1] == x.shape[-1], ctx, f"weights {weights.shape} for input {x.shape}")
    for index in (_OUTPUT_STATE, _CELL_STATE):
        require(ctx.input(index).tensor.is_variable, ctx, f"state {index} is not a variable")
    return weights.shape[0], recurrent.shape[1]


def prepare_sequence(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape with the output size as its last axis."""
    _, size = _check(ctx)
    require_rank(ctx, ctx.input(0), 3)
    return [(*ctx.input(0).shape[:2], size)]


def prepare_step(ctx: NodeContext) -> list[Shape | None]:
    """[batch, output size]."""
    _, size = _check(ctx)
    require(int(ctx.option("kernel_type", 0)) == 0, ctx, "only the full kernel is supported")
    require_rank(ctx, ctx.input(0), 2)
    return [(ctx.input(0).shape[0], size)]


@dataclass(frozen=True, slots=True)
class _Cell:
    """The node's parameters in a form that `step` uses."""

    ctx: NodeContext
    asymmetric: bool

    def product(self, x: Array, weights: TensorValue | None) -> Array | None:
        """x @ weights.T; int8 weights against rows quantised at run time."""
        if weights is None:
            return None
        data = weights.data
        assert data is not None
        if weights.dtype.kind == "f":
            return np.asarray(x @ data.T)
        rows = quantize_rows(x, self.asymmetric)
        centred = rows.values.astype(np.float64) - rows.zero_points[:, None]
        total = centred @ data.view(np.int8).astype(np.float64).T
        scale = rows.scales[:, None] * weights.scales
        return np.asarray(total.astype(np.float32) * scale.astype(np.float32))

    def vector(self, index: int) -> Array | None:
        """A constant vector, dequantised; None when absent."""
        value = self.ctx.optional(index)
        if value is None:
            return None
        data = self.ctx.data(index)
        return data if data.dtype.kind == "f" else data.astype(np.float32) * np.float32(value.scale)

    def gate(self, name: str, x: Array, state: Array, cell: Array | None) -> Array:
        """The gate's sum before its activation."""
        total = self.product(x, self.ctx.input(_INPUT_WEIGHTS[name]))
        recurrent = self.product(state, self.ctx.input(_RECURRENT_WEIGHTS[name]))
        assert total is not None
        assert recurrent is not None
        total = total + recurrent
        peephole = self.vector(_PEEPHOLES[name]) if name in _PEEPHOLES else None
        if peephole is not None and cell is not None:
            total = total + cell * peephole
        norm, bias = self.vector(_NORMS[name]), self.vector(_BIASES[name])
        if norm is not None:
            total = _normalise(total) * norm
        return total if bias is None else np.asarray(total + bias)


def _normalise(x: Array) -> Array:
    """Each row less its mean, divided by its standard deviation."""
    mean = x.mean(axis=1, keepdims=True)
    variance = np.square(x).mean(axis=1, keepdims=True) - np.square(mean)
    return np.asarray((x - mean) / np.sqrt(np.maximum(variance, 0) + _NORM_EPSILON))


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _activate(x: Array, activation: int) -> Array:
    """The node's fused activation as an activation proper, not a clamp."""
    if activation == 1:
        return np.maximum(x, 0)
    if activation == 3:
        return np.clip(x, 0, 6)
    return np.asarray(np.tanh(x)) if activation == 4 else x


def _clip(x: Array, limit: float) -> Array:
    return np.clip(x, -limit, limit) if limit > 0 else x


def _step(cell: _Cell, x: Array, state: Array, memory: Array) -> tuple[Array, Array]:
    """(output state, cell state) after one time step."""
    ctx = cell.ctx
    activation = int(ctx.option("fused_activation_function", 0))
    coupled = ctx.optional(_INPUT_WEIGHTS["input"]) is None
    forget = _sigmoid(cell.gate("forget", x, state, memory))
    fresh = _activate(cell.gate("cell", x, state, None), activation)
    update = 1 - forget if coupled else _sigmoid(cell.gate("input", x, state, memory))
    memory = _clip(forget * memory + update * fresh, float(ctx.option("cell_clip", 0.0)))
    output = _sigmoid(cell.gate("output", x, state, memory)) * _activate(memory, activation)
    projected = cell.product(output.astype(np.float32), ctx.optional(_PROJECTION))
    if projected is not None:
        bias = cell.vector(_PROJECTION_BIAS)
        output = projected if bias is None else projected + bias
        output = _clip(output, float(ctx.option("proj_clip", 0.0)))
    return output.astype(np.float32), memory.astype(np.float32)


def _states(ctx: NodeContext) -> tuple[Array, Array]:
    return ctx.data(_OUTPUT_STATE), ctx.data(_CELL_STATE)


def evaluate_step(ctx: NodeContext) -> list[Array]:
    """One time step; the state variables are updated in place."""
    state, memory = _states(ctx)
    cell = _Cell(ctx, bool(ctx.option("asymmetric_quantize_inputs", False)))
    state[...], memory[...] = _step(cell, ctx.data(0), state, memory)
    return [state.copy()]


def evaluate_sequence(ctx: NodeContext) -> list[Array]:
    """All time steps in order; the state variables are updated in place."""
    state, memory = _states(ctx)
    cell = _Cell(ctx, bool(ctx.option("asymmetric_quantize_inputs", False)))
    steps = ctx.data(0)
    if not ctx.option("time_major", False):
        steps = steps.transpose(1, 0, 2)
    outputs = []
    for x in steps:
        state[...], memory[...] = _step(cell, np.ascontiguousarray(x), state, memory)
        outputs.append(state.copy())
    stacked = np.stack(outputs)
    if not ctx.option("time_major", False):
        stacked = stacked.transpose(1, 0, 2)
    return [np.ascontiguousarray(stacked)]


KERNELS = (
    Kernel("LSTM", prepare_step, evaluate_step, range_tolerance=1e-4, stateful=True),
    Kernel(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        prepare_sequence,
        evaluate_sequence,
        range_tolerance=1e-4,
        stateful=True,
    ),
)
