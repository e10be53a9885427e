from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flatbuffers import flexbuffers

import litefuse
from litefuse.runtime.interpreter import (
    CustomOp,
    InterpreterWithCustomOps,
    OpNode,
    OpResolver,
    infer_shapes,
)
from litefuse.runtime.interpreter.custom_ops import resolve
from litefuse.runtime.kernels import KernelError
from litefuse.runtime.model import read_model
from litefuse.runtime.model.build import ModelBuilder

X = np.array([[1, -2, 3]], np.float32)


def model(name: str = "Scale", outputs: int = 1, out_type: str = "float32", **op: Any) -> bytes:
    """RELU, then a custom op with the options {"by": 2.5} of `outputs` outputs."""
    b = ModelBuilder()
    x, r = b.add_tensor("x", (1, 3)), b.add_tensor("r", (1, 3))
    outs = [b.add_tensor(f"y{i}", (1, 3), out_type) for i in range(outputs)]
    b.add_op("RELU", [x], [r])
    op.setdefault("custom_options", bytes(flexbuffers.Dumps({"by": 2.5})))
    b.add_op(name, [r], outs, **op)
    return b.finish_bytes([x], outs)


def start(content: bytes, *ops: Any, **more: Any) -> InterpreterWithCustomOps:
    interpreter = InterpreterWithCustomOps(list(ops), model_content=content, **more)
    interpreter.allocate_tensors()
    return interpreter


def result(interpreter: Any, x: np.ndarray = X) -> np.ndarray:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def scale(node: OpNode, x: np.ndarray) -> np.ndarray:
    return x * np.float32(node.options["by"])


def test_a_python_function_runs_a_custom_op_with_its_options() -> None:
    seen: list[OpNode] = []

    def shape(node: OpNode, x: tuple[int, ...]) -> tuple[int, ...]:
        seen.append(node)
        return x

    interpreter = start(model(), CustomOp("Scale", scale, shape))
    np.testing.assert_array_equal(result(interpreter), [[2.5, 0, 7.5]])
    node = seen[0]
    assert (node.name, dict(node.options)) == ("Scale", {"by": 2.5})
    assert node.inputs[0] is not None
    assert (node.inputs[0].name, node.outputs[0].shape) == ("r", (1, 3))


def test_a_registering_function_adds_ops() -> None:
    def register(resolver: OpResolver) -> None:
        resolver.add_custom("Scale", scale)
        resolver.add_builtin("RELU", lambda node, x: -x)

    np.testing.assert_array_equal(result(start(model(), register)), [[-2.5, 5, -7.5]])


@pytest.mark.parametrize("kind", list(litefuse.OpResolverType))
def test_a_builtin_is_replaced_also_where_compiled_code_would_run(kind: Any) -> None:
    b = ModelBuilder()
    t = [b.add_tensor(f"t{i}", (1, 3)) for i in range(4)]
    b.add_op("ABS", t[:1], t[1:2])
    b.add_op("RELU", t[1:2], t[2:3])
    b.add_op("ABS", t[2:3], t[3:4])
    content = b.finish_bytes(t[:1], t[3:])
    replaced = CustomOp("RELU", lambda node, x: x + 1, builtin=True)
    interpreter = start(content, replaced, experimental_op_resolver_type=kind)
    np.testing.assert_array_equal(result(interpreter), [[2, 3, 4]])


def test_a_custom_op_may_have_a_builtins_name() -> None:
    interpreter = start(model("RELU6"), CustomOp("RELU6", scale))
    np.testing.assert_array_equal(result(interpreter), [[2.5, 0, 7.5]])
    with pytest.raises(RuntimeError, match="needs 1 op"):
        start(model("RELU6"))


