"""SimpleDelegate inside the real interpreter: claims, limits, errors, resizing, several at once."""

from __future__ import annotations

import ctypes as c
import os
import select
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.litert import kernel
from litefuse.runtime.litert.errors import LiteRTError, Refusal
from litefuse.runtime.litert.simple import NativeKernel, Partition, SimpleDelegate
from litefuse.runtime.litert.views import GraphView, NodeView
from tests.runtime.litert.models import (
    chain_value,
    feed,
    interpreter_module,
    make_interpreter,
    make_model,
)

Resolver = interpreter_module.OpResolverType
FUNCTIONS = {"ADD": np.add, "MUL": np.multiply}


class Plain(SimpleDelegate):
    """Runs ADD and MUL without activations in NumPy, and notes what is called."""

    name = "Plain"

    def __init__(self, ops: tuple[str, ...] = ("ADD", "MUL"), **limits: Any) -> None:
        super().__init__(**limits)
        self.ops = ops
        self.calls: list[str] = []

    def begin(self, graph: GraphView) -> None:
        self.calls.append("begin")

    def is_node_supported(self, node: NodeView, graph: GraphView) -> bool | Refusal:
        if node.name in FUNCTIONS and node.name not in self.ops:
            return Refusal("not asked for", node.name, "ask for it")
        return node.name in self.ops

    def prepare(self, partition: Partition) -> Refusal | None:
        self.calls.append("prepare")
        return None

    def eval(
        self, partition: Partition, inputs: Mapping[int, Any], outputs: Mapping[int, Any]
    ) -> None:
        self.calls.append("eval")
        values = dict(inputs)
        for node in partition.nodes:
            values[node.outputs[0]] = FUNCTIONS[node.name](*(values[i] for i in node.inputs))
        for i, out in outputs.items():
            out[...] = values[i]

    def release(self, partition: Partition) -> None:
        self.calls.append("release")


