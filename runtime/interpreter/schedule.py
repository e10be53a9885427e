"""The order in which nodes and claimed partitions run."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import pairwise

from litefuse.runtime.interpreter.delegation import InterpreterPartition
from litefuse.runtime.kernels.base import KernelError


class Claims:
    """Partitions over one subgraph's nodes, checked, and the order of everything that runs.

    `order` lists steps: a node index, or -1 - k for partition k.  `inside` are tensors that only
    claimed nodes touch, which have no value of their own.  `ordered` are nodes with effects that
    no tensor shows, which keep their order; `edges` pairs of which the first runs first.
    KernelError when partitions overlap, name nodes that do not exist, hide a tensor that others
    read, or wait for each other.
    """

    def __init__(
        self,
        node_inputs: Sequence[Sequence[int]],
        node_outputs: Sequence[Sequence[int]],
        graph_outputs: Sequence[int],
        partitions: Sequence[InterpreterPartition],
        ordered: Sequence[int] = (),
        edges: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.partitions = list(partitions)
        self.owner: dict[int, int] = {}
        for k, partition in enumerate(self.partitions):
            for node in partition.nodes:
                if not 0 <= node < len(node_inputs):
                    raise KernelError(
                        f"partition {k} claims node {node} of {len(node_inputs)}: "
                        "the delegate planned another subgraph"
                    )
                if node in self.owner:
                    raise KernelError(
                        f"node {node} is claimed by partitions {self.owner[node]} and {k}; "
                        "a delegate must claim each node once"
                    )
                self.owner[node] = k
        self.inside = self._inside(node_inputs, node_outputs, graph_outputs)
        self.order = self._order(node_inputs, node_outputs, ordered, edges)

    def _inside(
        self,
        node_inputs: Sequence[Sequence[int]],
        node_outputs: Sequence[Sequence[int]],
        graph_outputs: Sequence[int],
    ) -> frozenset[int]:
        offered = {t for partition in self.partitions for t in partition.outputs}
        made = {t for n in self.owner for t in node_outputs[n]}
        hidden = made - offered
        for node, inputs in enumerate(node_inputs):
            k = self.owner.get(node)
            for t in inputs:
                if t in hidden and (k is None or t not in self._made_by(k, node_outputs)):
                    raise KernelError(
                        f"node {node} reads tensor {t}, which a partition computes and does not "
                        "list among its outputs"
                    )
        lost = hidden.intersection(graph_outputs)
        if lost:
            raise KernelError(f"a partition hides tensors {sorted(lost)}, outputs of the graph")
        return frozenset(hidden)

    def _made_by(self, k: int, node_outputs: Sequence[Sequence[int]]) -> set[int]:
        return {t for n in self.partitions[k].nodes for t in node_outputs[n]}

    def _order(
        self,
        node_inputs: Sequence[Sequence[int]],
        node_outputs: Sequence[Sequence[int]],
        ordered: Sequence[int],
        edges: Sequence[tuple[int, int]],
    ) -> list[int]:
        """Kahn's algorithm, preferring the model's own order."""
        if not self.partitions:
            return list(range(len(node_inputs)))
        position: dict[int, int] = {}
        reads: dict[int, set[int]] = {}
        writes: dict[int, set[int]] = {}
        for node, inputs in enumerate(node_inputs):
            step = -1 - self.owner[node] if node in self.owner else node
            position.setdefault(step, node)
            reads.setdefault(step, set()).update(inputs)
            writes.setdefault(step, set()).update(node_outputs[node])
        maker = {t: step for step, made in writes.items() for t in made}
        waits = {
            step: {maker[t] for t in tensors if t in maker} - {step}
            for step, tensors in reads.items()
        }
        # Not all that nobody claims: partitions made as LiteRT makes them move other nodes past
        # each other as far as data allows.
        for before, after in pairwise(n for n in ordered if n not in self.owner):
            waits[after].add(before)
        for before, after in edges:
            first, then = (-1 - self.owner[n] if n in self.owner else n for n in (before, after))
            if first != then:
                waits[then].add(first)
        return _topological(waits, position)


def _topological(waits: Mapping[int, set[int]], position: Mapping[int, int]) -> list[int]:
    followers: dict[int, list[int]] = {}
    missing = {step: len(before) for step, before in waits.items()}
    for step, before in waits.items():
        for other in before:
            followers.setdefault(other, []).append(step)
    ready = [(position[step], step) for step, count in missing.items() if count == 0]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        _, step = heapq.heappop(ready)
        order.append(step)
        for other in followers.get(step, ()):
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(ready, (position[other], other))
    if len(order) != len(waits):
        stuck = sorted(-1 - step for step, count in missing.items() if count and step < 0)
        raise KernelError(f"partitions {stuck} wait for each other; the delegate must split them")
    return order
