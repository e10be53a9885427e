"""Partitions are LiteRT's own: the same random graphs, claimed by a delegate inside LiteRT."""

from __future__ import annotations

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.frontend.partition import subsets
from litefuse.compiler.ops.tfl.node import Graph
from litefuse.runtime.litert.simple import Partition, Refusal, SimpleDelegate
from litefuse.runtime.model import read_model
from litefuse.runtime.model.build import ModelBuilder


class Observer(SimpleDelegate):
    """Claims certain nodes, notes how LiteRT groups them, and leaves them after all."""

    name = "observer"

    def __init__(self, claimed: set[int]) -> None:
        super().__init__()
        self.claimed = claimed
        self.seen: list[tuple[list[int], list[int], list[int]]] = []

    def is_node_supported(self, node, graph):
        return node.index in self.claimed

    def prepare(self, partition: Partition) -> Refusal:
        inputs = sorted({*partition.inputs, *partition.constants})
        self.seen.append((list(partition.node_ids), inputs, sorted(partition.outputs)))
        return Refusal("observed", "all", "none")


@st.composite
def graphs(draw):
    """Nodes of ADD over earlier tensors (some constant), which of them are claimed, what is output."""
    n = draw(st.integers(1, 12))
    b = ModelBuilder()
    x = b.add_tensor("x", (2,), "FLOAT32")
    c = b.add_tensor("c", (2,), "FLOAT32", [1.0, 2.0])
    made = [x, c]
    for i in range(n):
        # The next result exists as a tensor before its node: operands come from before it only.
        operands = [draw(st.sampled_from(made)), draw(st.sampled_from(made))]
        y = b.add_tensor(f"y{i}", (2,), "FLOAT32")
        b.add_op("ADD", operands, [y])
        made.append(y)
    claimed = draw(st.sets(st.integers(0, n - 1)))
    outputs = sorted(draw(st.sets(st.sampled_from(made[2:]), min_size=1)))
    return b.finish_bytes([x], outputs), claimed


@given(graphs())
def test_partitions_are_litert_s(graph):
    data, claimed = graph
    observer = Observer(claimed)
    Interpreter(
        model_content=data,
        experimental_delegates=[observer],
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    found = subsets(Graph(read_model(data), 0), claimed)
    assert sorted(n for s in found for n in s.nodes) == list(
        range(len(read_model(data).subgraphs[0].operators))
    )
    ours = [(s.nodes, sorted(s.inputs), sorted(s.outputs)) for s in found if s.claimed]
    assert ours == observer.seen


def test_effects_keep_their_order():
    from types import SimpleNamespace as N

    op = lambda name, ins, outs: N(name=name, inputs=ins, outputs=outs)  # noqa: E731
    operators = [
        op("READ_VARIABLE", (0,), (1,)),
        op("ADD", (1, 1), (2,)),
        op("ASSIGN_VARIABLE", (0, 2), ()),
        op("READ_VARIABLE", (0,), (3,)),
    ]
    graph = N(subgraph=N(operators=operators, outputs=(3,)))
    found = subsets(graph, {1})
    assert [(s.claimed, s.nodes) for s in found] == [(False, [0]), (True, [1]), (False, [2, 3])]
    assert [sorted(s.outputs) for s in found] == [[1], [2], [3]]


def test_a_cycle_is_an_error():
    from types import SimpleNamespace as N

    import pytest

    operators = [
        N(name="ADD", inputs=(1, 1), outputs=(0,)),
        N(name="ADD", inputs=(0, 0), outputs=(1,)),
    ]
    with pytest.raises(ValueError, match=r"nodes \[0, 1\] wait for each other"):
        subsets(N(subgraph=N(operators=operators, outputs=())), {0})
