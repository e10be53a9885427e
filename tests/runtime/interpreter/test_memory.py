"""The arena of a subgraph: what lies where, what is shared, and what is given up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import interpreter as ours
from litefuse.runtime.interpreter import CustomOp, InterpreterWithCustomOps
from litefuse.runtime.interpreter.memory import ALIGN, Step, TensorMemory
from litefuse.runtime.kernels import TensorValue
from litefuse.runtime.model import Tensor, TensorType
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.models import dynamic

SHAPES = ((), (3,), (2, 5), (4, 4), (1, 7, 3), (0, 4), (16, 16))
OPS = ("RESHAPE", "RELU", "ADD", "SOFTMAX", "CONV_2D", None)


def made(content: bytes, **options: Any) -> ours.Interpreter:
    interpreter = ours.Interpreter(
        model_content=content,
        experimental_op_resolver_type=ours.OpResolverType.BUILTIN_REF,
        **options,
    )
    interpreter.allocate_tensors()
    return interpreter


class Graph:
    """A made-up run: tensor 0 is the input, each step writes the next tensor."""

    def __init__(self, shapes: list[tuple[int, ...]], steps: list[Step], outputs: set[int]):
        self.values = [TensorValue(Tensor(f"t{i}", s), s) for i, s in enumerate(shapes)]
        self.steps, self.outputs = steps, outputs

    def plan(self, unknown: Sequence[int] = (), preserve: bool = False) -> TensorMemory:
        return TensorMemory(self.values, {0}, self.outputs, self.steps, unknown, preserve)

    def life(self, t: int) -> tuple[int, int]:
        """First and last step at which the tensor must hold its value."""
        if t == 0:
            return 0, len(self.steps)
        read = [k for k, step in enumerate(self.steps) if t in step.reads]
        return t - 1, len(self.steps) if t in self.outputs else max([t - 1, *read])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to 12 steps, each of one or two of the tensors before."""
    shapes, steps = [draw(st.sampled_from(SHAPES))], []
    for i in range(draw(st.integers(1, 12))):
        reads = draw(st.lists(st.integers(0, i), min_size=1, max_size=2))
        op = draw(st.sampled_from(OPS))
        same = op in ("RELU", "ADD", "SOFTMAX", "RESHAPE")
        shapes.append(shapes[reads[0]] if same else draw(st.sampled_from(SHAPES)))
        steps.append(Step(reads, [i + 1], op))
    return Graph(shapes, steps, draw(st.sets(st.integers(1, len(steps)), min_size=1)))


@given(graphs(), st.booleans())
def test_tensors_that_are_needed_at_once_do_not_overlap(graph: Graph, preserve: bool) -> None:
    """Run the graph with a number of its own in each tensor: nobody may find another's there.

    RESHAPE copies its input's number, which is all that sharing memory may show.
    """
    graph.plan(preserve=preserve)
    number = {0: 1.0}
    memory = [value.memory for value in graph.values]
    assert all(m is not None and m.ctypes.data % ALIGN == 0 for m in memory if m.size)  # type: ignore[union-attr]
    memory[0][...] = 1.0  # type: ignore[index]
    for k, step in enumerate(graph.steps):
        for t in step.reads:
            np.testing.assert_array_equal(memory[t], number[t])  # type: ignore[arg-type]
        target = step.writes[0]
        number[target] = number[step.reads[0]] if step.op == "RESHAPE" else float(k + 2)
        memory[target][...] = number[target]  # type: ignore[index]
    kept = range(len(memory)) if preserve else {0, *graph.outputs}
    for t in kept:
        np.testing.assert_array_equal(memory[t], number[t])  # type: ignore[arg-type]