def test_the_shape_function_follows_a_resize() -> None:
    op = CustomOp("Scale", lambda node, x: np.concatenate([x, x]), lambda node, x: (2 * x[0], x[1]))
    interpreter = start(model(), op)
    assert interpreter.get_output_details()[0]["shape"].tolist() == [2, 3]
    interpreter.resize_tensor_input(0, (2, 3))
    interpreter.allocate_tensors()
    assert interpreter.get_output_details()[0]["shape"].tolist() == [4, 3]
    assert result(interpreter, np.concatenate([X, X])).shape == (4, 3)


def test_a_shape_that_only_the_run_knows() -> None:
    op = CustomOp("Scale", lambda node, x: x[:, x[0] > 0], lambda node, x: None)
    interpreter = start(model(), op)
    assert result(interpreter).tolist() == [[1, 3]]
    assert result(interpreter, np.abs(X)).tolist() == [[1, 2, 3]]


def test_several_outputs_of_another_type() -> None:
    op = CustomOp("Scale", lambda node, x: [x.astype(np.int32)] * 2, lambda node, x: [x, x])
    interpreter = start(model(outputs=2, out_type="int32"), op)
    assert result(interpreter).tolist() == [[1, 0, 3]]


def test_strings() -> None:
    op = CustomOp("Scale", lambda node, x: np.array([["a", "b", "ü"]]))
    interpreter = start(model(out_type="string"), op)
    assert result(interpreter).tolist() == [[b"a", b"b", "ü".encode()]]


def test_a_result_that_is_a_view_of_an_input_is_copied() -> None:
    interpreter = start(model(), CustomOp("Scale", lambda node, x: x))
    first = result(interpreter)
    assert result(interpreter, X * 2).tolist() == [[2, 0, 6]]
    assert first.tolist() == [[1, 0, 3]]


def test_inputs_cannot_be_written() -> None:
    def spoil(node: OpNode, x: np.ndarray) -> np.ndarray:
        x += 1
        return x

    interpreter = start(model(), CustomOp("Scale", spoil))
    with pytest.raises(RuntimeError, match=r"evaluate function failed: ValueError.*read-only"):
        result(interpreter)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (lambda node, x: (1, -3), "not negative"),
        (lambda node, x: (1, 2.5), "not negative"),
        (lambda node, x: "abc", "not negative"),
        (lambda node, x: [x, x], "returned .* for 1 outputs|not negative"),
        (lambda node, x: 1 // 0, "shape function failed: ZeroDivisionError"),
    ],
)
def test_a_bad_shape_stops_the_allocation(shape: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=rf"(?s){text}.*Node number 1 \(Scale\) failed to prep"):
        start(model(), CustomOp("Scale", scale, shape))


@pytest.mark.parametrize(
    ("evaluate", "text"),
    [
        (lambda node, x: x.astype(np.float64), "returned float64 for output 'y0'"),
        (lambda node, x: x[:, :2], r"returned shape \(1, 2\)"),
        (lambda node, x: None, "returned 0 arrays for 1 outputs"),
        (lambda node: None, "evaluate function failed: TypeError"),
    ],
)
def test_a_bad_result_stops_the_run(evaluate: Any, text: str) -> None:
    interpreter = start(model(), CustomOp("Scale", evaluate, lambda node, x: x))
    with pytest.raises(RuntimeError, match=rf"(?s){text}.*Node number 1 \(Scale\) failed to inv"):
        result(interpreter)


