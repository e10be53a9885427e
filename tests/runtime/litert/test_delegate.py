"""litefuse.Delegate inside the real interpreter: right results, claimed or not, whatever fails."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse
from litefuse.runtime import build
from litefuse.runtime.errors import BuildError, LitefuseWarning, OptionError
from litefuse.runtime.litert import compiled, delegate, kernel
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.model.build import ModelBuilder
from litefuse.runtime.plan import STRANDED_RULE
from tests.conftest import ROOT
from tests.elsewhere import python
from tests.runtime.litert.models import (
    chain_value,
    feed,
    interpreter_module,
    make_interpreter,
    make_model,
)

Resolver = interpreter_module.OpResolverType
DIGITS = ROOT / "litefuse" / "data" / "digits_float32.tflite"


@pytest.fixture(scope="module")
def digits() -> bytes:
    return DIGITS.read_bytes()


def close(model: bytes, interpreter: Any, seed: int = 0) -> None:
    """Within 1e-5 of the reference kernels' range."""
    for ours, theirs in zip(
        feed(interpreter, seed), feed(make_interpreter(model), seed), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * max(1.0, np.abs(theirs).max()))


@pytest.mark.parametrize("resolver", list(Resolver), ids=lambda r: r.name)
def test_one_partition_and_the_right_result(digits: bytes, resolver: Any) -> None:
    ours = litefuse.Delegate()
    interpreter = make_interpreter(digits, [ours], resolver=resolver)
    for seed in range(3):
        close(digits, interpreter, seed)
    assert ours.is_fully_delegated
    assert len(ours.partitions) == 1
    assert "10 nodes delegated out of 10 nodes with 1 partitions" in ours.summary()
    assert [d["op_name"] for d in interpreter._get_ops_details()].count("DELEGATE") == 1


def test_no_python_runs_in_an_invoke(digits: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = litefuse.Delegate()
    interpreter = make_interpreter(digits, [ours])
    close(digits, interpreter)
    called: list[object] = []
    monkeypatch.setattr(kernel, "_find", lambda *found: called.append(found))
    interpreter.invoke()
    assert not called


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_as_asked(digits: bytes, threads: int) -> None:
    before = threading.active_count()
    ours = litefuse.Delegate(num_threads=threads)
    interpreter = make_interpreter(digits, [ours])
    assert threading.active_count() == before + threads - 1
    close(digits, interpreter)
    del interpreter
    assert threading.active_count() == before


def test_threads_follow_the_interpreter(digits: bytes) -> None:
    ours = litefuse.Delegate()
    interpreter = make_interpreter(digits, [ours], num_threads=2)
    assert ours.partitions[0].state.executable.num_threads == 2
    close(digits, interpreter)


def test_several_interpreters_at_once(digits: bytes) -> None:
    ours = litefuse.Delegate(num_threads=2)
    interpreters = [make_interpreter(digits, [ours]) for _ in range(3)]
    expected = feed(make_interpreter(digits))[0]
    for interpreter in interpreters:
        feed(interpreter)
    results: list[np.ndarray] = []

    def work(interpreter: Any) -> None:
        for _ in range(50):
            interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))

    workers = [threading.Thread(target=work, args=(i,)) for i in interpreters]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in results:
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_a_resize_switches_code_and_back(chain: bytes) -> None:
    ours = litefuse.Delegate()
    interpreter = make_interpreter(chain, [ours])
    states = []
    for shape in ((2, 3), (7, 16), (2, 3), (1, 1), (7, 16)):
        interpreter.resize_tensor_input(0, shape)
        (value,) = feed(interpreter)
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        assert value.shape == shape
        np.testing.assert_allclose(value, chain_value(x), rtol=1e-5)
        states.append(ours.partitions[0].state.current.state_address)
    assert states[0] == states[2]
    assert states[1] == states[4]
    assert len(set(states)) == 3


