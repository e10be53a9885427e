"""RNN, UNIDIRECTIONAL_SEQUENCE_RNN and BIDIRECTIONAL_SEQUENCE_RNN: float32 activations with
float32, int8 or uint8 (hybrid) weights.

A step is h = activation(W x + R h + b); h is a variable tensor, updated in place.
Float bound: each step's sums (the summation bound of depth + units products), and through the
state what the steps before it brought (`running_error`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from litefuse.runtime.kernels.recurrent import (
    activate,
    as_square,
    leading_axes,
    product,
    require_state,
)
from litefuse.runtime.kernels.running_error import exact, multiplied


@dataclass(frozen=True, slots=True)
class _Way:
    """Steps [time, batch, depth], auxiliary ones beside them, and how a cell goes over them."""

    steps: Array
    aux: Array | None = None
    backward: bool = False
    passes: int = 1

    @property
    def order(self) -> list[int]:
        """The steps' indices in turn."""
        once = range(len(self.steps))
        return list(reversed(once) if self.backward else once) * self.passes


@dataclass(frozen=True, slots=True)
class _Cell:
    """The positions of one direction's tensors among the node's inputs."""

    weights: int
    recurrent: int
    bias: int
    state: int
    aux_weights: int | None = None

    def check(self, ctx: NodeContext, batch: int, depth: int) -> int:
        """How many units; KernelError unless the tensors fit an input [batch, depth]."""
        w, r, b = ctx.input(self.weights), ctx.input(self.recurrent), ctx.input(self.bias)
        require_rank(ctx, w, 2)
        require_rank(ctx, r, 2)
        require_dtype(ctx, w, "float32", "int8", "uint8")
        require(w.dtype == r.dtype, ctx, f"weights {w.dtype} and recurrent weights {r.dtype}")
        units = w.shape[0]
        require(w.shape[1] == depth, ctx, f"weights {w.shape} for an input of depth {depth}")
        require(b.shape == (units,), ctx, f"bias has shape {b.shape}, needs ({units},)")
        require(
            r.shape == (units, units), ctx, f"recurrent weights {r.shape}, needs {(units, units)}"
        )
        require_dtype(ctx, ctx.input(self.state), "float32")
        require_state(ctx, self.state, (batch, units))
        return units

    def run(self, ctx: NodeContext, way: _Way) -> Array:
        """Outputs [time, batch, units] of the way's steps; the state moves on."""
        asymmetric = bool(ctx.option("asymmetric_quantize_inputs", False))
        code = int(ctx.option("fused_activation_function", 0))
        state = ctx.data(self.state)
        out = np.empty((len(way.steps), *state.shape), np.float32)
        for t in way.order:
            total = ctx.data(self.bias) + product(way.steps[t], ctx.input(self.weights), asymmetric)
            if way.aux is not None and self.aux_weights is not None:
                total = total + product(way.aux[t], ctx.input(self.aux_weights), asymmetric)
            total = total + product(state, ctx.input(self.recurrent), asymmetric)
            out[t] = state[...] = activate(total, code)
        return out

    def errors(self, ctx: NodeContext, way: _Way) -> Array:
        """For each output of `run` the largest difference of two computations of it."""
        asymmetric = bool(ctx.option("asymmetric_quantize_inputs", False))
        code = int(ctx.option("fused_activation_function", 0))
        state = exact(ctx.data(self.state))
        out = np.empty((len(way.steps), *state.value.shape))
        for t in way.order:
            total = exact(ctx.data(self.bias))
            total = total + multiplied(exact(way.steps[t]), ctx.input(self.weights), asymmetric)
            if way.aux is not None and self.aux_weights is not None:
                more = multiplied(exact(way.aux[t]), ctx.input(self.aux_weights), asymmetric)
                total = total + more
            total = total + multiplied(state, ctx.input(self.recurrent), asymmetric)
            state = total.rounded(4).activated(code)
            out[t] = state.error
        return out


Run = Callable[[_Cell, NodeContext, _Way], Array]


_ONE = _Cell(1, 2, 3, 4)
_FORWARD = _Cell(1, 2, 3, 4, 10)
_BACKWARD = _Cell(5, 6, 7, 8, 11)


