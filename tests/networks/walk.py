"""A run of our interpreter in which each node is given the reference's own tensors.

So every node is held to its own kernel's bound exactly, whatever the nodes before it allow: what it
writes is compared, and then replaced by what the reference wrote. Bodies that run once in an invoke
(of IF, CALL_ONCE and STABLEHLO_COMPOSITE) are walked in the same way; loops run as they are, and
`loops` looks at their turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.interpreter.subgraph import Node, SubgraphState
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound

Array = NDArray[Any]
Tensors = Mapping[tuple[int, int], Array]

# Ops whose subgraphs run at most once in an invoke, by the option that names the subgraph.
_BODIES = {
    "IF": ("then_subgraph_index", "else_subgraph_index"),
    "CALL_ONCE": ("init_subgraph_index",),
    "STABLEHLO_COMPOSITE": ("decomposition_subgraph_index",),
}


@dataclass
class Compared:
    """What a walk found; `worst` is the largest difference as a part of the node's bound, `where`
    the node that has it. `beyond` are the nodes that are not within theirs.
    """

    nodes: int = 0
    floats: int = 0
    worst: float = 0.0
    where: str = ""
    beyond: list[str] = field(default_factory=list)

    def add(self, part: float, where: str) -> None:
        """One more tensor of a node."""
        if part > self.worst:
            self.worst, self.where = part, where
        if not part <= 1:
            self.beyond.append(f"{where}: {part:.3g} of its bound")


def walk(interpreter: Interpreter, want: Tensors) -> Compared:
    """Invoke an interpreter that keeps all tensors and has its inputs set; its variable tensors
    end as the reference's.
    """
    found = Compared()
    for index in _walked(interpreter):
        state = interpreter.subgraph(index)
        # Whoever runs the subgraph, be it `invoke` or a node, walks it.
        state.invoke = _Walk(state, want, found)  # type: ignore[method-assign]
    interpreter.invoke()
    for (graph, t), array in want.items():
        value = interpreter.subgraph(graph).values[t]
        if value.tensor.is_variable:
            interpreter.subgraph(graph).put(value, array)
    return found


def _walked(interpreter: Interpreter) -> list[int]:
    """The main subgraph and the bodies that run once in it, however deep."""
    found = [0]
    used: list[int] = []
    for index in found:
        for op in interpreter.model.subgraphs[index].operators:
            for option in _BODIES.get(op.name, ()):
                used.append(int(getattr(op.options, option)))
                if used[-1] not in found:
                    found.append(used[-1])
    return [index for index in found if used.count(index) <= 1]


@dataclass(frozen=True)
class _Walk:
    state: SubgraphState
    want: Tensors
    found: Compared

    def __call__(self) -> None:
        for node in self.state.nodes:
            self.found.nodes += 1
            outputs = [t for t in node.op.outputs if t >= 0]
            wants = [self.want.get((self.state.index, t)) for t in outputs]
            allowed = self._allowed(node, wants)
            self.state._run_node(node)
            for t, want, bound in zip(outputs, wants, allowed, strict=True):
                if want is not None:
                    self._compare(node, t, want, bound)

    def _allowed(self, node: Node, wants: list[Array | None]) -> list[Array | None]:
        """The bounds, from the inputs and the state as they are before the node runs."""
        if node.kernel is None:
            return [None] * len(wants)
        # LiteRT lets go of what nobody reads.
        known = [
            np.zeros(value.shape, value.dtype) if want is None else want
            for value, want in zip(node.context.outputs, wants, strict=True)
        ]
        return allowed_differences(node.kernel, node.context, known)

    def _compare(self, node: Node, t: int, want: Array, bound: Array | None) -> None:
        value = self.state.values[t]
        got = self.state.data(t)
        self.found.floats += want.dtype.kind in "fc"
        where = f"node {node.index} {node.op.name}"
        if self.state.index:
            where = f"subgraph {self.state.index} {where}"
        if got.dtype.hasobject:
            same = [bytes(a) == bytes(b) for a, b in zip(got.ravel(), want.ravel(), strict=True)]
            self.found.add(0.0 if all(same) else float("inf"), where)
            return
        self.found.add(part_of_bound(got, want, bound), where)
        if got.shape == want.shape and got.dtype == want.dtype:
            value.data = np.array(want)
