from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import interpreter as ours
from litefuse.runtime.errors import LitefuseWarning
from litefuse.runtime.interpreter.control_edges import METADATA_KEY, parse, serialize
from litefuse.runtime.model import write_model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.model.objects import Buffer, Metadata
from tests.runtime.interpreter.test_delegation import Fixed, Part

NODES = st.integers(-(2**30), 2**30)
KIND = ours.OpResolverType.BUILTIN_REF


@given(st.lists(st.lists(st.tuples(NODES, NODES), max_size=4), max_size=4))
def test_reads_what_it_writes(edges: list[list[tuple[int, int]]]) -> None:
    assert parse(serialize(edges)) == [tuple(e) for e in edges]


@given(st.binary(max_size=12))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except ValueError as error:
        assert METADATA_KEY in str(error)  # noqa: PT017
    else:
        assert all(len(edge) == 2 for edges in found for edge in edges)


def four(entry: bytes | None) -> bytes:
    """ABS, NEG of x in two independent chains: nodes 0 and 2 make y, nodes 1 and 3 make z."""
    b = ModelBuilder()
    x = b.add_tensor("x", (2,))
    a, c, y, z = (b.add_tensor(n, (2,)) for n in "acyz")
    b.add_op("ABS", [x], [a])
    b.add_op("NEG", [x], [c])
    b.add_op("NEG", [a], [y])
    b.add_op("ABS", [c], [z])
    model = b.finish([x], [y, z])
    if entry is not None:
        model.buffers.append(Buffer(entry))
        model.metadata.append(Metadata(METADATA_KEY, len(model.buffers) - 1))
    return write_model(model)


def claims(content: bytes) -> tuple[list[str], list[list[float]]]:
    """Ops after a delegate asked for nodes 0 and 2 in one piece, and the results."""
    part = Part([0, 2], [0], [3], lambda x: [-np.abs(x)])
    interpreter: Any = ours.Interpreter(
        model_content=content,
        experimental_delegates=[Fixed([part])],
        experimental_op_resolver_type=KIND,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.array([1, -2], np.float32))
    interpreter.invoke()
    names = [d["op_name"] for d in interpreter._get_ops_details()]
    outs = [interpreter.get_tensor(d["index"]).tolist() for d in interpreter.get_output_details()]
    return names, outs


RESULTS = [[-1, -2], [1, 2]]


@pytest.mark.parametrize("edges", [None, [], [[]], [[(0, 2)]], [[(0, 1)]], [[(1, 2)]]])
def test_edges_that_a_partition_can_keep(edges: Any) -> None:
    names, outs = claims(four(None if edges is None else serialize(edges)))
    assert names.count("DELEGATE") == 1
    assert outs == RESULTS


def test_a_partition_that_the_edges_would_split_is_left_to_the_kernels() -> None:
    names, outs = claims(four(serialize([[(0, 1), (1, 2)]])))
    assert "DELEGATE" not in names
    assert outs == RESULTS


def test_the_order_follows_the_edges() -> None:
    for edges, expected in (([[(1, 0)]], [1, -1, 3]), ([[(3, 2)]], [1, 3, -1]), ([], [-1, 1, 3])):
        part = Part([0, 2], [0], [3], lambda x: [-np.abs(x)])
        interpreter = ours.Interpreter(
            model_content=four(serialize(edges)), experimental_delegates=[Fixed([part])]
        )
        interpreter.allocate_tensors()
        assert interpreter.subgraph(0)._claims.order == expected


@pytest.mark.parametrize("entry", [b"\2\0", b"\1\1", b"\1\0\0", b"", serialize([[(0, 9)]])])
def test_a_damaged_entry_says_nothing(entry: bytes) -> None:
    litert.Interpreter(model_content=four(entry)).allocate_tensors()
    with pytest.warns(LitefuseWarning, match=METADATA_KEY):
        names, outs = claims(four(entry))
    assert names.count("DELEGATE") == 1
    assert outs == RESULTS
