"""Plans: options, limits, reasons."""

from __future__ import annotations

import pytest

from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.runtime.model import Model
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.options import Options
from litefuse.runtime.plan import Plan


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