def same(model: bytes, interpreter: Any, **options: Any) -> None:
    """The outputs equal those of an interpreter without delegates, to the bit."""
    expected = feed(make_interpreter(model, **options))
    for ours, theirs in zip(feed(interpreter), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_order_of_calls(chain: bytes) -> None:
    delegate = Plain()
    interpreter = make_interpreter(chain, [delegate])
    assert delegate.calls == ["begin", "prepare"]
    same(chain, interpreter)
    assert delegate.calls == ["begin", "prepare", "eval"]
    del interpreter
    assert delegate.calls == ["begin", "prepare", "eval", "release"]
    assert not [k for kernels in kernel.KERNELS.values() for k in kernels if k.delegate is delegate]


@pytest.mark.parametrize("resolver", list(Resolver), ids=lambda r: r.name)
@pytest.mark.parametrize("ops", [("ADD",), ("MUL",), ("ADD", "MUL"), ()])
def test_all_resolvers_and_claims(chain: bytes, resolver: Any, ops: tuple[str, ...]) -> None:
    delegate = Plain(ops)
    interpreter = make_interpreter(chain, [delegate], resolver=resolver)
    (value,) = feed(interpreter)
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_allclose(value, chain_value(x), rtol=1e-6)
    records = delegate.explain()
    assert [r.claimed for r in records] == [r.op in ops for r in records]
    # ADD, MUL, ADD, MUL, ADD is a chain: one kind alone gives a partition a node.
    assert len(delegate.partitions) == {2: 1, 0: 0}.get(len(ops), sum(r.claimed for r in records))
    assert ("eval" in delegate.calls) == bool(ops)


def test_refusals_keep_their_reason(chain: bytes) -> None:
    delegate = Plain(("ADD",), min_nodes_per_partition=2, first_delegate_node_index=1)
    make_interpreter(chain, [delegate])
    told = [(r.node, r.claimed, r.rule, r.value) for r in delegate.explain()]
    small = ("partition smaller than min_nodes_per_partition", "1 of at least 2 nodes")
    assert told == [
        (0, False, "outside first_delegate_node_index..last_delegate_node_index", "node 0"),
        (1, False, "not asked for", "MUL"),
        (2, False, *small),
        (3, False, "not asked for", "MUL"),
        (4, False, *small),
    ]


def test_the_largest_partitions_are_taken(chain: bytes) -> None:
    class NotThird(Plain):
        def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
            return node.index != 2

    delegate = NotThird(max_delegated_partitions=1)
    same(chain, make_interpreter(chain, [delegate]))
    assert [p.node_ids for p in delegate.partitions] == [(0, 1)]
    assert [r.rule for r in delegate.explain()][3:] == ["beyond max_delegated_partitions"] * 2


def test_a_partition_refused_in_prepare_stays_with_the_interpreter(chain: bytes) -> None:
    class Half(Plain):
        def prepare(self, partition: Partition) -> Refusal | None:
            return Refusal("too early") if 0 in partition.node_ids else None

    delegate = Half(("ADD",))
    same(chain, make_interpreter(chain, [delegate]))
    assert [r.claimed for r in delegate.explain()] == [False, False, True, False, True]
    assert [p.index for p in delegate.partitions] == [0, 1]
    assert delegate.explain()[0].rule == "too early"


def test_one_delegate_serves_several_interpreters(chain: bytes) -> None:
    delegate = Plain()
    first, second = (make_interpreter(chain, [delegate]) for _ in range(2))
    same(chain, second)
    same(chain, first)
    del first
    same(chain, second)
    assert delegate.calls.count("release") == 1


def test_stacked_delegates_share_the_graph(chain: bytes) -> None:
    adds, muls = Plain(("ADD",)), Plain(("MUL",))
    interpreter = make_interpreter(chain, [adds, muls])
    same(chain, interpreter)
    assert sum(r.claimed for r in adds.explain()) == 3
    assert sum(r.claimed for r in muls.explain()) == 2
    taken = [r for r in muls.explain() if r.rule == "another delegate has it already"]
    assert [r.value for r in taken] == ["Plain"] * 3


def test_a_resize_prepares_anew(chain: bytes) -> None:
    delegate = Plain()
    interpreter = make_interpreter(chain, [delegate])
    for shape in ((4, 5), (1, 1), (2, 3)):
        interpreter.resize_tensor_input(0, shape)
        (value,) = feed(interpreter)
        assert value.shape == shape
        assert delegate.partitions[0].shapes == {0: shape, 5: shape}
    assert delegate.calls.count("prepare") == 4
    assert delegate.calls.count("release") == 3
    assert len(delegate.explain()) == 5


class Dynamic(Plain):
    """Keeps its kernels over a resize."""

    allow_dynamic_shapes = True

    def reshape(self, partition: Partition, shapes: Mapping[int, Any]) -> Mapping[int, Any]:
        self.calls.append("reshape")
        return dict.fromkeys(partition.outputs, shapes[partition.inputs[0]])


def test_a_dynamic_delegate_reshapes_instead(chain: bytes) -> None:
    delegate = Dynamic()
    interpreter = make_interpreter(chain, [delegate])
    same(chain, interpreter)
    interpreter.resize_tensor_input(0, (4, 5))
    assert feed(interpreter)[0].shape == (4, 5)
    assert delegate.calls.count("prepare") == 1
    assert delegate.calls.count("reshape") == 1


def test_a_dynamic_delegate_without_reshape_says_so(chain: bytes) -> None:
    class Rigid(Plain):
        allow_dynamic_shapes = True

    interpreter = make_interpreter(chain, [Rigid()])
    interpreter.resize_tensor_input(0, (4, 5))
    with pytest.raises(
        RuntimeError, match=r"t0 from \[2, 3\] to \[4, 5\] changed; override reshape"
    ):
        interpreter.allocate_tensors()


def test_preserving_all_tensors_gives_a_partition_a_node(chain: bytes) -> None:
    delegate = Plain()
    interpreter = make_interpreter(chain, [delegate], experimental_preserve_all_tensors=True)
    same(chain, interpreter)
    assert len(delegate.partitions) == 5
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(interpreter.get_tensor(1), x + x)


@pytest.mark.parametrize("where", ["begin", "is_node_supported", "prepare", "native_invoke"])
def test_an_exception_before_the_claim_reaches_the_caller(chain: bytes, where: str) -> None:
    delegate = Plain()

    def fail(*_: object) -> None:
        raise ValueError("100%d wrong %s")

    setattr(delegate, where, fail)
    with pytest.raises(
        RuntimeError, match=r"Plain: Prepare raised ValueError: 100%d wrong %s \(.*"
    ):
        make_interpreter(chain, [delegate])
    assert "in fail" in delegate.last_traceback
    # What was prepared for nothing is released.
    assert delegate.calls.count("release") == (where == "native_invoke")


def test_an_exception_in_eval_fails_that_invoke_only(chain: bytes) -> None:
    delegate = Plain()
    interpreter = make_interpreter(chain, [delegate])
    interpreter.allocate_tensors()
    works = delegate.eval
    delegate.eval = lambda *_: 1 // 0  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(
            RuntimeError, match=r"Plain: eval raised ZeroDivisionError.*Plain\) failed"
        ):
            interpreter.invoke()
    delegate.eval = works  # type: ignore[method-assign]
    same(chain, interpreter)


def test_a_litefuse_error_is_told_as_it_is(chain: bytes) -> None:
    delegate = Plain()

    def fail(*_: object) -> None:
        raise LiteRTError("node 3 is odd; make it even")

    delegate.prepare = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=r"^Plain: node 3 is odd; make it even\. Restored"):
        make_interpreter(chain, [delegate])


