"""Plans: options, limits, reasons."""

from __future__ import annotations

import numpy as np
import pytest

from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.runtime.model import Model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.options import Options
from litefuse.runtime.plan import STRANDED_RULE, Plan


def chain(*ops: str, **tensor) -> Model:
    """One unary op after another; `y<n>` are the results."""
    b = ModelBuilder()
    x = last = b.add_tensor("x", (2, 3), "FLOAT32", **tensor)
    for n, op in enumerate(ops):
        y = b.add_tensor(f"y{n}", (2, 3), "FLOAT32")
        if op == "Custom":
            b.add_op(op, [last], [y], custom_options=b"")
        else:
            b.add_op(op, [last], [y])
        last = y
    return b.finish([x], [last])


MODEL = chain("RELU", "RELU6", "ABS", "RELU", "Custom", "RELU", "RELU", "RELU")


def test_every_node_has_an_answer():
    plan = plan_subgraph(MODEL, 0, Options())
    assert plan.claimed == (0, 1, 3, 5, 6, 7)
    assert [p.nodes for p in plan.partitions] == [(0, 1), (3,), (5, 6, 7)]
    assert [p.inputs for p in plan.partitions] == [(0,), (3,), (5,)]
    assert [p.outputs for p in plan.partitions] == [(2,), (4,), (8,)]
    assert plan.partitions[0].shapes == {0: (2, 3), 1: (2, 3), 2: (2, 3)}
    assert [(r.node, r.op, r.value) for r in plan.reasons.values()] == [
        (2, "ABS", "ABS"),
        (4, "Custom", "Custom"),
    ]
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("options", "claimed", "rule"),
    [
        ({"max_delegated_partitions": 1}, (5, 6, 7), "max_delegated_partitions is 1"),
        ({"max_delegated_partitions": 2}, (0, 1, 5, 6, 7), "max_delegated_partitions is 2"),
        ({"min_nodes_per_partition": 2}, (0, 1, 5, 6, 7), "min_nodes_per_partition is 2"),
        ({"min_nodes_per_partition": 9}, (), "min_nodes_per_partition is 9"),
        (
            {"min_nodes_per_partition": 3, "max_delegated_partitions": 2},
            (5, 6, 7),
            "min_nodes_per_partition is 3",
        ),
        ({"first_delegate_node_index": 6}, (6, 7), "delegate_node_index"),
        ({"last_delegate_node_index": 0}, (0,), "delegate_node_index"),
        ({"deny_ops": "RELU"}, (1,), "deny_ops"),
        ({"allow_ops": ["RELU6"]}, (1,), "allow_ops"),
        ({"deny_nodes": [0, 1]}, (3, 5, 6, 7), "deny_nodes"),
        ({"allow_names": "y[56]"}, (5, 6), "allow_names"),
    ],
)
def test_options(options, claimed, rule):
    plan = plan_subgraph(MODEL, 0, Options.from_kwargs(**options))
    assert plan.claimed == claimed
    assert tuple(sorted(n for p in plan.partitions for n in p.nodes)) == claimed
    assert sorted(plan.reasons) == [n for n in range(8) if n not in claimed]
    assert rule in {r.rule for r in plan.reasons.values()}
    assert all(r.value and r.remedy for r in plan.reasons.values())


def test_shapes_of_the_moment_decide():
    model = chain("RELU", "RELU")
    unknown = plan_subgraph(model, 0, Options(), {1: None})
    assert unknown.claimed == ()
    assert unknown.reasons[0].rule == "shapes must be static"
    assert "resize_tensor_input" in unknown.reasons[0].remedy
    resized = plan_subgraph(model, 0, Options(), dict.fromkeys(range(3), (7, 3)))
    assert resized.partitions[0].shapes[2] == (7, 3)
    half = plan_subgraph(model, 0, Options(), {0: (7, 3)})
    assert half.reasons[0].rule == "the output must be [7, 3]"


def test_variables_stay():
    model = chain("RELU", "RELU", is_variable=True)
    plan = plan_subgraph(model, 0, Options())
    assert plan.claimed == (1,)
    assert plan.reasons[0].rule == "variables belong to the interpreter"


def test_a_constant_that_cannot_be_read_is_a_reason():
    b = ModelBuilder()
    x = b.add_tensor("x", (2, 3), "FLOAT32")
    c = b.add_tensor("c", (2, 3), "FLOAT32", [[1.0] * 3] * 2)
    y = b.add_tensor("y", (2, 3), "FLOAT32")
    b.add_op("ADD", [x, c], [y])
    model = b.finish([x], [y])
    model.buffers[model.subgraphs[0].tensors[c].buffer].data = b"123"
    plan = plan_subgraph(model, 0, Options())
    assert plan.reasons[0].rule == "constants must be readable"


def test_a_custom_op_is_itself_whatever_it_is_called():
    model = chain("Custom")
    model.operator_codes[0].custom_code = "RELU6"
    plan = plan_subgraph(model, 0, Options())
    assert plan.claimed == ()
    assert plan.reasons[0].rule == "litefuse must have the op"


def half_weights() -> Model:
    """Two dense layers, each with float16 weights behind a DEQUANTIZE of its own."""
    b = ModelBuilder()
    last = x = b.add_tensor("x", (1, 4), "FLOAT32")
    for n in range(2):
        half = b.add_tensor(f"h{n}", data=np.ones((4, 4), np.float16))
        w = b.add_tensor(f"w{n}", (4, 4), "FLOAT32")
        y = b.add_tensor(f"y{n}", (1, 4), "FLOAT32")
        b.add_op("DEQUANTIZE", [half], [w])
        b.add_op("FULLY_CONNECTED", [last, w], [y])
        last = y
    return b.finish([x], [last])


@pytest.mark.parametrize(
    ("options", "claimed"),
    [
        ({}, (0, 1, 2, 3)),
        ({"deny_nodes": 3}, (0, 1)),
        ({"deny_nodes": 1}, (2, 3)),
        ({"deny_ops": "FULLY_CONNECTED"}, ()),
        ({"deny_ops": "DEQUANTIZE"}, (1, 3)),
    ],
)
def test_weights_stay_where_their_readers_are(options, claimed):
    plan = plan_subgraph(half_weights(), 0, Options.from_kwargs(**options))
    assert plan.claimed == claimed
    for node in (
        {0, 2} - set(claimed) - ({0, 2} if options.get("deny_ops") == "DEQUANTIZE" else set())
    ):
        reason = plan.reasons[node]
        assert (reason.rule, reason.value) == (
            STRANDED_RULE,
            f"FULLY_CONNECTED #{node + 1} is not",
        )


def test_weights_follow_readers_that_a_limit_drops():
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4), "FLOAT32")
    half = b.add_tensor("h", data=np.ones((4, 4), np.float16))
    w, a, c, d, y = (b.add_tensor(n, (4, 4) if n == "w" else (1, 4), "FLOAT32") for n in "wacdy")
    b.add_op("DEQUANTIZE", [half], [w])
    b.add_op("RELU", [x], [a])
    b.add_op("RELU", [a], [c])
    b.add_op("ABS", [c], [d])
    b.add_op("FULLY_CONNECTED", [d, w], [y])
    model = b.finish([x], [y])
    assert plan_subgraph(model, 0, Options()).claimed == (0, 1, 2, 4)
    limited = plan_subgraph(model, 0, Options(max_delegated_partitions=1))
    assert limited.claimed == (1, 2)
    assert limited.reasons[0].rule == STRANDED_RULE
    assert [p.nodes for p in limited.partitions] == [(1, 2)]