def test_shapes_made_long_ago_are_let_go(chain: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MAX_VARIANTS", 2)
    ours = litefuse.Delegate()
    interpreter = make_interpreter(chain, [ours])
    for rows in (2, 3, 4, 2):
        interpreter.resize_tensor_input(0, (rows, 3))
        assert feed(interpreter)[0].shape == (rows, 3)
        assert len(ours.partitions[0].state._variants) <= 2


def failing(times: int, real: Callable[..., Any] = build.build) -> Callable[..., Any]:
    """`build` that works so often and then fails."""
    left = [times]

    def fail(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise BuildError("the compiler is out of ideas")
        return real(*arguments, **named)

    return fail


def test_a_failed_compilation_leaves_the_graph_alone(
    digits: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "build", failing(0))
    ours = litefuse.Delegate()
    with pytest.warns(LitefuseWarning, match="10 nodes .* out of ideas") as caught:
        interpreter = make_interpreter(digits, [ours])
    assert len(caught) == 1
    assert caught[0].filename.endswith("models.py")  # the line that made the interpreter
    close(digits, interpreter)
    assert {(r.claimed, r.rule) for r in ours.explain()} == {(False, "compiling failed")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_interpreter(digits, [ours])  # said once


def test_a_failure_of_any_kind_leaves_the_graph_alone(
    digits: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise IndexError("a bug")

    monkeypatch.setattr(build, "plan", fail)
    ours = litefuse.Delegate()
    with pytest.warns(LitefuseWarning, match="leaves this model to the interpreter: a bug"):
        interpreter = make_interpreter(digits, [ours])
    close(digits, interpreter)
    assert {r.rule for r in ours.explain()} == {"planning failed"}


def test_one_partition_may_fail_and_another_run(
    chain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "build", failing(1))
    ours = litefuse.Delegate(deny_ops=("MUL",))
    with pytest.warns(LitefuseWarning, match="could not be compiled"):
        interpreter = make_interpreter(chain, [ours])
    close(chain, interpreter)
    assert [r.claimed for r in ours.explain()] == [True, False, False, False, False]


def test_a_failed_compilation_after_a_resize_runs_on_numpy(
    chain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "build", failing(1))
    ours = litefuse.Delegate()
    interpreter = make_interpreter(chain, [ours])
    close(chain, interpreter)
    interpreter.resize_tensor_input(0, (4, 5))
    with pytest.warns(LitefuseWarning, match="5 nodes run on NumPy at the new shapes"):
        (value,) = feed(interpreter)
    x = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    np.testing.assert_allclose(value, chain_value(x), rtol=1e-5)
    with pytest.raises(LiteRTError, match="nothing to profile"):
        ours.profile()
    interpreter.resize_tensor_input(0, (2, 3))
    close(chain, interpreter)  # the first code is still there
    interpreter.resize_tensor_input(0, (4, 5))
    assert feed(interpreter)[0].shape == (4, 5)
    del interpreter


def test_without_a_trampoline_the_same_code_runs_from_python(
    digits: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delegate, "trampoline_address", lambda: None)
    ours = litefuse.Delegate(num_threads=2)
    interpreter = make_interpreter(digits, [ours])
    close(digits, interpreter)
    assert ours.is_fully_delegated


def test_preserving_all_tensors_warns_and_keeps_them(chain: bytes) -> None:
    ours = litefuse.Delegate()
    with pytest.warns(LitefuseWarning, match="nothing can be fused"):
        interpreter = make_interpreter(chain, [ours], experimental_preserve_all_tensors=True)
    close(chain, interpreter)
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(interpreter.get_tensor(1), x + x)
    assert len(ours.partitions) == 5


def test_options_choose_nodes_and_say_so(chain: bytes) -> None:
    ours = litefuse.Delegate(deny_nodes=(4,), last_delegate_node_index=2, deny_names="t2")
    close(chain, make_interpreter(chain, [ours]))
    outside = "outside first_delegate_node_index..last_delegate_node_index"
    assert [(r.node, r.claimed, r.rule) for r in ours.explain()] == [
        (0, True, ""),
        (1, False, "deny_names"),
        (2, True, ""),
        (3, False, outside),
        (4, False, outside),
    ]


def test_a_partition_limit(chain: bytes) -> None:
    ours = litefuse.Delegate(deny_ops="MUL", max_delegated_partitions=1)
    close(chain, make_interpreter(chain, [ours]))
    assert [r.claimed for r in ours.explain()] == [True, False, False, False, False]


def test_full_delegation_can_be_required(chain: bytes) -> None:
    close(chain, make_interpreter(chain, [litefuse.Delegate(require_full_delegation=True)]))
    picky = litefuse.Delegate(require_full_delegation=True, deny_ops="MUL")
    with pytest.raises(RuntimeError, match="2 of 5 nodes cannot be claimed: MUL #1: deny_ops: MUL"):
        make_interpreter(chain, [picky])
    assert not picky.partitions


def test_claiming_nothing_is_said_once(chain: bytes) -> None:
    ours = litefuse.Delegate(deny_ops=("ADD", "MUL"))
    with pytest.warns(LitefuseWarning, match=r"claims none of the 5 nodes.*3 x ADD: deny_ops"):
        interpreter = make_interpreter(chain, [ours])
    close(chain, interpreter)
    assert not ours.is_fully_delegated


def test_unknown_options_are_errors() -> None:
    with pytest.raises(OptionError, match="unknown option 'num_thread'"):
        litefuse.Delegate(num_thread=2)


def test_variables_stay_with_the_interpreter() -> None:
    model = make_model(
        [(2,)] * 4, [("ADD", [0, 1], [2]), ("ADD", [2, 2], [3])], [0], [3], variables=[1]
    )
    ours = litefuse.Delegate()
    interpreter = make_interpreter(model, [ours])
    close(model, interpreter)
    first, second = ours.explain()
    assert (first.claimed, first.rule, first.value) == (False, "state kept between invokes", "tensor 1 (t1)")  # fmt: skip
    assert second.claimed


@pytest.mark.parametrize("options", [{"deny_nodes": 4}, {"max_delegated_partitions": 1}])
def test_weights_of_others_stay_constant(options: dict[str, Any]) -> None:
    """XNNPACK takes the left-over nodes, and looks through a DEQUANTIZE that is not ours."""
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 8, 8, 4), "FLOAT32")
    rng = np.random.default_rng(0)
    last = x
    for n, op in enumerate(("CONV_2D", "ABS", "CONV_2D")):
        y = b.add_tensor(f"y{n}", (1, 8, 8, 4), "FLOAT32")
        if op == "ABS":
            b.add_op(op, [last], [y])
        else:
            half = b.add_tensor("", data=rng.normal(0, 1, (4, 1, 1, 4)).astype(np.float16))
            bias = b.add_tensor("", data=rng.normal(0, 1, 4).astype(np.float32))
            w = b.add_tensor("", (4, 1, 1, 4), "FLOAT32")
            b.add_op("DEQUANTIZE", [half], [w])
            b.add_op(op, [last, w, bias], [y], padding="SAME", stride_w=1, stride_h=1)
        last = y
    model = b.finish_bytes([x], [last])
    full, ours = litefuse.Delegate(), litefuse.Delegate(**options)
    close(model, make_interpreter(model, [full], resolver=Resolver.AUTO))
    assert [r.claimed for r in full.explain()] == [True, True, False, True, True]
    close(model, make_interpreter(model, [ours], resolver=Resolver.AUTO))
    found = ours.explain()
    assert [r.claimed for r in found[-2:]] == [False, False]
    assert found[-2].rule == STRANDED_RULE


def test_stacked_with_a_delegate_of_fixed_shapes(chain: bytes) -> None:
    """The other one makes the interpreter undo and redo all delegates at a resize."""
    from tests.runtime.litert.test_simple import Plain

    ours, other = litefuse.Delegate(deny_ops="MUL"), Plain(("MUL",))
    interpreter = make_interpreter(chain, [ours, other])
    close(chain, interpreter)
    for shape in ((4, 5), (2, 3)):
        interpreter.resize_tensor_input(0, shape)
        (value,) = feed(interpreter)
        x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        np.testing.assert_allclose(value, chain_value(x), rtol=1e-5)
    assert sum(r.claimed for r in ours.explain()) == 3
    assert sum(r.claimed for r in other.explain()) == 2


def test_profiles(digits: bytes) -> None:
    ours = litefuse.Delegate(profile=True)
    with pytest.raises(LiteRTError, match="nothing to profile"):
        ours.profile()
    interpreter = make_interpreter(digits, [ours])
    with pytest.raises(LiteRTError, match="no invoke has been timed"):
        ours.profile(0)
    close(digits, interpreter)
    for runs in (0, 5):
        (profile,) = ours.profile(runs)
        assert profile.runs == max(runs, 1)
        # Node 7, a RESHAPE, costs nothing and has no step.
        timed = {n for step in profile.steps for n in step.nodes}
        assert {0, 1, 2, 3, 4, 5, 6, 8, 9} <= timed <= set(range(10))
        assert 0 < sum(step.mean_ns for step in profile.steps) < 1e9
    with pytest.raises(LiteRTError, match="make the delegate with profile=True"):
        litefuse.Delegate().profile(0)


def test_a_closed_delegate_takes_no_more_interpreters(chain: bytes) -> None:
    ours = litefuse.Delegate()
    interpreter = make_interpreter(chain, [ours])
    ours.close()
    close(chain, interpreter)
    with pytest.raises(LiteRTError, match="closed"):
        make_interpreter(chain, [ours])


def test_the_given_model_must_be_the_interpreters(chain: bytes, digits: bytes) -> None:
    ours = litefuse.Delegate(model=digits)
    with pytest.raises(RuntimeError, match="not the one that the interpreter runs"):
        make_interpreter(chain, [ours])
    close(digits, make_interpreter(digits, [litefuse.Delegate(model=digits)]))


def test_the_cache_serves_the_second_process(tmp_path: Any) -> None:
    """The second start imports no compiler, no code generator, no LLVM, no Numba."""
    code = """
import sys
import litefuse
from tests.runtime.litert.models import make_interpreter, feed
ours = litefuse.Delegate(cache_dir=sys.argv[2])
interpreter = make_interpreter(sys.argv[1], [ours])
print(feed(interpreter)[0].tobytes().hex(), ours.is_fully_delegated)
heavy = ("litefuse.compiler", "litefuse.passes", "litefuse.codegen", "llvmlite", "numba", "litefuse.runtime.kernels")
print(sorted(m for m in sys.modules if m.startswith(heavy))[:3])
"""
    first, second = (python(code, str(DIGITS), str(tmp_path / "cache")) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    output, modules = second.stdout.splitlines()[-2:]
    assert output == first.stdout.splitlines()[-2]
    assert output.endswith("True")
    assert modules == "[]", modules


def test_exit_with_worker_threads_at_work(tmp_path: Any) -> None:
    code = """
import sys, atexit
import litefuse
from tests.runtime.litert.models import make_interpreter, feed
ours = litefuse.Delegate(num_threads=3)
interpreter = make_interpreter(sys.argv[1], [ours])
feed(interpreter)
other = make_interpreter(sys.argv[1], [ours])
if sys.argv[2] == "atexit":
    atexit.register(interpreter.invoke)
elif sys.argv[2] == "delegate first":
    del ours
print("end")
"""
    for case in ("plain", "atexit", "delegate first"):
        done = python(code, str(DIGITS), case)
        assert (done.returncode, done.stdout) == (0, "end\n"), (case, done.stderr)


def test_a_forked_child_has_threads_of_its_own(tmp_path: Any) -> None:
    code = """
import os, sys
import litefuse
from tests.runtime.litert.models import make_interpreter, feed
interpreter = make_interpreter(sys.argv[1], [litefuse.Delegate(num_threads=2)])
(expected,) = feed(interpreter)
child = os.fork()
interpreter.invoke()
(output,) = interpreter.get_output_details()
same = (interpreter.get_tensor(output["index"]) == expected).all()
if child == 0:
    os._exit(0 if same else 9)
print(same, os.waitpid(child, 0)[1])
"""
    done = python(code, str(DIGITS))
    assert (done.returncode, done.stdout) == (0, "True 0\n"), done.stderr


def test_interpreters_come_and_go_without_a_trace(digits: bytes, chain: bytes) -> None:
    def traces() -> tuple[int, ...]:
        gc.collect()
        maps = len(Path("/proc/self/maps").read_text().splitlines())
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), maps

    ours = litefuse.Delegate(num_threads=2)
    before: tuple[int, ...] = ()
    for turn in range(30):
        if turn == 10:
            before = traces()
        make_interpreter(digits, [ours])
        interpreter = make_interpreter(chain, [litefuse.Delegate()])
        interpreter.resize_tensor_input(0, (turn % 3 + 1, 3))
        feed(interpreter)
        del interpreter
    files, threads, maps = traces()
    assert (files, threads) == before[:2]
    assert maps <= before[2] + 6  # malloc's own
    assert not [k for ks in kernel.KERNELS.values() for k in ks if k.delegate is ours]
