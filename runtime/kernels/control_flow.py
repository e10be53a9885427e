"""IF, WHILE and STABLEHLO_COMPOSITE: nodes that run other subgraphs of the model.

Float bound: that of each of the subgraph's nodes, on the tensors that it is given; what their
differences come to, in a loop above all, depends on the subgraph (`tests/networks` holds every node
of every branch, and of a loop's turns, to its own).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
)
from litefuse.runtime.kernels.variables import require_host


def _shapes(ctx: NodeContext, first: int) -> list[Shape]:
    return [ctx.input(i).shape for i in range(first, len(ctx.inputs))]


def _arrays(ctx: NodeContext, first: int) -> list[Array]:
    return [ctx.data(i) for i in range(first, len(ctx.inputs))]


def prepare_if(ctx: NodeContext) -> list[Shape | None]:
    """The branches' shapes where they agree on all; None for each otherwise."""
    host, inputs, condition = require_host(ctx), _shapes(ctx, 1), ctx.input(0)
    require_dtype(ctx, condition, "bool")
    one = math.prod(condition.shape) == 1
    require(one, ctx, f"a condition of shape {condition.shape}, not of one element")
    branches = [
        host.subgraph_output_shapes(int(ctx.option(name)), inputs)
        for name in ("then_subgraph_index", "else_subgraph_index")
    ]
    for shapes in branches:
        require(
            len(shapes) == len(ctx.outputs),
            ctx,
            f"a branch gives {len(shapes)} outputs, the node has {len(ctx.outputs)}",
        )
    return agreed(ctx, branches)


def agreed(ctx: NodeContext, branches: list[list[Shape | None]]) -> list[Shape | None]:
    """The outputs' shapes when all branches give the same ones; None for each otherwise.

    As in LiteRT one output that only a run can size, a string above all, leaves all to the run.
    """
    first = branches[0]
    strings = any(out.dtype.hasobject for out in ctx.outputs)
    if strings or None in first or any(shapes != first for shapes in branches):
        return [None] * len(first)
    return first


def evaluate_if(ctx: NodeContext) -> list[Array]:
    """One branch or the other."""
    taken = "then_subgraph_index" if bool(ctx.data(0).flat[0]) else "else_subgraph_index"
    return require_host(ctx).run_subgraph(int(ctx.option(taken)), _arrays(ctx, 1))


def prepare_while(ctx: NodeContext) -> list[Shape | None]:
    """The inputs' shapes, where the body keeps them."""
    inputs = _shapes(ctx, 0)
    body = require_host(ctx).subgraph_output_shapes(int(ctx.option("body_subgraph_index")), inputs)
    require(
        len(body) == len(inputs) == len(ctx.outputs),
        ctx,
        f"{len(inputs)} inputs, {len(body)} of the body and {len(ctx.outputs)} outputs must agree",
    )
    ctx.state["fixed"] = inputs == body
    return [a if a == b else None for a, b in zip(inputs, body, strict=True)]


def evaluate_while(ctx: NodeContext) -> list[Array]:
    """The body again and again while the condition holds.

    Where the body keeps all shapes, LiteRT copies its outputs one by one to where its inputs lie:
    an output that is an earlier input is that input's new value, which ours is then, too.
    """
    host = require_host(ctx)
    condition = int(ctx.option("cond_subgraph_index"))
    body = int(ctx.option("body_subgraph_index"))
    renewed = _renewed(*host.subgraph_io(body)) if ctx.state["fixed"] else []

    def holds(values: list[Array]) -> bool:
        return bool(host.run_subgraph(condition, values)[0].flat[0])

    carried = [array.copy() for array in _arrays(ctx, 0)]
    more = holds(carried)
    while more:
        given = host.run_subgraph(body, carried)
        more = holds(given)  # before a new value is overwritten
        for k, place in renewed:
            given[k] = given[place]
        carried = given
    return carried


def _renewed(inputs: Sequence[int], outputs: Sequence[int]) -> list[tuple[int, int]]:
    """Outputs of a body that are an input of an earlier place: (output's place, input's place)."""
    return [(k, inputs.index(t)) for k, t in enumerate(outputs) if t in inputs[:k]]


def prepare_composite(ctx: NodeContext) -> list[Shape | None]:
    """What the decomposition gives."""
    attributes = ctx.option("composite_attributes", b"")
    require(bool(attributes), ctx, "has no composite_attributes; write an empty map")
    index = int(ctx.option("decomposition_subgraph_index"))
    return agreed(ctx, [require_host(ctx).subgraph_output_shapes(index, _shapes(ctx, 0))])


def evaluate_composite(ctx: NodeContext) -> list[Array]:
    """The decomposition, whatever the composite's name says."""
    index = int(ctx.option("decomposition_subgraph_index"))
    return require_host(ctx).run_subgraph(index, _arrays(ctx, 0))


def _whatever(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    return [np.full(y.shape, np.inf) for y in outputs]


OF_THE_NODES = Bound("that of the subgraph's nodes", _whatever)

KERNELS = (
    Kernel("IF", prepare_if, evaluate_if, stateful=True, bound=OF_THE_NODES),
    Kernel("WHILE", prepare_while, evaluate_while, stateful=True, bound=OF_THE_NODES),
    Kernel(
        "STABLEHLO_COMPOSITE",
        prepare_composite,
        evaluate_composite,
        stateful=True,
        bound=OF_THE_NODES,
    ),
)
