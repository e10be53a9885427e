"""Every call of the Python API, on LiteRT's interpreter and on ours, with the same outcome."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from tests.runtime.interpreter.models import classifier, dynamic, save, two_signatures

IMAGE = np.random.default_rng(1).standard_normal((1, 8, 8, 2)).astype(np.float32)


def both(content: bytes, **options: Any) -> list[Any]:
    return [
        module.Interpreter(
            model_content=content,
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
            **options,
        )
        for module in (litert, ours)
    ]


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, exceptions as (type, text)."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def same(theirs: Any, mine: Any) -> None:
    """Equal results; equal exceptions, where LiteRT may repeat earlier texts before this one."""
    if isinstance(theirs, tuple) and len(theirs) == 2 and isinstance(theirs[0], type):
        assert isinstance(mine, tuple), f"LiteRT raises {theirs}, we give {mine!r}"
        assert mine[0] is theirs[0]
        assert theirs[1].endswith(mine[1])
        return
    np.testing.assert_equal(mine, theirs)


# Each step runs on both; the state carries over to the next.
STEPS: list[tuple[str, Callable[[Any], Any]]] = [
    ("an output before allocation", lambda i: i.get_tensor(9)),
    ("a constant before allocation", lambda i: i.get_tensor(1)),
    ("an input before allocation", lambda i: i.set_tensor(0, IMAGE)),
    ("a view before allocation", lambda i: i.tensor(0)()),
    ("a run before allocation", lambda i: i.invoke()),
    ("variables before allocation", lambda i: i.reset_all_variables()),
    ("no such subgraph", lambda i: i.get_tensor(0, 3)),
    ("details of no such subgraph", lambda i: i.get_tensor_details(3)),
    ("allocation", lambda i: i.allocate_tensors()),
    ("allocation again", lambda i: i.allocate_tensors()),
    ("a list of doubles", lambda i: i.set_tensor(0, [[1.0]])),
    ("doubles", lambda i: i.set_tensor(0, IMAGE.astype(np.float64))),
    ("integers", lambda i: i.set_tensor(0, IMAGE.astype(np.int64))),
    ("unsigned integers", lambda i: i.set_tensor(0, IMAGE.astype(np.uint32))),
    ("strings", lambda i: i.set_tensor(0, np.array(["a"]))),
    ("another rank", lambda i: i.set_tensor(0, IMAGE[0])),
    ("another size", lambda i: i.set_tensor(0, IMAGE[:, :7])),
    ("a strided array", lambda i: i.set_tensor(0, np.repeat(IMAGE, 2, -1)[..., ::2])),
    ("reading the input", lambda i: i.get_tensor(0)),
    ("the run", lambda i: i.invoke()),
    ("the pool's shape", lambda i: i.get_tensor(4).shape),
    ("a view", lambda i: i.tensor(0)().tolist()),
    ("the same size", lambda i: i.resize_tensor_input(0, [1, 8, 8, 2])),
    ("still ready", lambda i: i.invoke()),
    ("a shape of two dimensions", lambda i: i.resize_tensor_input(0, [[1, 8, 8, 2]])),
    ("a fixed dimension, strictly", lambda i: i.resize_tensor_input(0, [1, 8, 8, 3], strict=True)),
    ("a constant's size", lambda i: i.resize_tensor_input(1, [1])),
    ("a free dimension, strictly", lambda i: i.resize_tensor_input(0, [3, 8, 8, 2], strict=True)),
    ("details after resizing", lambda i: i.get_input_details()),
    ("the input after resizing", lambda i: i.get_tensor(0)),
    ("setting after resizing", lambda i: i.set_tensor(0, np.repeat(IMAGE, 3, 0))),
    ("a run after resizing", lambda i: i.invoke()),
    ("allocation after resizing", lambda i: i.allocate_tensors()),
    ("output details after resizing", lambda i: i.get_output_details()),
    ("three images", lambda i: i.set_tensor(0, np.repeat(IMAGE, 3, 0))),
    ("their run", lambda i: i.invoke()),
    ("signatures", lambda i: i.get_signature_list()),
    ("no such signature", lambda i: i.get_signature_runner("nope")),
    ("subgraphs", lambda i: i.num_subgraphs()),
    ("nodes", lambda i: i._get_ops_details()),
    ("a batch of nothing", lambda i: i.resize_tensor_input(0, [0, 8, 8, 2])),
    ("its allocation", lambda i: i.allocate_tensors()),
    ("its run", lambda i: i.invoke()),
    ("zero points", lambda i: i.experimental_compress_quantization_zero_points),
]


def test_one_conversation() -> None:
    pair = both(classifier())
    for name, step in STEPS:
        theirs, mine = (outcome(partial(step, i)) for i in pair)
        try:
            same(theirs, mine)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def test_outputs_agree() -> None:
    for interpreter in (pair := both(classifier())):
        interpreter.allocate_tensors()
        interpreter.set_tensor(0, IMAGE)
        interpreter.invoke()
    theirs, mine = (i.get_tensor(9) for i in pair)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("index", [-1, 999])
def test_no_such_tensor(index: int) -> None:
    theirs, mine = both(classifier())
    for i in (theirs, mine):
        i.allocate_tensors()
    for call in ("get_tensor", "set_tensor"):
        args = (index, IMAGE) if call == "set_tensor" else (index,)
        a, b = (outcome(partial(getattr(i, call), *args)) for i in (theirs, mine))
        # LiteRT counts its kernels' temporary tensors too, so the last number differs.
        assert b[0] is a[0]
        assert b[1].rsplit(" ", 1)[0] == a[1].rsplit(" ", 1)[0]


@pytest.mark.parametrize("content", [classifier(), two_signatures(), dynamic()])
def test_details(content: bytes) -> None:
    theirs, mine = both(content)
    for when in ("before", "after"):
        for subgraph in range(theirs.num_subgraphs()):
            a = theirs.get_tensor_details(subgraph)[: len(mine.get_tensor_details(subgraph))]
            np.testing.assert_equal(mine.get_tensor_details(subgraph), a, err_msg=when)
        np.testing.assert_equal(mine.get_input_details(), theirs.get_input_details())
        np.testing.assert_equal(mine._get_ops_details(), theirs._get_ops_details())
        theirs.allocate_tensors()
        mine.allocate_tensors()


def test_construction(tmp_path: Path) -> None:
    path = save(tmp_path, classifier())
    cases: list[dict[str, Any]] = [
        {},
        {"model_path": path, "model_content": b"x"},
        {"model_path": str(tmp_path / "nowhere.tflite")},
        {"model_path": path, "num_threads": "2"},
        {"model_path": path, "num_threads": 0},
        {"model_path": path, "experimental_op_resolver_type": 7},
    ]
    for options in cases:
        same(
            outcome(lambda o=options: litert.Interpreter(**o)),
            outcome(lambda o=options: ours.Interpreter(**o)),
        )


def test_path_objects_and_content(tmp_path: Path) -> None:
    path = Path(save(tmp_path, classifier()))
    for options in ({"model_path": path}, {"model_content": path.read_bytes()}):
        assert ours.Interpreter(**options).num_subgraphs() == 1  # type: ignore[arg-type]


def test_a_damaged_model_says_so_in_litert_words() -> None:
    kind, text = outcome(lambda: ours.Interpreter(model_content=b"x" * 64))
    assert kind is ValueError
    assert text.startswith("The model is not a valid Flatbuffer buffer")


def test_litert_resolver_types_are_understood() -> None:
    for name in ours.OpResolverType.__members__:
        theirs = litert.OpResolverType[name]
        assert ours.OpResolverType[name].value == theirs.value
        ours.Interpreter(model_content=classifier(), experimental_op_resolver_type=theirs)  # type: ignore[arg-type]


def test_preserve_all_tensors_warns_only_where_it_costs() -> None:
    options: dict[str, Any] = {"experimental_preserve_all_tensors": True}
    with pytest.warns(UserWarning, match="experimental_preserve_all_tensors"):
        ours.Interpreter(model_content=classifier(), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reference = ours.OpResolverType.BUILTIN_REF
        ours.Interpreter(
            model_content=classifier(), experimental_op_resolver_type=reference, **options
        )


def test_setting_a_constant_is_refused() -> None:
    (_, mine) = both(classifier())
    mine.allocate_tensors()
    with pytest.raises(ValueError, match="is a constant of the model"):
        mine.set_tensor(1, mine.get_tensor(1))


def test_no_native_parts() -> None:
    (_, mine) = both(classifier())
    with pytest.raises(RuntimeError, match="no native handle"):
        mine._native_handle()
    with pytest.raises(ValueError, match="native functions"):
        ours.InterpreterWithCustomOps(["f"], model_content=classifier())


def test_the_other_byte_order_is_converted() -> None:
    """LiteRT takes the bytes as they are; the value is what was meant."""
    (_, mine) = both(classifier())
    mine.allocate_tensors()
    mine.set_tensor(0, IMAGE.astype(">f4"))
    np.testing.assert_array_equal(mine.get_tensor(0), IMAGE)
