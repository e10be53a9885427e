"""The same names, arguments, dictionaries and arrays as LiteRT's Python API has."""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from litefuse.runtime.interpreter.op_versions import NEWEST
from litefuse.runtime.kernels import KERNELS
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.misuse import CLASSIFIER, IMAGE, TWO, TYPE_NAMES, TYPES, new

CLASSES = ("Interpreter", "InterpreterWithCustomOps", "OpResolverType", "SignatureRunner")

# What our interpreter has besides, for the rest of litefuse's runtime and its users.
MORE = {
    "arena_bytes",
    "ensure_safe",
    "run_subgraph",
    "subgraph",
    "subgraph_io",
    "subgraph_ops",
    "subgraph_output_shapes",
}
# Node 1's dead outputs, which LiteRT's WHILE strikes from its node.
STRUCK = "litert-while-op-with-forwarding-input.tflite"
# LiteRT names the output of DENSIFY anew when it allocates.
RENAMED = "Densify_output"


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("name", CLASSES)
def test_public_names(name: str) -> None:
    theirs, mine = public(getattr(litert, name)), public(getattr(ours, name))
    assert theirs <= mine
    assert mine - theirs <= MORE


def test_private_names_that_programs_use() -> None:
    for name in (
        "_get_full_signature_list",
        "_get_op_details",
        "_get_ops_details",
        "_get_tensor_details",
        "_native_handle",
    ):
        assert hasattr(litert.Interpreter, name)
        assert hasattr(ours.Interpreter, name)


def arguments(function: Any) -> list[tuple[str, Any, Any]]:
    """(name, kind, default) of each; members of enumerations by name."""
    return [
        (p.name, p.kind, p.default.name if isinstance(p.default, Enum) else p.default)
        for p in inspect.signature(function).parameters.values()
    ]


def test_arguments() -> None:
    for name in CLASSES:
        theirs, mine = getattr(litert, name), getattr(ours, name)
        for method in sorted({*public(theirs), "__init__"} | ({"__call__"} & set(vars(theirs)))):
            given = inspect.getattr_static(theirs, method, None)
            if inspect.isfunction(given):
                where = f"{name}.{method}"
                assert arguments(getattr(mine, method)) == arguments(given), where
            elif isinstance(given, property):
                assert isinstance(inspect.getattr_static(mine, method), property)
    assert arguments(ours.load_delegate) == arguments(litert.load_delegate)


def test_resolver_types() -> None:
    assert [(t.name, t.value) for t in ours.OpResolverType] == [
        (t.name, t.value) for t in litert.OpResolverType
    ]


def same(theirs: Any, mine: Any, where: str) -> None:
    """AssertionError unless types, keys with their order, dtypes and values are equal."""
    assert type(mine) is type(theirs), where
    if isinstance(theirs, dict):
        assert list(mine) == list(theirs), where
        for key, value in theirs.items():
            same(value, mine[key], f"{where}.{key}")
    elif isinstance(theirs, (list, tuple)):
        assert len(mine) == len(theirs), where
        for k, (a, b) in enumerate(zip(theirs, mine, strict=True)):
            same(a, b, f"{where}[{k}]")
    elif isinstance(theirs, np.ndarray):
        assert mine.dtype == theirs.dtype, where
        assert mine.flags.writeable == theirs.flags.writeable, where
        np.testing.assert_array_equal(mine, theirs, err_msg=where)
    else:
        assert mine == theirs, where


def descriptions(i: Any, tensors: list[int]) -> dict[str, Any]:
    """All that an interpreter says of its model; `tensors` of each subgraph."""
    runners = {key: i.get_signature_runner(key) for key in i.get_signature_list()}
    return {
        "signatures": i.get_signature_list(),
        "full": i._get_full_signature_list(),
        "runners": {
            key: [runner.get_input_details(), runner.get_output_details()]
            for key, runner in runners.items()
        },
        "inputs": i.get_input_details(),
        "outputs": i.get_output_details(),
        "nodes": i._get_ops_details(),
        "tensors": [i.get_tensor_details(k)[:n] for k, n in enumerate(tensors)],
    }


def without_shapes(value: Any) -> Any:
    """A description without what LiteRT leaves to the run and we know before it."""
    if isinstance(value, dict):
        return {
            k: without_shapes(v) for k, v in value.items() if k not in ("shape", "shape_signature")
        }
    return [without_shapes(v) for v in value] if isinstance(value, list) else value


