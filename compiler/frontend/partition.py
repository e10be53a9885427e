"""Grouping claimed nodes into partitions exactly as LiteRT groups them for a delegate.

The algorithm is that of LiteRT's `PartitionGraphIntoIndependentNodeSubsets`: sweep the nodes in
order again and again; an *epoch* takes every ready node of one sort (claimed or not), where ready
means that all inputs come from constants, the subgraph's inputs, or nodes already taken. So nodes
move across others as far as data allows, and partitions are few and large.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from litefuse.compiler.ops.tfl.node import Graph
from litefuse.runtime.plan import ORDERED_OPS


@dataclass
class Subset:
    """One epoch: nodes in execution order, and the tensors that cross its border (sorted)."""

    claimed: bool
    nodes: list[int] = field(default_factory=list)
    inputs: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)


def subsets(graph: Graph, claimed: Collection[int]) -> list[Subset]:
    """All epochs in execution order, claimed and not."""
    return _Epochs(graph, frozenset(claimed)).run()


class _Epochs:
    def __init__(self, graph: Graph, claimed: frozenset[int]) -> None:
        self.operators = graph.subgraph.operators
        self.graph_outputs = graph.subgraph.outputs
        self.claimed = claimed
        # Epoch of each computed tensor, None before it is known; other tensors are always ready.
        self.epoch: dict[int, int | None] = {
            t: None for op in self.operators for t in op.outputs if t >= 0
        }
        self.done: set[int] = set()
        self.found: list[Subset] = []
        self.before: dict[int, int] = {}
        last: int | None = None
        for n, op in enumerate(self.operators):
            if op.name in ORDERED_OPS:
                if last is not None:
                    self.before[n] = last
                last = n

    def run(self) -> list[Subset]:
        while len(self.done) < len(self.operators):
            if not self._epoch():
                left = [n for n in range(len(self.operators)) if n not in self.done]
                raise ValueError(f"nodes {left[:8]} wait for each other: the graph has a cycle")
        for t in self.graph_outputs:
            epoch = self.epoch.get(t)
            if epoch is not None:
                self.found[epoch].outputs.add(t)
        return self.found

    def _epoch(self) -> bool:
        subset: Subset | None = None
        grew = True
        waiting = [n for n in range(len(self.operators)) if n not in self.done]
        while grew:
            grew = False
            for n in waiting:
                if n in self.done or not self._ready(n):
                    continue
                claimed = n in self.claimed
                if subset is None:
                    subset = Subset(claimed)
                    self.found.append(subset)
                if subset.claimed == claimed:
                    self._take(n, subset)
                    grew = True
        return subset is not None

    def _ready(self, n: int) -> bool:
        previous = self.before.get(n)
        if previous is not None and previous not in self.done:
            return False
        return all(self.epoch.get(t, -1) is not None for t in self.operators[n].inputs if t >= 0)

    def _take(self, n: int, subset: Subset) -> None:
        number = len(self.found) - 1
        op = self.operators[n]
        self.done.add(n)
        subset.nodes.append(n)
        for t in op.outputs:
            if t >= 0:
                self.epoch[t] = number
        for t in op.inputs:
            if t < 0 or self.epoch.get(t) == number:
                continue
            subset.inputs.add(t)
            maker = self.epoch.get(t)
            if maker is not None:
                self.found[maker].outputs.add(t)
