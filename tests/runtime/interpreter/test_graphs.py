"""Graphs of several subgraphs with state, tables, strings and branches, beside LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import values

KIND = ours.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
RESOURCE: dict[str, Any] = {"container": "", "shared_name": "total"}


def both(content: bytes) -> list[Any]:
    """LiteRT's interpreter, ours on the kernels, ours with compiled code."""
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return [
        litert.Interpreter(model_content=content, experimental_op_resolver_type=plain),
        ours.Interpreter(model_content=content, experimental_op_resolver_type=KIND),
        ours.Interpreter(model_content=content),
    ]


def shared_variable() -> bytes:
    """Signatures over three subgraphs: "set" stores x, "add" adds to it and gives it, "get"."""
    b = ModelBuilder()
    for index, name in enumerate(("set", "add", "get")):
        if index:
            b.add_subgraph(name)
        handle = b.add_tensor("h", (1,), "RESOURCE")
        b.add_op("VAR_HANDLE", [], [handle], **RESOURCE)
        x = b.add_tensor("x", (2,)) if name != "get" else -1
        if name == "set":
            out = b.add_tensor("out", (2,))
            b.add_op("ASSIGN_VARIABLE", [handle, x], [])
            b.add_op("NEG", [x], [out])
        else:
            out = b.add_tensor("old", (2,))
            b.add_op("READ_VARIABLE", [handle], [out])
        if name == "add":
            old, out = out, b.add_tensor("new", (2,))
            b.add_op("ADD", [old, x], [out])
            b.add_op("ASSIGN_VARIABLE", [handle, out], [])
        b.set_io([x] if name != "get" else [], [out])
        b.add_signature(name, {"x": x} if name != "get" else {}, {"out": out}, subgraph=index)
    return b.finish_bytes()


def test_signatures_over_subgraphs_share_their_variables() -> None:
    x, y = np.array([1, 2], np.float32), np.array([10, 20], np.float32)
    seen = []
    for interpreter in both(shared_variable()):
        run = {key: interpreter.get_signature_runner(key) for key in ("set", "add", "get")}
        calls = [run["set"](x=x), run["add"](x=y), run["add"](x=y), run["get"](), run["set"](x=y)]
        seen.append([call["out"].tolist() for call in [*calls, run["get"]()]])
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][3] == [21, 42]


def vocabulary() -> bytes:
    """As converters write a lookup: CALL_ONCE fills a hash table, FIND asks it for words."""
    b = ModelBuilder()
    types = {"key_dtype": "STRING", "value_dtype": "INT64"}
    handle, words = b.add_tensor("h", (1,), "RESOURCE"), b.add_tensor("words", (3,), "string")
    default = b.add_tensor("default", data=np.array([-1], np.int64))
    found = b.add_tensor("found", (3,), "int64")
    b.add_op("CALL_ONCE", [], [], init_subgraph_index=1)
    b.add_op("HASHTABLE", [], [handle], table_id=7, **types)
    b.add_op("HASHTABLE_FIND", [handle, words, default], [found])
    b.set_io([words], [found])
    b.add_subgraph("fill")
    handle = b.add_tensor("h", (1,), "RESOURCE")
    keys = b.add_tensor("k", data=np.array([b"one", b"two", b"\xc3\xbc"], object), type="string")
    numbers = b.add_tensor("v", data=np.array([1, 2, 3], np.int64))
    b.add_op("HASHTABLE", [], [handle], table_id=7, **types)
    b.add_op("HASHTABLE_IMPORT", [handle, keys, numbers], [])
    b.set_io([], [])
    return b.finish_bytes()


def test_a_vocabulary() -> None:
    for interpreter in both(vocabulary()):
        interpreter.allocate_tensors()
        seen = []
        for words in ([b"two", b"none", b"one"], ["ü", "", "two"]):
            interpreter.set_tensor(
                interpreter.get_input_details()[0]["index"], np.array(words, object)
            )
            interpreter.invoke()
            index = interpreter.get_output_details()[0]["index"]
            seen.append(interpreter.get_tensor(index).tolist())
        assert seen == [[2, -1, 1], [3, -1, 2]]


