"""BIDIRECTIONAL_SEQUENCE_LSTM: float32 activations with float32, int8 or uint8 weights.

Float bound: of each direction as of the sequence LSTM's (`running_error`).
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
from litefuse.runtime.kernels.lstm_cell import GATES, FloatCell, Places, check_cell, gates
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


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[.., forward size] and [.., backward size], or their sum when the outputs are merged."""
    require_inputs(ctx, 48)
    x, aux, crossed = ctx.input(0), ctx.optional(_AUX), _crossed(ctx)
    require_dtype(ctx, x, "float32")
    require_rank(ctx, x, 3)
    batch = x.shape[1] if ctx.option("time_major", True) else x.shape[0]
    if aux is not None:
        require(aux.shape[:2] == x.shape[:2], ctx, f"auxiliary input {aux.shape} for {x.shape}")
    sizes = []
    for places in (_FORWARD, _BACKWARD):
        behind = x if aux is None or crossed or places is _FORWARD else aux
        sizes.append(check_cell(ctx, places, batch, behind.shape[2]))
        if crossed:
            require(aux is not None, ctx, "auxiliary weights without an auxiliary input")
            units = ctx.input(places.weights["output"]).shape[0]
            coupled = ctx.optional(places.weights["input"]) is None
            for name in GATES[1:] if coupled else GATES:
                w = ctx.input(places.aux_weights[name])
                wanted = (units, aux.shape[2] if aux is not None else 0)
                require(w.shape == wanted, ctx, f"{w.name!r} has shape {w.shape}, needs {wanted}")
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
    """Both directions; without weights of its own the auxiliary input is the backward cell's."""
    return _both(ctx, lambda places, *rest: FloatCell(ctx, places).run(*rest))


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
    return _both(ctx, lambda places, *rest: lstm_errors(ctx, places, *rest))


_BOUND = Bound("running error analysis of the steps", _allowed)

KERNELS = (Kernel("BIDIRECTIONAL_SEQUENCE_LSTM", prepare, evaluate, stateful=True, bound=_BOUND),)