@pytest.mark.parametrize("registerer", ["TfLiteRegisterScale", 7, int, print])
def test_native_registerers_are_refused(registerer: Any) -> None:
    if registerer is print:  # takes anything, adds nothing: the op stays unknown
        with pytest.raises(RuntimeError, match="needs 1 op"):
            start(model(), registerer)
        return
    with pytest.raises((TypeError, ValueError), match="add_custom"):
        InterpreterWithCustomOps([registerer], model_content=model())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("", scale), "non-empty"),
        (("Scale", 3), "evaluate must be a function"),
        (("Scale", scale, 3), "shape must be a function"),
        (("Scale", scale, None, True), "no builtin operator"),
    ],
)
def test_what_is_no_op(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CustomOp(*arguments)


def causes(error: BaseException | None) -> list[type[BaseException]]:
    """An exception's type, and those of what it was raised from."""
    found = []
    while error is not None:
        found.append(type(error))
        error = error.__cause__
    return found


class Mine(Exception):
    """A user's own error."""


def raising(*_: Any) -> Any:
    raise Mine("out of coffee")


def test_an_exception_of_a_function_keeps_its_cause() -> None:
    for op in (CustomOp("Scale", raising), CustomOp("Scale", scale, raising)):
        with pytest.raises(RuntimeError, match="Mine: out of coffee") as caught:
            result(start(model(), op))
        assert causes(caught.value) == [RuntimeError, KernelError, Mine]


def test_a_failed_run_leaves_an_interpreter_that_runs() -> None:
    turns = iter([Mine("first"), None])

    def moody(node: OpNode, x: np.ndarray) -> np.ndarray:
        error = next(turns)
        if error is not None:
            raise error
        return x

    interpreter = start(model(), CustomOp("Scale", moody))
    with pytest.raises(RuntimeError, match="Mine: first"):
        result(interpreter)
    np.testing.assert_array_equal(result(interpreter), [[1, 0, 3]])


def test_without_a_shape_function_the_files_shape_must_be_whole() -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 3))
    y = b.add_tensor("y", (1, 3), shape_signature=(-1, 3))
    b.add_op("Scale", [x], [y], custom_options=b"")
    content = b.finish_bytes([x], [y])
    with pytest.raises(RuntimeError, match=r"(?s)'y' open.*shape function.*failed to prepare"):
        start(content, CustomOp("Scale", lambda node, x: x))
    open_shape = CustomOp("Scale", lambda node, x: x, lambda node, x: x)
    np.testing.assert_array_equal(result(start(content, open_shape)), X)


def test_without_a_shape_function_the_result_has_the_files_shape() -> None:
    interpreter = start(model(), CustomOp("Scale", lambda node, x: np.repeat(x, 2, 0)))
    interpreter.resize_tensor_input(0, (2, 3))
    interpreter.allocate_tensors()
    with pytest.raises(RuntimeError, match=r"returned shape \(4, 3\) .* \(1, 3\) since alloc"):
        result(interpreter, np.repeat(X, 2, 0))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (lambda x: [x], "returned 1 arrays for 2 outputs"),
        (lambda x: [x, x, x], "returned 3 arrays for 2 outputs"),
        (lambda x: None, "returned 0 arrays for 2 outputs"),
        (lambda x: [x, x.astype(np.float16)], "returned float16 for output 'y1'"),
        (lambda x: [x, x[:, :1]], r"returned shape \(1, 1\) for output 'y1'"),
        (lambda x: [x, "abc"], "for output 'y1'"),
    ],
)
def test_each_of_several_outputs_is_checked(given: Any, text: str) -> None:
    op = CustomOp("Scale", lambda node, x: given(x), lambda node, x: [x, x])
    with pytest.raises(RuntimeError, match=rf"(?s){text}.*failed to invoke"):
        result(start(model(outputs=2), op))


def test_outputs_of_several_shapes_some_open() -> None:
    op = CustomOp(
        "Scale",
        lambda node, x: (x.sum(axis=1), x[x > 0]),
        lambda node, x: [(x[0],), None],
    )
    interpreter = start(model(outputs=2), op)
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1]
    assert result(interpreter).tolist() == [4]
    assert interpreter.get_tensor(interpreter.get_output_details()[1]["index"]).tolist() == [1, 3]
    assert infer_shapes(read_model(model(outputs=2)), registered=resolve([op]))[3] is None


def test_a_string_tensor_goes_in_and_out() -> None:
    seen: list[list[bytes]] = []

    def louder(node: OpNode, words: np.ndarray) -> np.ndarray:
        seen.append(words.tolist())
        return np.array([w.decode().upper() for w in words])

    b = ModelBuilder()
    x, y = b.add_tensor("x", (2,), "string"), b.add_tensor("y", (2,), "string")
    b.add_op("Louder", [x], [y], custom_options=b"")
    interpreter = start(b.finish_bytes([x], [y]), CustomOp("Louder", louder, lambda node, x: x))
    assert result(interpreter, np.array(["a", "bé"])).tolist() == [b"A", "BÉ".encode()]
    assert seen == [[b"a", "bé".encode()]]