def collatz() -> bytes:
    """while n > 1: n = n / 2 if it is even, else 3 n + 1; counts the steps: IF inside WHILE."""
    b = ModelBuilder()

    def pair() -> list[int]:
        return [b.add_tensor(name, (1,), "int32") for name in ("n", "steps")]

    def number(value: int) -> int:
        return b.add_tensor(f"c{value}", data=np.array([value], np.int32))

    ins, outs = pair(), pair()
    b.add_op("WHILE", ins, outs, cond_subgraph_index=1, body_subgraph_index=2)
    b.set_io(ins, outs)
    b.add_subgraph("condition")
    ins, more = pair(), b.add_tensor("more", (1,), "bool")
    b.add_op("GREATER", [ins[0], number(1)], [more])
    b.set_io(ins, [more])
    b.add_subgraph("body")
    ins, rest, even = pair(), b.add_tensor("rest", (1,), "int32"), b.add_tensor("e", (1,), "bool")
    outs = pair()
    b.add_op("FLOOR_MOD", [ins[0], number(2)], [rest])
    b.add_op("EQUAL", [rest, number(0)], [even])
    b.add_op("IF", [even, ins[0]], [outs[0]], then_subgraph_index=3, else_subgraph_index=4)
    b.add_op("ADD", [ins[1], number(1)], [outs[1]])
    b.set_io(ins, outs)
    b.add_subgraph("halve")
    x, y = (b.add_tensor(name, (1,), "int32") for name in "xy")
    b.add_op("FLOOR_DIV", [x, number(2)], [y])
    b.set_io([x], [y])
    b.add_subgraph("grow")
    x, m, y = (b.add_tensor(name, (1,), "int32") for name in "xmy")
    b.add_op("MUL", [x, number(3)], [m])
    b.add_op("ADD", [m, number(1)], [y])
    b.set_io([x], [y])
    return b.finish_bytes()


@pytest.mark.parametrize(("start", "steps"), [(1, 0), (2, 1), (6, 8), (7, 16)])
def test_a_branch_inside_a_loop(start: int, steps: int) -> None:
    for interpreter in both(collatz()):
        interpreter.allocate_tensors()
        for details, value in zip(interpreter.get_input_details(), (start, 0), strict=True):
            interpreter.set_tensor(details["index"], np.array([value], np.int32))
        interpreter.invoke()
        got = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        assert [int(g[0]) for g in got] == [1, steps]


CORPUS = (
    "graphs/litert-2-subgraphs",
    "graphs/litert-multi-subgraphs-while",
    "graphs/litert-nested-while",
    "graphs/litert-delegate-compatibility-test",
    "graphs/litert-l2-norm-composite",
    "graphs/litert-odml-sdpa-composite-gqa-tflite",
    "graphs/litert-odml-sdpa-composite-mha-tflite",
    "graphs/litert-string-input-model",
    "networks/aeq-toy-model-with-kv-cache-multi-signature",
    "networks/startrek-star-trek-activation-phrase-v2",
    "networks/mp-hand-recrop",
    "networks/mww-vad",
    "networks/coral-old-ssd-mobilenet-v1-coco-quant-postprocess-head-layers",
)


def feed(details: Any, generator: np.random.Generator) -> np.ndarray:
    kind, shape = np.dtype(details["dtype"]), tuple(int(d) for d in details["shape"])
    if kind.kind in "SO":
        return np.full(shape, b"some words", object)
    if kind.kind in "iu" and kind.itemsize > 2:
        return generator.integers(0, 4, shape).astype(kind)  # indices and positions
    return values(generator, shape, kind.name, 1.0)


def assert_near(mine: np.ndarray, theirs: np.ndarray) -> None:
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    if theirs.dtype.kind == "f":
        largest = float(np.abs(theirs).max(initial=0))
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * largest)
    else:
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", CORPUS)
def test_several_invokes_and_all_signatures(corpus: Path, name: str) -> None:
    path = corpus / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path.name} is not in this corpus")
    kind = ours.OpResolverType.BUILTIN_REF
    mine: Any = ours.Interpreter(str(path), experimental_op_resolver_type=kind)
    reference = litert.OpResolverType.BUILTIN_REF
    theirs = litert.Interpreter(str(path), experimental_op_resolver_type=reference)
    generator = np.random.default_rng(3)
    mine.allocate_tensors()
    theirs.allocate_tensors()
    for _ in range(3):
        for details in theirs.get_input_details():
            value = feed(details, generator)
            mine.set_tensor(details["index"], value)
            theirs.set_tensor(details["index"], value)
        mine.invoke()
        theirs.invoke()
        for details in theirs.get_output_details():
            assert_near(mine.get_tensor(details["index"]), theirs.get_tensor(details["index"]))
    assert mine.get_signature_list() == theirs.get_signature_list()
    for key in theirs.get_signature_list():
        runners = mine.get_signature_runner(key), theirs.get_signature_runner(key)
        inputs = runners[1].get_input_details()
        for _ in range(2):
            arrays = {n: feed(details, generator) for n, details in inputs.items()}
            results = [runner(**arrays) for runner in runners]
            assert results[0].keys() == results[1].keys()
            for output, theirs_value in results[1].items():
                assert_near(results[0][output], theirs_value)