_STEP_RANKS = {0: 2, 1: 2, 2: 2, 3: 1}
_BOTH_RANKS = {1: 2, 3: 1, 5: 2, 7: 1, 9: 3, 10: 2, 11: 2}


def prepare_step(ctx: NodeContext) -> list[Shape | None]:
    """[batch, units]."""
    require_inputs(ctx, 5)
    ctx = leading_axes(ctx, _STEP_RANKS)
    x = ctx.input(0)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 2)
    return [(x.shape[0], _ONE.check(ctx, *x.shape))]


def evaluate_step(ctx: NodeContext) -> list[Array]:
    """One time step."""
    return _step(ctx, _Cell.run)


def _step(ctx: NodeContext, run: Run) -> list[Array]:
    ctx = leading_axes(ctx, _STEP_RANKS)
    return [run(_ONE, ctx, _Way(ctx.data(0)[None]))[0]]


def _batch(ctx: NodeContext, shape: Shape) -> int:
    return shape[1] if ctx.option("time_major", False) else shape[0]


def _by_time(ctx: NodeContext, x: Array) -> Array:
    """Between [batch, time, n] and [time, batch, n] when the node is batch major."""
    if ctx.option("time_major", False):
        return x
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def prepare_sequence(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape with the units as its last axis."""
    require_inputs(ctx, 5)
    x = ctx.input(0)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 3)
    return [(*x.shape[:2], _ONE.check(ctx, _batch(ctx, x.shape), x.shape[2]))]


def evaluate_sequence(ctx: NodeContext) -> list[Array]:
    """All time steps in order."""
    return _sequence(ctx, _Cell.run)


def _sequence(ctx: NodeContext, run: Run) -> list[Array]:
    return [_by_time(ctx, run(_ONE, ctx, _Way(_by_time(ctx, ctx.data(0)))))]


def _crossed(ctx: NodeContext) -> bool:
    """Whether the auxiliary input goes into both cells through weights of its own."""
    return ctx.optional(10) is not None


def prepare_both(ctx: NodeContext) -> list[Shape | None]:
    """[.., forward units] and [.., backward units], or their sum when the outputs are merged."""
    require_inputs(ctx, 12)
    ctx = _with_squares(leading_axes(ctx, _BOTH_RANKS))
    x = ctx.input(0)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 3)
    batch = _batch(ctx, x.shape)
    forward = _FORWARD.check(ctx, batch, x.shape[2])
    backward = _BACKWARD.check(ctx, batch, x.shape[2])
    kinds = [ctx.input(cell.weights).dtype for cell in (_FORWARD, _BACKWARD)]
    require(kinds[0] == kinds[1], ctx, f"forward weights {kinds[0]}, backward weights {kinds[1]}")
    _check_aux(ctx)
    merged = bool(ctx.option("merge_outputs", False))
    wanted = 1 if merged else 2
    require(len(ctx.outputs) == wanted, ctx, f"{len(ctx.outputs)} outputs, needs {wanted}")
    if merged:
        return [(*x.shape[:2], forward + backward)]
    return [(*x.shape[:2], forward), (*x.shape[:2], backward)]


def _with_squares(ctx: NodeContext) -> NodeContext:
    """The node with square recurrent weights: LiteRT checks one axis of each, the first of the
    forward ones and the second of the backward ones.
    """
    inputs = list(ctx.inputs)
    for cell, axis in ((_FORWARD, 0), (_BACKWARD, 1)):
        r, units = ctx.input(cell.recurrent), ctx.input(cell.weights).shape[0]
        if r.shape[axis : axis + 1] == (units,) and math.prod(r.shape) >= units * units:
            inputs[cell.recurrent] = as_square(r, units)
    return replace(ctx, inputs=inputs)


def _check_aux(ctx: NodeContext) -> None:
    """KernelError unless the auxiliary input and its weights fit."""
    x, aux = ctx.input(0), ctx.optional(9)
    weights = [ctx.optional(i) for i in (10, 11)]
    require(
        (weights[0] is None) == (weights[1] is None) and (aux is not None or weights[0] is None),
        ctx,
        "the auxiliary weights need each other and the auxiliary input",
    )
    if aux is None:
        return
    require_dtype(ctx, aux, "float32")
    time_major = bool(ctx.option("time_major", False))
    if not _crossed(ctx):
        enough = math.prod(aux.shape) >= math.prod(x.shape)
        require(enough or not time_major, ctx, f"auxiliary input {aux.shape} for {x.shape}")
        return
    require_rank(ctx, aux, 3)
    require(aux.shape[:2] == x.shape[:2], ctx, f"auxiliary input {aux.shape} for {x.shape}")
    for cell, value in zip((_FORWARD, _BACKWARD), weights, strict=True):
        own = ctx.input(cell.weights)
        wanted = (own.shape[0], aux.shape[2])
        require(value is not None and value.shape == wanted, ctx, f"auxiliary weights of {wanted}")
        require(value is not None and value.dtype == own.dtype, ctx, "auxiliary weights' type")
    if time_major or _hybrid(ctx):
        # LiteRT steps through the auxiliary input by the main one's depth, and would leave it.
        one = x.shape[0] == 1 if time_major else x.shape[0] * x.shape[1] == 1
        fits = one or x.shape[2] <= aux.shape[2]
        require(fits, ctx, f"auxiliary input {aux.shape} for the deeper {x.shape}")


def _hybrid(ctx: NodeContext) -> bool:
    return ctx.input(_FORWARD.weights).dtype.kind != "f"


def evaluate_both(ctx: NodeContext) -> list[Array]:
    """Both directions; without weights of its own the auxiliary input is the backward cell's when
    the node is time major.

    Three slips of LiteRT's are its results.  Its batch-major loops give the backward cell the main
    input even without weights for the auxiliary one.  All its loops but the batch-major one of
    floats step through the auxiliary input by the main input's depth.  Its time-major loop of
    hybrid cells goes over the sequence as many times as it has steps, the states moving on.
    """
    return _both(ctx, _Cell.run)


def _both(ctx: NodeContext, run: Run) -> list[Array]:
    ctx = _with_squares(leading_axes(ctx, _BOTH_RANKS))
    time_major = bool(ctx.option("time_major", False))
    x = _by_time(ctx, ctx.data(0))
    aux = None if ctx.optional(9) is None else ctx.data(9)
    crossed = _aux_steps(ctx, aux) if aux is not None and _crossed(ctx) else None
    behind = x
    if aux is not None and crossed is None and time_major:
        behind = aux.reshape(-1)[: x.size].reshape(x.shape)
    passes = max(1, len(x)) if time_major and _hybrid(ctx) else 1
    outs = [
        _by_time(ctx, run(_FORWARD, ctx, _Way(x, crossed, False, passes))),
        _by_time(ctx, run(_BACKWARD, ctx, _Way(behind, crossed, True, passes))),
    ]
    return [np.concatenate(outs, axis=2)] if ctx.option("merge_outputs", False) else outs


def _aux_steps(ctx: NodeContext, aux: Array) -> Array:
    """The auxiliary input's steps [time, batch, depth], as LiteRT finds them."""
    x, time_major = ctx.input(0).shape, bool(ctx.option("time_major", False))
    if not time_major and not _hybrid(ctx):
        return _by_time(ctx, aux)
    flat, depth = np.ascontiguousarray(aux).reshape(-1), aux.shape[2]
    if time_major:
        stride, size = x[1] * x[2], x[1] * depth
        rows = [flat[t * stride : t * stride + size].reshape(x[1], depth) for t in range(x[0])]
        return np.stack(rows) if rows else np.empty((0, x[1], depth), np.float32)
    starts = np.arange(x[0] * x[1]).reshape(x[0], x[1]).T * x[2]
    return np.asarray(flat[starts[:, :, None] + np.arange(depth)])


def _bound(outputs_of: Callable[[NodeContext, Run], list[Array]]) -> Bound:
    text = "running error analysis of the steps"
    return Bound(text, lambda ctx, _: outputs_of(ctx, _Cell.errors))


KERNELS = (
    Kernel("RNN", prepare_step, evaluate_step, stateful=True, bound=_bound(_step)),
    Kernel(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        prepare_sequence,
        evaluate_sequence,
        stateful=True,
        bound=_bound(_sequence),
    ),
    Kernel(
        "BIDIRECTIONAL_SEQUENCE_RNN",
        prepare_both,
        evaluate_both,
        stateful=True,
        bound=_bound(_both),
    ),
)
