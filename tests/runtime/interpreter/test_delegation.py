from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from litefuse.runtime.interpreter import interpreter as interpreter_module
from tests.runtime.interpreter.models import classifier, dynamic, with_unknown_ops

IMAGE = np.random.default_rng(1).standard_normal((1, 8, 8, 2)).astype(np.float32)


@dataclass
class Part:
    nodes: Sequence[int]
    inputs: Sequence[int]
    outputs: Sequence[int]
    function: Callable[..., Sequence[np.ndarray]]
    log: list[str] = field(default_factory=list)

    def prepare(self, num_threads: int) -> Callable[..., Sequence[np.ndarray]]:
        self.log.append(f"prepare {num_threads}")
        part = self

        class Executable:
            def __call__(self, *arrays: np.ndarray) -> Sequence[np.ndarray]:
                return part.function(*arrays)

            def close(self) -> None:
                part.log.append("close")

        return Executable()


@dataclass
class Fixed:
    """Claims the same parts whatever the shapes, which it records."""

    parts: list[Part]
    shapes: list[dict[int, tuple[int, ...]]] = field(default_factory=list)

    def claim(self, model: Any, subgraph: int, shapes: Mapping[int, Any]) -> Iterable[Part]:
        self.shapes.append(dict(shapes))
        return self.parts


def run(interpreter: Interpreter) -> np.ndarray:
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, IMAGE)
    interpreter.invoke()
    return interpreter.get_tensor(9)


def plain(**options: Any) -> Interpreter:
    kind = OpResolverType.BUILTIN_REF
    return Interpreter(model_content=classifier(), experimental_op_resolver_type=kind, **options)


def softmax(x: np.ndarray) -> list[np.ndarray]:
    e = np.exp(x - x.max())
    return [e / e.sum()]


def test_a_claimed_node_runs_in_the_delegate_and_shows_as_delegate() -> None:
    part = Part([4], [8], [9], softmax)
    interpreter = plain(experimental_delegates=[Fixed([part])], num_threads=3)
    np.testing.assert_allclose(run(interpreter), run(plain()), rtol=1e-5)
    details = interpreter._get_ops_details()
    assert [d["op_name"] for d in details[4:]] == ["SOFTMAX", "DELEGATE"]
    assert details[5]["inputs"].tolist() == [8]
    assert details[5]["outputs"].tolist() == [9]
    assert part.log == ["prepare 3"]


def test_tensors_inside_a_partition_have_no_value() -> None:
    dense = plain().get_tensor(7)

    def tail(x: np.ndarray) -> list[np.ndarray]:
        return softmax(x @ dense.T)

    interpreter = plain(experimental_delegates=[Fixed([Part([3, 4], [6], [9], tail)])])
    np.testing.assert_allclose(run(interpreter), run(plain()), rtol=1e-5)
    assert interpreter._get_ops_details()[-1]["inputs"].tolist() == [6, 7]
    with pytest.raises(ValueError, match="Tensor data is null"):
        interpreter.get_tensor(8)


def test_a_resize_claims_anew_and_closes_the_old() -> None:
    part = Part([4], [8], [9], lambda x: [np.zeros_like(x)])
    delegate = Fixed([part])
    interpreter = plain(experimental_delegates=[delegate])
    run(interpreter)
    interpreter.resize_tensor_input(0, [2, 8, 8, 2])
    interpreter.allocate_tensors()
    assert [shapes[8] for shapes in delegate.shapes] == [(1, 10), (2, 10)]
    assert part.log == ["prepare 1", "close", "prepare 1"]
    del interpreter
    assert part.log[-1] == "close"


def test_a_delegate_may_bring_ops_that_we_lack() -> None:
    part = Part([1, 2, 3], [1], [4], lambda x: [x + 1])
    interpreter = Interpreter(
        model_content=with_unknown_ops(), experimental_delegates=[Fixed([part])]
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.array([[-1, 0, 1, 2]], np.float32))
    interpreter.invoke()
    np.testing.assert_array_equal(interpreter.get_tensor(4), [[1, 1, 2, 3]])


def test_shapes_that_only_the_run_knows_are_not_offered() -> None:
    delegate = Fixed([])
    kind = OpResolverType.BUILTIN_REF
    interpreter = Interpreter(
        model_content=dynamic(),
        experimental_delegates=[delegate],
        experimental_op_resolver_type=kind,
    )
    interpreter.allocate_tensors()
    assert set(delegate.shapes[0]) == {0, 1, 4}


def test_the_first_delegate_wins() -> None:
    first = Part([4], [8], [9], lambda x: [np.full_like(x, 1)])
    second = Part([4], [8], [9], lambda x: [np.full_like(x, 2)])
    interpreter = plain(experimental_delegates=[Fixed([first]), Fixed([second])])
    assert (run(interpreter) == 1).all()


def _unused(*arrays: np.ndarray) -> list[np.ndarray]:
    raise AssertionError("a refused partition must not run")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([Part([9], [8], [9], _unused)], "claims node 9 of 5"),
        ([Part([3, 4], [6], [8], _unused)], "hides tensors"),
        ([Part([2, 3], [5], [6], _unused)], "does not list among its outputs"),
        ([Part([0, 3], [0, 6], [3, 8], _unused), Part([1, 2, 4], [3, 8], [6, 9], _unused)], "wait"),
    ],
)
def test_impossible_claims_are_refused(parts: list[Part], text: str) -> None:
    interpreter = plain(experimental_delegates=[Fixed(parts)])
    with pytest.raises(RuntimeError, match=text):
        interpreter.allocate_tensors()


def test_native_delegates_are_refused_with_a_way_out() -> None:
    class Native:
        def _get_native_delegate_pointer(self) -> int:
            return 0

    with pytest.raises(ValueError, match="needs LiteRT's own interpreter"):
        plain(experimental_delegates=[Native()])
    with pytest.raises(AttributeError, match="has no `claim` method"):
        plain(experimental_delegates=[3])


class Failing:
    def claim(self, *_: Any) -> Iterable[Part]:
        raise RuntimeError("no compiler today")


def test_the_default_delegate_is_used_and_its_failure_only_warns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part = Part([4], [8], [9], lambda x: [np.full_like(x, 1)])
    monkeypatch.setattr(interpreter_module, "default_delegate", lambda n: Fixed([part]))
    assert (run(Interpreter(model_content=classifier())) == 1).all()
    assert not (run(plain()) == 1).any()
    monkeypatch.setattr(interpreter_module, "default_delegate", lambda n: Failing())
    with pytest.warns(UserWarning, match="no compiler today"):
        assert run(Interpreter(model_content=classifier())).shape == (1, 10)


def test_without_default_delegates_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_module, "default_delegate", lambda n: Failing())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(plain())
        kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        run(Interpreter(model_content=classifier(), experimental_op_resolver_type=kind))


def test_a_failing_delegate_that_was_asked_for_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no compiler today"):
        plain(experimental_delegates=[Failing()]).allocate_tensors()
