"""LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM: float32 activations with float32, int8 or uint8 weights,
and int8 throughout with an int16 cell state.

Float bound: each step's sums (the summation bound of depth + units products), its functions and
products, and through the state what the steps before it brought (`running_error`).
"""

from __future__ import annotations

from collections.abc import Callable

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
from litefuse.runtime.kernels.lstm_cell import UNIDIRECTIONAL, FloatCell, check_cell
from litefuse.runtime.kernels.lstm_integer import check_integer, integer_cell
from litefuse.runtime.kernels.running_error import lstm_errors


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
    return [_by_time(ctx, _run)]


def _by_time(ctx: NodeContext, run: Callable[[NodeContext, Array], Array]) -> Array:
    """`run` on [time, batch, depth], whichever of the two the node has first."""
    if ctx.option("time_major", False):
        return run(ctx, ctx.data(0))
    steps = np.ascontiguousarray(ctx.data(0).transpose(1, 0, 2))
    return np.ascontiguousarray(run(ctx, steps).transpose(1, 0, 2))


def _errors(ctx: NodeContext, steps: Array) -> Array:
    return lstm_errors(ctx, UNIDIRECTIONAL, steps)


_TEXT = "running error analysis of the steps"
_STEP = Bound(_TEXT, lambda ctx, _: [_errors(ctx, ctx.data(0)[None])[0]])
_SEQUENCE = Bound(_TEXT, lambda ctx, _: [_by_time(ctx, _errors)])


KERNELS = (
    Kernel("LSTM", prepare_step, evaluate_step, bound=_STEP, stateful=True),
    Kernel(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        prepare_sequence,
        evaluate_sequence,
        bound=_SEQUENCE,
        stateful=True,
    ),
)
