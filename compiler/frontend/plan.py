"""Which nodes of a subgraph litefuse claims, and for every other node why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from litefuse.compiler.frontend.partition import Subset, subsets
from litefuse.compiler.ops.tfl import BY_BUILTIN
from litefuse.compiler.ops.tfl.node import Graph, NodeView, Shape
from litefuse.runtime.model import ModelError
from litefuse.runtime.plan import (
    STRANDED_REMEDY,
    STRANDED_RULE,
    Partition,
    Plan,
    Reason,
    stranded,
)

if TYPE_CHECKING:
    from litefuse.runtime.model import Model
    from litefuse.runtime.options import Options


def plan_subgraph(
    model: Model,
    subgraph: int,
    options: Options,
    shapes: Mapping[int, Shape | None] | None = None,
) -> Plan:
    """The plan for one subgraph; the model's own shapes hold where `shapes` says nothing.

    Without `shapes` they are those that the inputs' make: a file's shapes between its nodes may be
    missing or out of date, and every interpreter finds them anew.
    A node is claimed if litefuse has its op, the op's support rule accepts it and the options let
    it. Claimed nodes are then grouped as LiteRT groups them; `max_delegated_partitions` keeps the
    largest groups, `min_nodes_per_partition` drops the small ones, and their nodes get a reason.
    Weights made by DEQUANTIZE for a node that is left over are left over with it.
    """
    graph = Graph(model, subgraph, _shapes(model, subgraph) if shapes is None else shapes)
    reasons: dict[int, Reason] = {}
    claimed: set[int] = set()
    for n in range(len(graph.subgraph.operators)):
        reason = _refusal(graph.node(n), options)
        if reason is None:
            claimed.add(n)
        else:
            reasons[n] = reason
    while True:
        groups = [s for s in subsets(graph, claimed) if s.claimed]
        kept = _largest(groups, options)
        for group in groups:
            if group not in kept:
                for n in group.nodes:
                    reasons[n] = _dropped(graph.node(n), group, options)
                    claimed.discard(n)
        left = _stranded(graph, claimed)
        if not left:
            break
        reasons.update(left)
        claimed.difference_update(left)
    chosen = [g for g in groups if g in kept]
    return Plan(
        subgraph,
        tuple(sorted(n for g in chosen for n in g.nodes)),
        dict(sorted(reasons.items())),
        tuple(_partition(graph, g) for g in chosen),
    )


def _shapes(model: Model, subgraph: int) -> Mapping[int, Shape | None]:
    # Not at module scope: the rules are the kernels', which the compiler needs for nothing else.
    from litefuse.runtime.interpreter import infer_shapes

    try:
        return infer_shapes(model, subgraph, strict=False)
    except ModelError:  # constants that cannot be read, which the nodes' own checks tell apart
        return {}


def _refusal(node: NodeView, options: Options) -> Reason | None:
    op = BY_BUILTIN.get(node.builtin or "")
    if op is None:
        kinds = ", ".join(sorted(BY_BUILTIN))
        return Reason(
            node.index, node.name, "litefuse must have the op", node.name, f"it has {kinds}"
        )
    said = options.refusal(node.index, node.name, [t.name for t in node.outputs])
    if said is not None:
        return Reason(node.index, node.name, said.rule, said.value, said.remedy)
    try:
        found = op.unsupported(node)
    except ModelError as e:  # constants that cannot be read
        return Reason(
            node.index, node.name, "constants must be readable", str(e), "repair the model"
        )
    if found is None:
        return None
    return Reason(node.index, node.name, found.rule, found.value, found.remedy)


def _stranded(graph: Graph, claimed: set[int]) -> dict[int, Reason]:
    nodes = [(n, op.name, op.inputs, op.outputs) for n, op in enumerate(graph.subgraph.operators)]
    found = stranded(nodes, lambda t: graph.tensor(t).constant is not None, claimed)
    return {
        n: Reason(
            n, nodes[n][1], STRANDED_RULE, f"{nodes[reader][1]} #{reader} is not", STRANDED_REMEDY
        )
        for n, reader in found.items()
    }


def _largest(groups: list[Subset], options: Options) -> list[Subset]:
    """GraphPartitionHelper's rule: by size, the first n, until one is too small."""
    kept = sorted(groups, key=lambda g: -len(g.nodes))
    if options.max_delegated_partitions:
        kept = kept[: options.max_delegated_partitions]
    return [g for g in kept if len(g.nodes) >= options.min_nodes_per_partition]


def _dropped(node: NodeView, group: Subset, options: Options) -> Reason:
    size = len(group.nodes)
    if size < options.min_nodes_per_partition:
        rule = f"min_nodes_per_partition is {options.min_nodes_per_partition}"
        remedy = f"set min_nodes_per_partition to at most {size}"
    else:
        rule = f"max_delegated_partitions is {options.max_delegated_partitions}"
        remedy = "raise max_delegated_partitions, or set it to 0 for no limit"
    return Reason(node.index, node.name, rule, f"its partition has {size} nodes", remedy)


def _partition(graph: Graph, group: Subset) -> Partition:
    touched = sorted(
        {
            t
            for n in group.nodes
            for t in (*graph.subgraph.operators[n].inputs, *graph.subgraph.operators[n].outputs)
            if t >= 0
        }
    )
    shapes = {t: graph.tensor(t).shape or () for t in touched}
    return Partition(
        graph.number,
        tuple(group.nodes),
        tuple(t for t in sorted(group.inputs) if graph.tensor(t).constant is None),
        tuple(sorted(group.outputs)),
        shapes,
    )