def described(path: Path) -> None:
    """AssertionError unless both say the same of a model, before and after allocation."""
    both = []
    for module in (litert, ours):
        kind = module.OpResolverType.BUILTIN_REF
        try:
            both.append(module.Interpreter(path, experimental_op_resolver_type=kind))
        except ValueError:
            return  # test_corpus has those that one of them does not open
    count = [len(both[1].get_tensor_details(k)) for k in range(both[0].num_subgraphs())]
    theirs, mine = (descriptions(i, count) for i in both)
    same(theirs, mine, "before")
    try:
        for i in both:
            i.allocate_tensors()
    except RuntimeError:
        return
    theirs, mine = (without_shapes(descriptions(i, count)) for i in both)
    if path.name == STRUCK:
        theirs.pop("nodes"), mine.pop("nodes")
    for a, b in zip(theirs["tensors"], mine["tensors"], strict=True):
        for k, details in enumerate(a):
            if details["name"] == RENAMED:
                details["name"] = b[k]["name"]
    same(theirs, mine, "after")


def test_what_they_say_of_the_corpus(corpus: Path, manifest: Any) -> None:
    records = [r["file"] for r in manifest if r["file"].startswith(("networks/", "graphs/"))]
    for name in sorted(records):
        try:
            described(corpus / name)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


@pytest.mark.parametrize("content", [CLASSIFIER, TWO])
def test_what_they_say_of_small_models_after_a_run(content: bytes) -> None:
    pair = [new(module, content) for module in (litert, ours)]
    for i in pair:
        if content is CLASSIFIER:
            i.resize_tensor_input(0, (2, 8, 8, 2))
            i.allocate_tensors()
        i.invoke()
    count = [len(pair[1].get_tensor_details(k)) for k in range(pair[0].num_subgraphs())]
    same(*(descriptions(i, count) for i in pair), "run")


@pytest.mark.parametrize("name", TYPE_NAMES)
def test_copies_and_views(name: str) -> None:
    tensor = TYPE_NAMES.index(name)
    if name == "string":
        value = np.array([b"ab", b"\0c"])
    else:
        value = np.array([1, 0]).astype(name)
    found = []
    for module in (litert, ours):
        i = new(module, TYPES)
        given = value.copy()
        i.set_tensor(tensor, given)
        given[:] = given[::-1].copy()  # set_tensor copied it
        copy = i.get_tensor(tensor)
        # LiteRT's view of a string tensor is a string tensor's bytes taken for a string: it crashes.
        view = copy.copy() if name == "string" else i.tensor(tensor)()
        flags = [(a.dtype, a.shape, a.flags.c_contiguous, a.flags.writeable) for a in (copy, view)]
        copy[:] = copy[::-1].copy()
        seen = [view.tolist(), i.get_tensor(tensor).tolist()]
        if name != "string":
            view[0] = view[1]  # writes through
            seen.append(i.get_tensor(tensor).tolist())
        found.append((flags, seen))
    assert found[1] == found[0]


def test_a_runners_results_are_its_own() -> None:
    for module in (litert, ours):
        run = new(module).get_signature_runner()
        first = run(image=IMAGE)["scores"]
        kept = first.copy()
        first[:] = 0
        second = run(image=IMAGE)["scores"]
        np.testing.assert_array_equal(second, kept)
        assert list(run(image=IMAGE)) == ["scores"]


def test_what_calls_return() -> None:
    for module in (litert, ours):
        i = new(module, allocate=False)
        assert i.allocate_tensors() is None
        assert i.set_tensor(0, IMAGE) is None
        assert i.resize_tensor_input(0, (1, 8, 8, 2)) is None
        assert i.invoke() is None
        assert i.reset_all_variables() is None
        assert type(i.num_subgraphs()) is int
        assert i.experimental_compress_quantization_zero_points is False


def one_node(name: str, version: int) -> bytes:
    b = ModelBuilder()
    x, y = b.add_tensor("x", (2,)), b.add_tensor("y", (2,))
    b.add_op(name, [x], [y], version=version)
    return b.finish_bytes([x], [y])


def opens(module: Any, content: bytes) -> str:
    """What an interpreter of the optimised kernels, which know most versions, says of a model."""
    kind = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        module.Interpreter(model_content=content, experimental_op_resolver_type=kind)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["ADD", "FULLY_CONNECTED", "RELU", "ROUND", "TRANSPOSE", "POW"])
def test_a_version_from_the_future_is_refused_at_once(name: str) -> None:
    newest = NEWEST.get(name, 1)
    for version in (newest, newest + 1):
        content = one_node(name, version)
        theirs, mine = opens(litert, content), opens(ours, content)
        assert mine == theirs
        assert bool(mine) == (version > newest)


def test_versions_are_of_ops_that_there_are() -> None:
    assert set(NEWEST) <= set(KERNELS)


def test_a_users_own_builtin_may_be_of_any_version() -> None:
    relu = ours.CustomOp("RELU", lambda node, x: x + 1, builtin=True)
    content = one_node("RELU", 99)
    i = ours.InterpreterWithCustomOps([relu], model_content=content)
    i.allocate_tensors()
    i.invoke()
    assert i.get_tensor(1).tolist() == [1, 1]
