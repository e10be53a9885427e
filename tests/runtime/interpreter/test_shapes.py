"""`infer_shapes`: what LiteRT finds at allocation, found without allocating or running anything."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litefuse.runtime.interpreter import CustomOp, infer_shapes
from litefuse.runtime.interpreter.custom_ops import resolve
from litefuse.runtime.model import Model, read_model
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.interpreter.misuse import REFUSED
from tests.runtime.interpreter.models import classifier, dynamic, two_signatures, with_unknown_ops

Shapes = dict[int, tuple[int, ...]]

# What LiteRT's reference takes and does not compute: BATCH_MATMUL of int16 by int8 gives zeros, SVDF
# with an 8-bit state writes 16 bits into each element and brings its process down.
REFUSED_BY_US = {
    "litert-static-w8-a16-quantized-attn-vec-einsum.tflite": "BATCH_MATMUL: ",
    "litert-static-w8-a16-quantized-k-einsum.tflite": "BATCH_MATMUL: ",
    "tflm-keyword-scrambled-8bit.tflite": "SVDF: ",
}


def litert(content: bytes, wanted: Mapping[int, tuple[int, ...]]) -> tuple[Shapes, Shapes] | None:
    """LiteRT's shapes after allocation, and after a run on zeros; None where it refuses."""
    found: list[Shapes] = []
    try:
        interpreter = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        for tensor, shape in wanted.items():
            interpreter.resize_tensor_input(tensor, shape)
        interpreter.allocate_tensors()
        for run in (False, True):
            if run and not _left_to_the_run(interpreter):
                found.append(found[0])
                break
            if run:
                for details in interpreter.get_input_details():
                    if details["dtype"] is not np.bytes_:
                        zeros = np.zeros(details["shape"], details["dtype"])
                        interpreter.set_tensor(details["index"], zeros)
                with suppress(RuntimeError):  # zeros may be no value for it
                    interpreter.invoke()
            found.append({int(d["index"]): tuple(map(int, d["shape"])) for d in _all(interpreter)})
    except (RuntimeError, ValueError):
        return None
    return found[0], found[1]


def _all(interpreter: Any) -> list[dict[str, Any]]:
    return list(interpreter.get_tensor_details())


def _left_to_the_run(interpreter: Any) -> bool:
    """Whether some output has no memory yet: LiteRT prepares nothing behind the first such node."""
    for details in interpreter.get_output_details():
        if details["dtype"] is np.bytes_:  # LiteRT crashes on a view of strings not set yet
            return True
        try:
            interpreter.tensor(details["index"])()
        except ValueError:
            return True
    return False


def check(content: bytes, model: Model, wanted: Mapping[int, tuple[int, ...]]) -> int:
    """AssertionError unless our shapes are LiteRT's; how many tensors were compared."""
    theirs = litert(content, wanted)
    if theirs is None:
        return 0
    mine = infer_shapes(model, 0, wanted)
    compared = 0
    for tensor, shape in mine.items():
        if shape is None or tensor not in theirs[0]:
            continue
        compared += 1
        # LiteRT leaves what follows its first dynamic tensor to the run, which then agrees.
        name = model.subgraphs[0].tensors[tensor].name
        assert shape in (theirs[0][tensor], theirs[1][tensor]), f"tensor {tensor} {name!r}"
    return compared


def _models(corpus: Path, manifest: Any) -> list[Path]:
    records = [r for r in manifest if r["file"].startswith(("networks/", "graphs/"))]
    return sorted(corpus / r["file"] for r in records)


def _bigger(model: Model) -> dict[int, tuple[int, ...]]:
    """Each input's open dimensions made one larger; {} where none is open."""
    graph = model.subgraphs[0]
    found = {}
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if tensor.shape_signature and -1 in tensor.shape_signature:
            pairs = zip(tensor.shape_signature, tensor.shape, strict=True)
            found[index] = tuple(d + 1 if s == -1 else d for s, d in pairs)
    return found


@pytest.mark.parametrize("resized", [False, True])
def test_the_whole_corpus(corpus: Path, manifest: Any, resized: bool) -> None:
    compared = 0
    for path in _models(corpus, manifest):
        model = read_model(path)
        wanted = _bigger(model) if resized else {}
        if resized and not wanted:
            continue
        try:
            compared += check(path.read_bytes(), model, wanted)
        except (AssertionError, RuntimeError) as error:
            if str(error).startswith(REFUSED_BY_US.get(path.name, "?")):
                continue
            raise AssertionError(f"{path.name}: {error}") from error
    assert compared > (200 if resized else 15_000)


@pytest.mark.parametrize("content", [classifier(), dynamic()])
def test_small_models(content: bytes) -> None:
    assert check(content, read_model(content), {}) >= 3


def test_a_resize_is_followed_to_the_outputs() -> None:
    content = classifier()
    model = read_model(content)
    assert check(content, model, {0: (5, 8, 8, 2)}) > 8
    assert infer_shapes(model, 0, {0: (5, 8, 8, 2)})[9] == (5, 10)
    assert infer_shapes(model)[9] == (1, 10)  # the model is as it was


