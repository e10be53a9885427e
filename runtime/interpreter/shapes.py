"""The shape of every tensor of a subgraph, from its ops' rules alone: nothing runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from litefuse.runtime.interpreter.lookup import Registered
from litefuse.runtime.interpreter.subgraph import SubgraphState
from litefuse.runtime.kernels.base import Array, KernelError, Shape

if TYPE_CHECKING:
    from litefuse.runtime.model import Model


def infer_shapes(
    model: Model,
    subgraph: int = 0,
    input_shapes: Mapping[int, Sequence[int]] | None = None,
    *,
    strict: bool = True,
    registered: Registered = MappingProxyType({}),
) -> dict[int, Shape | None]:
    """{tensor index: its shape once the graph is allocated}, None where only a run can tell.

    `input_shapes` resizes inputs (tensor index -> shape) as `resize_tensor_input` does; the others
    have the file's shapes. Each node's op is asked by its kernel's shape rule, with the checks that
    LiteRT makes at allocation; small integers that follow from constants and shapes are computed on
    the way, since shapes are made of them. No activations are made, and no subgraph runs.

    RuntimeError for a node that its op refuses: the text has the node's number, the op, its tensors
    with types and shapes, what was found and what was expected. Without `strict` the refused node's
    outputs keep the file's shapes, and so do those of ops without a kernel in either case; what
    follows from such a guess and contradicts it is None. `registered` are a user's ops, as
    `custom_ops.resolve` gives them.
    """
    host = _ShapeHost(model, registered, strict)
    state = host.state(subgraph)
    for tensor, shape in (input_shapes or {}).items():
        state.resize_input(int(tensor), tuple(int(d) for d in shape), strict=False)
    return state.infer(strict)


class _ShapeHost:
    """Lends nodes the shapes of the subgraphs that they call."""

    def __init__(self, model: Model, registered: Registered, strict: bool) -> None:
        self.resources: dict[Any, Any] = {}
        self._model = model
        self._registered = registered
        self._strict = strict
        self._states: dict[int, SubgraphState] = {}

    def state(self, index: int) -> SubgraphState:
        """One subgraph's state, made on first use."""
        if index not in self._states:
            self._states[index] = SubgraphState(
                self._model, index, self, "the model", None, 1, self._registered
            )
        return self._states[index]

    def run_subgraph(self, index: int, inputs: Sequence[Array]) -> list[Array]:
        """Always KernelError: shapes are inferred without a run."""
        raise KernelError(f"subgraph {index} cannot run while shapes are inferred")

    def subgraph_ops(self, index: int) -> list[str]:
        """Names of a subgraph's ops, in order; none when there is no such subgraph."""
        graphs = self._model.subgraphs
        return [op.name for op in graphs[index].operators] if 0 <= index < len(graphs) else []

    def subgraph_io(self, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """The tensors that are a subgraph's inputs, and those that are its outputs."""
        graph = self.state(index).graph
        return graph.inputs, graph.outputs

    def subgraph_output_shapes(self, index: int, inputs: Sequence[Shape]) -> list[Shape | None]:
        """What a called subgraph gives for these inputs."""
        state = self.state(index)
        for tensor, shape in zip(state.graph.inputs, inputs, strict=True):
            state.resize_input(tensor, shape, strict=False)
        found = state.infer(self._strict)
        return [found[t] for t in state.graph.outputs]
