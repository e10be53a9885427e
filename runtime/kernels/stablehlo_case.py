"""STABLEHLO_CASE: one of several subgraphs by an index; outside the range, the last."""

from __future__ import annotations

from litefuse.runtime.kernels.base import Array, Kernel, NodeContext, Shape, require, require_dtype
from litefuse.runtime.kernels.control_flow import OF_THE_NODES, agreed
from litefuse.runtime.kernels.variables import require_host


def _branches(ctx: NodeContext) -> list[int]:
    given = ctx.option("branch_subgraph_indices")
    found = [] if given is None else [int(index) for index in given]
    require(len(found) > 0, ctx, "has no branches")
    return found


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The branches' shapes where they agree on all; None for each otherwise."""
    require(len(ctx.inputs) > 0, ctx, "has no index")
    require_dtype(ctx, ctx.input(0), "int32")
    host = require_host(ctx)
    inputs = [ctx.input(i).shape for i in range(1, len(ctx.inputs))]
    every = [host.subgraph_output_shapes(index, inputs) for index in _branches(ctx)]
    for shapes in every:
        require(
            len(shapes) == len(ctx.outputs),
            ctx,
            f"a branch gives {len(shapes)} outputs, the node has {len(ctx.outputs)}",
        )
    return agreed(ctx, every)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The branch's outputs."""
    branches = _branches(ctx)
    index = int(ctx.data(0).ravel()[0])
    taken = branches[index] if 0 <= index < len(branches) else branches[-1]
    return require_host(ctx).run_subgraph(taken, [ctx.data(i) for i in range(1, len(ctx.inputs))])


KERNELS = (Kernel("STABLEHLO_CASE", prepare, evaluate, stateful=True, bound=OF_THE_NODES),)
