"""LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM.

Both run float32 cells with float32, int8 or uint8 weights, and int8 cells with an int16 state and
16-bit gates (5 intermediate tensors).  LSTM also runs int8 cells with 8-bit products (12
intermediate tensors), and the older basic kernel of 5 inputs and 4 outputs, float32 or uint8.

Float bound: each step's sums (the summation bound of depth + units products), its functions and
products, and through the state what the steps before it brought (`running_error`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from litefuse.runtime.kernels import lstm_basic
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_rank,
)
from litefuse.runtime.kernels.lstm_bytes import ByteCell, byte_cell, check_bytes
from litefuse.runtime.kernels.lstm_cell import FloatCell
from litefuse.runtime.kernels.lstm_integer import IntegerCell, check_integer, integer_cell
from litefuse.runtime.kernels.lstm_places import (
    FLOAT,
    FLOAT_OR_DIAGONAL,
    INTEGER,
    UNIDIRECTIONAL,
    Form,
    Places,
    check_cell,
    has_norm,
    output_size,
)
from litefuse.runtime.kernels.running_error import lstm_errors

_BASIC = 1
_BYTE_TENSORS = 12


def _places(ctx: NodeContext, sequence: bool) -> Places:
    """A sequence with coefficients of some gates only, the forget gate not among them, is run
    without them; a single step with them.
    """
    unused = sequence and not has_norm(ctx, UNIDIRECTIONAL)
    return replace(UNIDIRECTIONAL, norms={}) if unused else UNIDIRECTIONAL


def _check(ctx: NodeContext, batch: int, form: Form, sequence: bool) -> int:
    """The output size; KernelError for a form that has no kernel."""
    x = ctx.input(0)
    count = len(ctx.inputs)
    require(count in (20, 24), ctx, f"has {count} inputs, needs 20 or 24")
    require(len(ctx.outputs) == 1, ctx, f"has {len(ctx.outputs)} outputs, needs 1")
    require_dtype(ctx, x, "float32", "int8")
    at = _places(ctx, sequence)
    if x.dtype != np.int8:
        output = ctx.input(at.weights["output"])
        sparse = not sequence and output.dtype.kind != "f" and output.tensor.sparsity is not None
        projected = ctx.optional(at.projection) is not None
        require(projected or not sparse, ctx, "sparse weights need a projection")
        return check_cell(ctx, at, form, batch, x.shape[-1])
    size = check_cell(ctx, at, INTEGER, batch, x.shape[-1])
    if not sequence and len(ctx.intermediates) == _BYTE_TENSORS:
        check_bytes(ctx)
    else:
        check_integer(ctx)
    return size


def prepare_sequence(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape with the output size as its last axis."""
    x = ctx.input(0)
    require_rank(ctx, x, 3)
    batch = x.shape[1] if ctx.option("time_major", False) else x.shape[0]
    return [(*x.shape[:2], _check(ctx, batch, FLOAT_OR_DIAGONAL, sequence=True))]


def prepare_step(ctx: NodeContext) -> list[Shape | None]:
    """[batch, output size]; the basic kernel's four outputs."""
    if int(ctx.option("kernel_type", 0)) == _BASIC:
        return lstm_basic.prepare(ctx)
    x = ctx.input(0)
    # LiteRT takes a third axis, and runs by other sizes than it prepared for, past its buffers.
    require_rank(ctx, x, 2)
    return [(x.shape[0], _check(ctx, x.shape[0], FLOAT, sequence=False))]


def _integer_cell(ctx: NodeContext, sequence: bool) -> IntegerCell | ByteCell:
    if not sequence and len(ctx.intermediates) == _BYTE_TENSORS:
        return byte_cell(ctx)
    return integer_cell(ctx, rowwise=sequence and not ctx.option("time_major", False))


def _integer(ctx: NodeContext, steps: Array, sequence: bool) -> Array:
    """Outputs [time, batch, size] of int8 steps [time, batch, depth]."""
    at, batch = UNIDIRECTIONAL, steps.shape[1]
    cell = ctx.memo("cell", lambda: _integer_cell(ctx, sequence))
    state = ctx.data(at.output_state).reshape(batch, output_size(ctx, at))
    memory = ctx.data(at.cell_state).reshape(batch, ctx.input(at.weights["output"]).shape[0])
    out = np.empty((len(steps), *state.shape), np.int8)
    for t, x in enumerate(steps):
        out[t] = cell.step(x, state, memory)
    return out


def evaluate_step(ctx: NodeContext) -> list[Array]:
    """One time step; the state variables are updated in place."""
    if int(ctx.option("kernel_type", 0)) == _BASIC:
        return lstm_basic.evaluate(ctx)
    steps = ctx.data(0)[None]
    if steps.dtype == np.int8:
        return [_integer(ctx, steps, sequence=False)[0]]
    return [FloatCell(ctx, UNIDIRECTIONAL).run(steps)[0]]


def evaluate_sequence(ctx: NodeContext) -> list[Array]:
    """All time steps in order; the state variables are updated in place."""
    return [_by_time(ctx, lambda steps: _run_sequence(ctx, steps))]


def _run_sequence(ctx: NodeContext, steps: Array) -> Array:
    if steps.dtype == np.int8:
        return _integer(ctx, steps, sequence=True)
    rowwise = not ctx.option("time_major", False)
    return FloatCell(ctx, _places(ctx, sequence=True), rowwise).run(steps)


def _by_time(ctx: NodeContext, run: Callable[[Array], Array]) -> Array:
    """`run` on [time, batch, depth], whichever of the two the node has first."""
    if ctx.option("time_major", False):
        return run(ctx.data(0))
    steps = np.ascontiguousarray(ctx.data(0).transpose(1, 0, 2))
    return np.ascontiguousarray(run(steps).transpose(1, 0, 2))


def _step_errors(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    if int(ctx.option("kernel_type", 0)) == _BASIC:
        return lstm_basic.allowed(ctx, outputs)
    reference = outputs[0][None]
    return [lstm_errors(ctx, UNIDIRECTIONAL, ctx.data(0)[None], reference=reference)[0]]


def _sequence_errors(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    places = _places(ctx, sequence=True)
    rowwise = not ctx.option("time_major", False)
    reference = outputs[0].transpose(1, 0, 2) if rowwise else outputs[0]

    def errors(steps: Array) -> Array:
        return lstm_errors(ctx, places, steps, reference=reference, rowwise=rowwise)

    return [_by_time(ctx, errors)]


_TEXT = "running error analysis of the steps"

KERNELS = (
    Kernel("LSTM", prepare_step, evaluate_step, bound=Bound(_TEXT, _step_errors), stateful=True),
    Kernel(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        prepare_sequence,
        evaluate_sequence,
        bound=Bound(_TEXT, _sequence_errors),
        stateful=True,
    ),
)