def test_any_subgraph() -> None:
    model = read_model(two_signatures())
    assert infer_shapes(model, 1, {0: (2, 1), 1: (1, 4)})[2] == (2, 4)


def test_only_the_run_can_tell() -> None:
    shapes = infer_shapes(read_model(dynamic()))
    assert shapes[0] == (6,)
    assert [shapes[t] for t in (2, 3, 5)] == [None, None, None]


def computed_shape() -> bytes:
    """RESHAPE to [SHAPE(x)[0], 6], whose file says () for the result."""
    b = ModelBuilder()
    x = b.add_tensor("x", (4, 2, 3), shape_signature=(-1, 2, 3))
    s = b.add_tensor("s", (3,), "int32")
    n = b.add_tensor("n", (1,), "int32")
    six = b.add_tensor("six", data=np.array([6], np.int32))
    zero, one = (b.add_tensor(f"c{k}", data=np.array([k], np.int32)) for k in (0, 1))
    t = b.add_tensor("t", (2,), "int32")
    y = b.add_tensor("y", (), shape_signature=(-1, -1))
    b.add_op("SHAPE", [x], [s])
    b.add_op("STRIDED_SLICE", [s, zero, one, one], [n])
    b.add_op("CONCATENATION", [n, six], [t], axis=0)
    b.add_op("RESHAPE", [x, t], [y])
    return b.finish_bytes([x], [y])


def test_shapes_computed_from_shapes_are_known() -> None:
    model = read_model(computed_shape())
    assert infer_shapes(model)[7] == (4, 6)
    assert infer_shapes(model, 0, {0: (9, 2, 3)})[7] == (9, 6)


def test_branches_are_asked() -> None:
    b = ModelBuilder()
    c = b.add_tensor("c", (1,), "bool")
    x, y = b.add_tensor("x", (2, 3)), b.add_tensor("y", (), shape_signature=(-1, -1))
    b.add_op("IF", [c, x], [y], then_subgraph_index=1, else_subgraph_index=2)
    b.set_io([c, x], [y])
    for name, op in (("then", "RELU"), ("else", "NEG")):
        b.add_subgraph(name)
        p, q = b.add_tensor("p", (2, 3)), b.add_tensor("q", (2, 3))
        b.add_op(op, [p], [q])
        b.set_io([p], [q])
    model = b.finish()
    assert infer_shapes(model, 0, {1: (7, 3)})[2] == (7, 3)


def test_a_refusal_names_node_op_tensors_found_and_expected() -> None:
    model = read_model(REFUSED)
    with pytest.raises(RuntimeError) as caught:
        infer_shapes(model, 0, {0: (3, 3)})
    assert str(caught.value) == (
        "CONCATENATION: shapes (3, 3) and (2, 3) differ outside axis 1 "
        "(inputs: 'r' float32[3, 3], 'w' float32[2, 3])\n"
        "Node number 1 (CONCATENATION) failed to prepare."
    )
    kept = infer_shapes(model, 0, {0: (3, 3)}, strict=False)
    assert kept[2] == (3, 3)
    assert kept[3] == (2, 6)


@pytest.mark.parametrize(
    ("tensor", "shape", "text"),
    [
        (99, (1,), "tensor_index >= 0 was not true"),
        (1, (1, 1), "fixed-size tensor"),
        (0, (-1, 8, 8, 2), "BytesRequired number of elements overflowed"),
    ],
)
def test_a_resize_that_cannot_be(tensor: int, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        infer_shapes(read_model(classifier()), 0, {tensor: shape})


def test_ops_without_a_kernel_keep_the_files_shapes() -> None:
    model = read_model(with_unknown_ops())
    assert infer_shapes(model) == dict.fromkeys(range(5), (1, 4))


def test_a_users_op_tells_its_shape() -> None:
    twice = CustomOp("Frobnicate", lambda node, x: x, lambda node, x: (x[0], 2 * x[1]))
    shapes = infer_shapes(read_model(with_unknown_ops()), registered=resolve([twice]))
    assert [shapes[t] for t in (1, 2, 3)] == [(1, 4), (1, 8), (1, 16)]


def test_nothing_of_a_tensors_size_is_made() -> None:
    """A chain over 4 TB tensors is known in no time and memory."""
    b = ModelBuilder()
    t = [b.add_tensor(f"t{k}", (2**20, 2**20)) for k in range(4)]
    for op, x, y in zip(("RELU", "ABS", "SOFTMAX"), t, t[1:], strict=False):
        b.add_op(op, [x], [y], **({"beta": 1.0} if op == "SOFTMAX" else {}))
    model = b.finish(t[:1], t[3:])
    tracemalloc.start()
    try:
        assert infer_shapes(model)[t[3]] == (2**20, 2**20)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
