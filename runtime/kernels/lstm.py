"""LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM: float32 activations with float32, int8 or uint8 weights,
and int8 throughout with an int16 cell state.

Float tolerance: 1e-5 of the output's range for each time step's sums, so 1e-4 over a sequence.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.lstm_cell import UNIDIRECTIONAL, FloatCell, check_cell
from litefuse.runtime.kernels.lstm_integer import check_integer, integer_cell


def _check(ctx: NodeContext, batch: int) -> int:
    """The output size; KernelError for a form that has no kernel."""
    x = ctx.input(0)
    require_inputs(ctx, 20, 24)
    require_dtype(ctx, x, "float32", "int8")
    size = check_cell(ctx, UNIDIRECTIONAL, batch, x.shape[-1])
    if x.dtype == np.int8:
        check_integer(ctx)
    return size


def prepare_sequence(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape with the output size as its last axis."""
    x = ctx.input(0)
    require_rank(ctx, x, 3)
    size = _check(ctx, x.shape[1] if ctx.option("time_major", False) else x.shape[0])
    return [(*x.shape[:2], size)]


def prepare_step(ctx: NodeContext) -> list[Shape | None]:
    """[batch, output size]."""
    x = ctx.input(0)
    require(int(ctx.option("kernel_type", 0)) == 0, ctx, "only the full kernel is supported")
    require_rank(ctx, x, 2)
    return [(x.shape[0], _check(ctx, x.shape[0]))]


def _integer(ctx: NodeContext, steps: Array) -> Array:
    """Outputs [time, batch, size] of int8 steps [time, batch, depth]."""
    cell = ctx.memo("cell", lambda: integer_cell(ctx))
    state = ctx.data(UNIDIRECTIONAL.output_state)
    memory = ctx.data(UNIDIRECTIONAL.cell_state)
    out = np.empty((len(steps), *state.shape), np.int8)
    for t, x in enumerate(steps):
        out[t] = cell.step(x, state, memory)
    return out


def _run(ctx: NodeContext, steps: Array) -> Array:
    if steps.dtype == np.int8:
        return _integer(ctx, steps)
    return FloatCell(ctx, UNIDIRECTIONAL).run(steps)


def evaluate_step(ctx: NodeContext) -> list[Array]:
    """One time step; the state variables are updated in place."""
    return [_run(ctx, ctx.data(0)[None])[0]]


def evaluate_sequence(ctx: NodeContext) -> list[Array]:
    """All time steps in order; the state variables are updated in place."""
    if ctx.option("time_major", False):
        return [_run(ctx, ctx.data(0))]
    steps = np.ascontiguousarray(ctx.data(0).transpose(1, 0, 2))
    return [np.ascontiguousarray(_run(ctx, steps).transpose(1, 0, 2))]


KERNELS = (
    Kernel("LSTM", prepare_step, evaluate_step, range_tolerance=1e-5, stateful=True),
    Kernel(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        prepare_sequence,
        evaluate_sequence,
        range_tolerance=1e-4,
        stateful=True,
    ),
)