def test_numbers_for_a_string_tensor_are_refused() -> None:
    op = CustomOp("Scale", lambda node, x: x)
    with pytest.raises(RuntimeError, match="returned float32 in output 'y0', a string tensor"):
        result(start(model(out_type="string"), op))


def test_an_absent_input_is_none() -> None:
    b = ModelBuilder()
    x, y = b.add_tensor("x", (1, 3)), b.add_tensor("y", (1, 3))
    b.add_op("Pick", [x, None], [y], custom_options=b"")
    seen: list[Any] = []

    def pick(node: OpNode, x: np.ndarray, other: np.ndarray | None) -> np.ndarray:
        seen.append((node.inputs[1], other))
        return x

    op = CustomOp("Pick", pick, lambda node, x, other: x if other is None else other)
    result(start(b.finish_bytes([x], [y]), op))
    assert seen == [(None, None)]


def test_constants_are_known_to_the_shape_function() -> None:
    b = ModelBuilder()
    x, y = b.add_tensor("x", (1, 3)), b.add_tensor("y", (), shape_signature=(-1, 3))
    times = b.add_tensor("times", data=np.array(4, np.int32))
    b.add_op("Repeat", [x, times], [y], custom_options=b"")

    def shape(node: OpNode, x: tuple[int, ...], times: tuple[int, ...]) -> tuple[int, ...]:
        assert node.inputs[1] is not None
        assert node.inputs[1].data is not None
        return int(node.inputs[1].data) * x[0], x[1]

    op = CustomOp("Repeat", lambda node, x, n: np.repeat(x, int(n), 0), shape)
    interpreter = start(b.finish_bytes([x], [y]), op)
    assert interpreter.get_output_details()[0]["shape"].tolist() == [4, 3]
    assert result(interpreter).shape == (4, 3)


def test_a_builtin_in_place_sees_its_options_and_quantisation() -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4), "int8", scale=0.5, zero_point=3)
    y = b.add_tensor("y", (1, 4), "int8", scale=0.25, zero_point=-1)
    b.add_op("LEAKY_RELU", [x], [y], alpha=0.125)

    def leaky(node: OpNode, x: np.ndarray) -> np.ndarray:
        assert node.options["alpha"] == 0.125
        (first,), (out,) = node.inputs, node.outputs
        assert first is not None
        assert (first.scale, first.zero_point, out.scale, out.zero_point) == (
            (0.5,),
            (3,),
            (0.25,),
            (-1,),
        )
        return np.full_like(x, 7)

    op = CustomOp("LEAKY_RELU", leaky, builtin=True)
    assert result(start(b.finish_bytes([x], [y]), op), np.zeros((1, 4), np.int8)).tolist() == [
        [7, 7, 7, 7]
    ]


def test_an_array_that_a_function_kept_is_its_own_affair() -> None:
    """Returning one array again and again must not tie two tensors, or two runs, together."""
    store = np.zeros((1, 3), np.float32)

    def kept(node: OpNode, x: np.ndarray) -> np.ndarray:
        store[...] = x
        return store

    interpreter = start(model(), CustomOp("Scale", kept))
    first = result(interpreter)
    second = result(interpreter, X * 2)
    assert first.tolist() == [[1, 0, 3]]
    assert second.tolist() == [[2, 0, 6]]
    store[...] = 99
    assert interpreter.get_tensor(2).tolist() == [[2, 0, 6]]


def test_a_list_of_one_array_is_one_output() -> None:
    op = CustomOp("Scale", lambda node, x: [x])
    np.testing.assert_array_equal(result(start(model(), op)), [[1, 0, 3]])
