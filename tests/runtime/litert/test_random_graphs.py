"""Random graphs, random claims: replacing partition by partition gives what one call would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.litert.simple import SimpleDelegate
from litefuse.runtime.litert.views import GraphView, NodeView
from tests.runtime.litert.models import feed, interpreter_module, make_interpreter, make_model
from tests.runtime.litert.test_simple import Plain

RESOLVERS = list(interpreter_module.OpResolverType)


class Chosen(Plain):
    """Claims the nodes it is given, and notes what the interpreter would make of them."""

    def __init__(self, nodes: set[int]) -> None:
        super().__init__()
        self.wanted = nodes
        self.foreseen: list[tuple[int, ...]] = []

    def begin(self, graph: GraphView) -> None:
        claimed = [i for i in graph.plan if i in self.wanted]
        self.foreseen = [p.nodes for p in graph.partitions(claimed)]

    def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
        return node.index in self.wanted


@st.composite
def graphs(draw: st.DrawFn) -> tuple[bytes, set[int], set[int]]:
    """A model of 2 to 12 nodes over two inputs, and two disjoint sets of its nodes."""
    count = draw(st.integers(2, 12))
    nodes = []
    for i in range(count):
        operands = [draw(st.integers(0, i + 1)), draw(st.integers(0, i + 1))]
        nodes.append((draw(st.sampled_from(["ADD", "MUL"])), operands, [i + 2]))
    read = {i for _, operands, _ in nodes for i in operands}
    outputs = [i for i in range(2, count + 2) if i not in read or draw(st.integers(0, 3)) == 0]
    first = draw(st.sets(st.integers(0, count - 1)))
    second = draw(st.sets(st.integers(0, count - 1))) - first
    # An input nobody reads would be dropped by the interpreter; the last node reads both.
    name, _, result = nodes[-1]
    nodes.append(("ADD", [0, 1], [count + 2]))
    nodes.append((name, [count + 2, result[0]], [count + 3]))
    model = make_model([(3,)] * (count + 4), nodes, [0, 1], [*outputs, count + 3])
    return model, first, second


def feed_small(interpreter: object) -> list[np.ndarray]:
    with np.errstate(all="ignore"):  # products of products may overflow, alike on both sides
        return feed(interpreter)


@given(graphs(), st.sampled_from(RESOLVERS), st.booleans(), st.booleans())
def test_results_and_partitions(
    drawn: tuple[bytes, set[int], set[int]], resolver: object, stacked: bool, clustering: bool
) -> None:
    model, first, second = drawn
    delegates: list[Chosen] = [Chosen(first)] + ([Chosen(second)] if stacked else [])
    given_to: list[SimpleDelegate] = list(delegates)
    interpreter = make_interpreter(
        model,
        given_to,
        resolver=resolver,
        experimental_disable_delegate_clustering=not clustering,
    )
    expected = feed_small(make_interpreter(model))
    for ours, theirs in zip(feed_small(interpreter), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for delegate in delegates:
        assert [p.node_ids for p in delegate.partitions] == delegate.foreseen
        assert {r.node for r in delegate.explain() if r.claimed} <= delegate.wanted