@given(graphs())
def test_the_arena_is_no_larger_than_all_tensors(graph: Graph) -> None:
    sizes = [-(-4 * int(np.prod(value.shape)) // ALIGN) * ALIGN for value in graph.values]
    assert graph.plan().nbytes <= sum(sizes)
    assert graph.plan(preserve=True).nbytes == sum(sizes)


@given(graphs())
def test_without_sharing_the_arena_holds_what_lives_at_once(graph: Graph) -> None:
    graph.steps = [Step(step.reads, step.writes) for step in graph.steps]
    sizes = [-(-4 * int(np.prod(value.shape)) // ALIGN) * ALIGN for value in graph.values]
    lives = [graph.life(t) for t in range(len(sizes))]
    busiest = max(
        sum(size for size, (first, last) in zip(sizes, lives, strict=True) if first <= k <= last)
        for k in range(len(graph.steps) + 1)
    )
    assert graph.plan().nbytes >= busiest


def test_a_chain_of_relus_takes_turns_in_one_place() -> None:
    b = ModelBuilder()
    tensors = [b.add_tensor(f"t{i}", (32, 32), "float32") for i in range(6)]
    for x, y in pairwise(tensors):
        b.add_op("RELU", [x], [y])
    interpreter = made(b.finish_bytes([tensors[0]], [tensors[-1]]))
    assert interpreter.arena_bytes == 2 * 4096  # the graph's input keeps its own
    assert made(b.finish_bytes([0], [5]), experimental_preserve_all_tensors=True).arena_bytes == (
        6 * 4096
    )


def residual() -> bytes:
    """y = conv-like sum: r = reshape(x); a = relu(r); y = a + r, so that r outlives relu."""
    b = ModelBuilder()
    x = b.add_tensor("x", (2, 6), "float32")
    shape = b.add_tensor("shape", data=np.array([3, 4], np.int32))
    r, a, y = (b.add_tensor(name, (3, 4), "float32") for name in "ray")
    b.add_op("RESHAPE", [x, shape], [r])
    b.add_op("RELU", [r], [a])
    b.add_op("ADD", [a, r], [y])
    return b.finish_bytes([x], [y])


def test_a_reshape_lies_where_its_input_is() -> None:
    interpreter = made(residual())
    values = interpreter.subgraph(0).values
    x, _, r, a, y = (value.memory for value in values)
    for place in (x, r, a, y):
        assert place is not None
    assert np.shares_memory(x, r)
    assert not np.shares_memory(r, a)  # r is read again
    assert np.shares_memory(a, y)  # a is not
    data = np.arange(-6, 6, dtype=np.float32).reshape(2, 6)
    interpreter.set_tensor(0, data)
    for _ in range(2):
        interpreter.invoke()
        want = (np.maximum(data, 0) + data).reshape(3, 4)
        np.testing.assert_array_equal(interpreter.get_tensor(4), want)
        np.testing.assert_array_equal(interpreter.get_tensor(0), data)


def test_a_users_op_shares_no_memory() -> None:
    """It might write other values than RESHAPE would, where its input must stay."""
    other = CustomOp("RESHAPE", lambda node, x, s: -x.reshape(3, 4), lambda n, x, s: (3, 4), True)
    interpreter = InterpreterWithCustomOps([other], model_content=residual())
    interpreter.allocate_tensors()
    data = np.arange(12, dtype=np.float32).reshape(2, 6)
    interpreter.set_tensor(0, data)
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(4), -data.reshape(3, 4))
    np.testing.assert_array_equal(interpreter.get_tensor(0), data)


def test_arena_bytes_counts_what_is_planned_now() -> None:
    interpreter = ours.Interpreter(
        model_content=residual(), experimental_op_resolver_type=ours.OpResolverType.BUILTIN_REF
    )
    assert interpreter.arena_bytes == 0
    interpreter.allocate_tensors()
    assert interpreter.arena_bytes == 2 * ALIGN


def test_a_dynamic_tensor_is_given_up_after_its_last_reader() -> None:
    for preserve in (False, True):
        interpreter = made(dynamic(), experimental_preserve_all_tensors=preserve)
        interpreter.set_tensor(0, np.array([-1, 2, -3, 4, -5, 6], np.float32))
        interpreter.set_tensor(1, np.array([2, 3], np.int32))
        interpreter.invoke()
        state = interpreter.subgraph(0)
        inner = {t for op in state.graph.operators for t in op.outputs} - {*state.graph.outputs}
        held = {t for t in inner if state.values[t].data is not None}
        assert held == (inner if preserve else set())
        assert interpreter.get_tensor(state.graph.outputs[0]).shape == (2,)


def test_a_copy_outlives_the_next_run() -> None:
    interpreter = made(residual())
    interpreter.set_tensor(0, np.ones((2, 6), np.float32))
    interpreter.invoke()
    first = interpreter.get_tensor(4)
    interpreter.set_tensor(0, np.full((2, 6), 5, np.float32))
    interpreter.invoke()
    assert (first == 2).all()
    assert (interpreter.get_tensor(4) == 10).all()


def test_inputs_keep_their_value_over_allocations() -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (2,), "float32")
    z = b.add_tensor("z", (2,), "float32", shape_signature=(-1,))
    y = b.add_tensor("y", (2,), "float32")
    v = b.add_tensor("v", (2,), "float32")
    b.add_op("RELU", [x], [y])
    b.add_op("RELU", [z], [v])
    content = b.finish_bytes([x, z], [y, v])
    found = []
    for module in (litert, ours):
        interpreter = module.Interpreter(
            model_content=content, experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(0, np.array([3, 4], np.float32))
        interpreter.resize_tensor_input(1, [7])
        interpreter.allocate_tensors()
        found.append(interpreter.get_tensor(0))
    np.testing.assert_array_equal(found[1], found[0])


def test_a_variable_keeps_its_memory_and_value() -> None:
    values = [
        TensorValue(Tensor("x", (4,)), (4,)),
        TensorValue(Tensor("state", (4,), is_variable=True), (4,)),
        TensorValue(Tensor("y", (4,)), (4,)),
    ]
    memory = TensorMemory(values, {0}, {2}, [Step([0, 1], [2], "SVDF")], (), False)
    assert memory.variable_nbytes == ALIGN
    assert memory.nbytes == 2 * ALIGN
    assert not any(np.shares_memory(values[1].memory, values[i].memory) for i in (0, 2))  # type: ignore[arg-type]


def test_strings_have_no_place() -> None:
    values = [
        TensorValue(Tensor("x", (4,), TensorType.STRING), (4,)),
        TensorValue(Tensor("y", (4,), TensorType.STRING), (4,)),
        TensorValue(Tensor("z", (4,), TensorType.STRING), (4,)),
    ]
    memory = TensorMemory(values, {0}, {2}, [Step([0], [1]), Step([1], [2])], (), False)
    assert memory.nbytes == 0
    assert [value.memory for value in values] == [None] * 3
    assert memory.releases == [[], [1]]


def test_what_a_partition_returns_is_its_own() -> None:
    values = [TensorValue(Tensor(f"t{i}", (4,)), (4,)) for i in range(3)]
    steps = [Step([0], [1], keeps=True), Step([1], [2], "RELU")]
    memory = TensorMemory(values, {0}, {2}, steps, (), False)
    assert values[1].memory is None
    assert values[2].memory is not None
    assert memory.releases == [[], []]


@pytest.mark.parametrize("name", ["mp-face-detection-front", "mltk-keyword-spotting"])
def test_intermediate_values_with_preserve_are_litert_s(corpus: Path, name: str) -> None:
    """Sharing memory changes no value that may be read."""
    path = str(corpus / "networks" / f"{name}.tflite")
    plain = ours.Interpreter(path, experimental_op_resolver_type=ours.OpResolverType.BUILTIN_REF)
    kept = ours.Interpreter(
        path,
        experimental_op_resolver_type=ours.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    rng = np.random.default_rng(3)
    results = []
    for interpreter in (plain, kept):
        interpreter.allocate_tensors()
        for details in interpreter.get_input_details():
            shape, dtype = details["shape"], details["dtype"]
            rng = np.random.default_rng(3)
            interpreter.set_tensor(details["index"], rng.integers(-9, 9, shape).astype(dtype))
        interpreter.invoke()
        results.append([interpreter.get_tensor(t) for t in interpreter.subgraph(0).graph.outputs])
    np.testing.assert_equal(results[0], results[1])
    assert plain.arena_bytes < kept.arena_bytes
