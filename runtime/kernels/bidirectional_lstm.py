"""BIDIRECTIONAL_SEQUENCE_LSTM: float32 activations with float32, int8 or uint8 weights.

As LiteRT has it, both directions have the same number of units and the same output size, and there
is no layer normalisation.  Float bound: that of the LSTM (`running_error`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from litefuse.runtime.kernels.lstm_cell import FloatCell
from litefuse.runtime.kernels.lstm_places import (
    FLOAT,
    GATES,
    Places,
    check_cell,
    gates,
    is_coupled,
)
from litefuse.runtime.kernels.running_error import lstm_errors


def _places(first: int, states: int, aux: int) -> Places:
    return Places(
        weights=gates(first),
        recurrent=gates(first + 4),
        peepholes={"input": first + 8, "forget": first + 9, "output": first + 10},
        biases=gates(first + 11),
        projection=first + 15,
        projection_bias=first + 16,
        output_state=states,
        cell_state=states + 1,
        aux_weights=gates(aux),
    )


_FORWARD, _BACKWARD = _places(1, 35, 40), _places(18, 37, 44)
_AUX = 39


def _crossed(ctx: NodeContext) -> bool:
    """Whether the auxiliary input goes into both cells through weights of its own."""
    return ctx.optional(_FORWARD.aux_weights["forget"]) is not None


def _check_aux(ctx: NodeContext, units: int) -> None:
    """KernelError unless the auxiliary input and its weights fit."""
    x, aux = ctx.input(0), ctx.optional(_AUX)
    some = [
        ctx.optional(at.aux_weights[name]) is not None
        for at in (_FORWARD, _BACKWARD)
        for name in GATES[1:]
    ]
    require(all(some) or not any(some), ctx, "auxiliary weights of some gates only")
    if aux is None:
        require(not any(some), ctx, "auxiliary weights without an auxiliary input")
        return
    crossed = _crossed(ctx)
    wanted = x.shape[:2] if crossed else x.shape
    found = aux.shape[:2] if crossed else aux.shape
    require_rank(ctx, aux, 3)
    require(found == wanted, ctx, f"auxiliary input {aux.shape} beside {x.shape}")
    for at in (_FORWARD, _BACKWARD) if crossed else ():
        for name in GATES[is_coupled(ctx, at) :]:
            w, shape = ctx.input(at.aux_weights[name]), (units, aux.shape[2])
            require(w.shape == shape, ctx, f"{w.name!r} has shape {w.shape}, needs {shape}")
            kind = ctx.input(at.weights["output"]).dtype.name
            require_dtype(ctx, w, kind)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[.., size] of each direction, or [.., 2 * size] when the outputs are merged."""
    require_inputs(ctx, 48)
    x = ctx.input(0)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 3)
    time_major = bool(ctx.option("time_major", True))
    batch = x.shape[1] if time_major else x.shape[0]
    sizes = [check_cell(ctx, at, FLOAT, batch, x.shape[2]) for at in (_FORWARD, _BACKWARD)]
    ways = [ctx.input(at.weights["output"]) for at in (_FORWARD, _BACKWARD)]
    require(
        ways[0].shape == ways[1].shape and ways[0].dtype == ways[1].dtype and sizes[0] == sizes[1],
        ctx,
        f"forward weights {ways[0].shape} to {sizes[0]} values, backward {ways[1].shape} to "
        f"{sizes[1]}",
    )
    _check_aux(ctx, ways[0].shape[0])
    merged = bool(ctx.option("merge_outputs", False))
    require(len(ctx.outputs) == (1 if merged else 2), ctx, f"{len(ctx.outputs)} outputs")
    if merged:
        return [(*x.shape[:2], sum(sizes))]
    return [(*x.shape[:2], size) for size in sizes]


def _by_time(ctx: NodeContext, x: Array) -> Array:
    """Between [batch, time, n] and [time, batch, n] when the node is batch major."""
    if ctx.option("time_major", True):
        return x
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def evaluate(ctx: NodeContext) -> list[Array]:
    """Both directions; without weights of its own the auxiliary input is the backward cell's.

    LiteRT's states of merged batch-major outputs lie where the next ones' are, for a batch above
    1: its results change from run to run, and ours are what the others are.
    """
    rowwise = not ctx.option("time_major", True)
    return _both(ctx, lambda places, *rest: FloatCell(ctx, places, rowwise).run(*rest))


def _both(
    ctx: NodeContext, run: Callable[[Places, Array, Array | None, bool], Array]
) -> list[Array]:
    """`run(places, steps, aux, backward)` for both directions, merged if the node says so."""
    x = _by_time(ctx, ctx.data(0))
    aux = None if ctx.optional(_AUX) is None else _by_time(ctx, ctx.data(_AUX))
    crossed = aux if _crossed(ctx) else None
    behind = x if aux is None or crossed is not None else aux
    outs = [
        _by_time(ctx, run(_FORWARD, x, crossed, False)),
        _by_time(ctx, run(_BACKWARD, behind, crossed, True)),
    ]
    return [np.concatenate(outs, axis=2)] if ctx.option("merge_outputs", False) else outs


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    rowwise = not ctx.option("time_major", True)
    ways = np.split(outputs[0], 2, axis=2) if len(outputs) == 1 else outputs

    def errors(places: Places, x: Array, aux: Array | None, backward: bool) -> Array:
        reference = _by_time(ctx, ways[places is _BACKWARD])
        return lstm_errors(ctx, places, x, aux, backward, reference=reference, rowwise=rowwise)

    return _both(ctx, errors)


_BOUND = Bound("running error analysis of the steps", _allowed)

KERNELS = (Kernel("BIDIRECTIONAL_SEQUENCE_LSTM", prepare, evaluate, stateful=True, bound=_BOUND),)