def test_an_exception_in_release_is_kept_and_harms_nobody(chain: bytes) -> None:
    delegate = Plain()

    def fail(*_: object) -> None:
        raise KeyError("release")

    delegate.release = fail  # type: ignore[method-assign]
    interpreter = make_interpreter(chain, [delegate])
    same(chain, interpreter)
    del interpreter
    assert "KeyError: 'release'" in delegate.last_traceback


def test_a_keyboard_interrupt_arrives_after_the_invoke(chain: bytes) -> None:
    delegate = Plain()
    interpreter = make_interpreter(chain, [delegate])
    interpreter.allocate_tensors()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    delegate.eval = stop  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        interpreter.invoke()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(1)


def test_forgotten_methods_are_named(chain: bytes) -> None:
    with pytest.raises(RuntimeError, match="SimpleDelegate must override is_node_supported"):
        make_interpreter(chain, [SimpleDelegate()])

    class Half(SimpleDelegate):
        def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
            return True

    interpreter = make_interpreter(chain, [Half()])
    interpreter.allocate_tensors()
    with pytest.raises(RuntimeError, match="Half must override eval or native_invoke"):
        interpreter.invoke()


def test_inputs_are_read_only_views_and_outputs_are_not(chain: bytes) -> None:
    seen = []

    class Look(Plain):
        def eval(self, partition: Partition, inputs: Any, outputs: Any) -> None:
            seen.append((inputs[0], outputs[5]))
            super().eval(partition, inputs, outputs)

    interpreter = make_interpreter(chain, [Look()])
    same(chain, interpreter)
    interpreter.invoke()
    (source, target), (again, _) = seen
    assert not source.flags.writeable
    assert target.flags.writeable
    assert source.ctypes.data == interpreter.tensor(0)().ctypes.data
    assert again is source


def test_tensors_not_looked_at_are_not_read_later(chain: bytes) -> None:
    graphs: list[GraphView] = []

    class Keep(Plain):
        def begin(self, graph: GraphView) -> None:
            graphs.append(graph)

    interpreter = make_interpreter(chain, [Keep(("MUL",))])
    del interpreter
    (graph,) = graphs
    assert graph.tensor(3).shape == (2, 3)
    with pytest.raises(LiteRTError, match="tensor 5 was not looked at while Prepare ran"):
        graph.tensor(5)


def test_constants_are_read_in_place() -> None:
    from litefuse.runtime.litert import selfcheck

    found: list[Any] = []

    class Constant(SimpleDelegate):
        def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
            x, y = node.input_tensors
            assert x is not None
            assert y is not None
            assert x.data is None
            assert y.data is not None
            found.extend([y.data.tolist(), y.data.flags.writeable, y.scales.tolist()])
            assert node.attributes == {"fused_activation_function": 3}
            return False

    make_interpreter(selfcheck.PROBE_MODEL, [Constant()])
    assert found == [[1, 2, 3, 4, 5], False, [0.25]]


def test_native_code_runs_without_the_gil(chain: bytes) -> None:
    """A C function tells that it is there and waits for an answer: two interpreters in two threads do so at once."""
    import numba

    libc = c.CDLL(None)
    write, poll = libc.write, libc.poll
    write.argtypes, write.restype = [c.c_int, c.c_void_p, c.c_size_t], c.c_ssize_t
    poll.argtypes = [c.c_void_p, c.c_ulong, c.c_int]
    (arrived, arrive), (go, let_go) = os.pipe(), os.pipe()
    asked = np.array([go, select.POLLIN], np.int32)  # a struct pollfd
    place, minute = asked.ctypes.data, 60_000

    @numba.cfunc("int32(uintp, uintp)")
    def kernel_function(context: int, node: int) -> int:
        write(arrive, place, 1)
        return 0 if poll(place, 1, minute) == 1 else 1

    class Native(Plain):
        def native_invoke(self, partition: Partition) -> NativeKernel:
            return NativeKernel(kernel_function.address, keep=kernel_function)

    delegate = Native()
    interpreters = [make_interpreter(chain, [delegate]) for _ in range(2)]
    for interpreter in interpreters:
        interpreter.allocate_tensors()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(interpreter.invoke) for interpreter in interpreters]
        for _ in interpreters:
            assert os.read(arrived, 1)  # this thread gets the GIL while both are inside
        os.write(let_go, b".")
        for invoke in running:
            invoke.result()
    for end in (arrived, arrive, go, let_go):
        os.close(end)
    assert "eval" not in delegate.calls


def test_variables_and_subgraphs_are_seen() -> None:
    model = make_model([(2,), (2,), (2,)], [("ADD", [0, 1], [2])], [0], [2], variables=[1])
    seen = []

    class Look(SimpleDelegate):
        def is_node_supported(self, node: NodeView, graph: GraphView) -> bool:
            seen.extend(t.is_variable for t in node.input_tensors if t)
            return False

    feed(make_interpreter(model, [Look()]))
    assert seen == [False, True]
