from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from flatbuffers import flexbuffers

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder


def both(content: bytes, feeds: list[np.ndarray]) -> list[list[np.ndarray]]:
    results = []
    for module in (litert, ours):
        interpreter: Any = module.Interpreter(
            model_content=content,
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        )
        interpreter.allocate_tensors()
        for details, value in zip(interpreter.get_input_details(), feeds, strict=True):
            interpreter.set_tensor(details["index"], value)
        interpreter.invoke()
        results.append(
            [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        )
    return results


def branches(shrink: bool) -> bytes:
    """x + x or x * x; with `shrink` the second branch sums instead, to another shape."""
    b = ModelBuilder()
    c, x, y = b.add_tensor("c", (), "bool"), b.add_tensor("x", (3,)), b.add_tensor("y", (3,))
    b.add_op("IF", [c, x], [y], then_subgraph_index=1, else_subgraph_index=2)
    b.set_io([c, x], [y])
    b.add_subgraph("then")
    x, y = b.add_tensor("x", (3,)), b.add_tensor("y", (3,))
    b.add_op("ADD", [x, x], [y])
    b.set_io([x], [y])
    b.add_subgraph("else")
    x = b.add_tensor("x", (3,))
    if shrink:
        axes, y = b.add_tensor("a", data=np.array([0], np.int32)), b.add_tensor("y", (1,))
        b.add_op("SUM", [x, axes], [y], keep_dims=True)
    else:
        y = b.add_tensor("y", (3,))
        b.add_op("MUL", [x, x], [y])
    b.set_io([x], [y])
    return b.finish_bytes()


@pytest.mark.parametrize("shrink", [False, True])
@pytest.mark.parametrize("condition", [True, False])
def test_if(condition: bool, shrink: bool) -> None:
    x = np.array([1, 2, 3], np.float32)
    theirs, mine = both(branches(shrink), [np.array(condition), x])
    np.testing.assert_array_equal(mine[0], theirs[0])


def power_of_two(grow: bool) -> bytes:
    """while i < n: (i + 1, n, x + x), or x concatenated with itself."""
    b = ModelBuilder()

    def triple() -> list[int]:
        names = (("i", (1,), "int32"), ("n", (1,), "int32"), ("x", (2,), "float32"))
        return [b.add_tensor(*entry) for entry in names]

    ins, outs = triple(), triple()
    b.add_op("WHILE", ins, outs, cond_subgraph_index=1, body_subgraph_index=2)
    b.set_io(ins, outs)
    b.add_subgraph("condition")
    ins, less = triple(), b.add_tensor("less", (1,), "bool")
    b.add_op("LESS", ins[:2], [less])
    b.set_io(ins, [less])
    b.add_subgraph("body")
    ins, one = triple(), b.add_tensor("one", data=np.array([1], np.int32))
    i, x = b.add_tensor("i2", (1,), "int32"), b.add_tensor("x2", (4,) if grow else (2,))
    b.add_op("ADD", [ins[0], one], [i])
    if grow:
        b.add_op("CONCATENATION", [ins[2], ins[2]], [x], axis=0)
    else:
        b.add_op("ADD", [ins[2], ins[2]], [x])
    b.set_io(ins, [i, ins[1], x])
    return b.finish_bytes()


@pytest.mark.parametrize("grow", [False, True])
@pytest.mark.parametrize("times", [0, 1, 4])
def test_while(times: int, grow: bool) -> None:
    feeds = [np.array([0], np.int32), np.array([times], np.int32), np.array([1, 3], np.float32)]
    theirs, mine = both(power_of_two(grow), feeds)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_composite_runs_its_decomposition() -> None:
    b = ModelBuilder()
    x, y = b.add_tensor("x", (3,)), b.add_tensor("y", (3,))
    b.add_op(
        "STABLEHLO_COMPOSITE",
        [x],
        [y],
        name="mine.square",
        decomposition_subgraph_index=1,
        composite_attributes=bytes(flexbuffers.Dumps({})),
    )
    b.set_io([x], [y])
    b.add_subgraph("square")
    x, y = b.add_tensor("x", (3,)), b.add_tensor("y", (3,))
    b.add_op("MUL", [x, x], [y])
    b.set_io([x], [y])
    theirs, mine = both(b.finish_bytes(), [np.array([1, -2, 3], np.float32)])
    np.testing.assert_array_equal(mine[0], theirs[0])
