from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.model import Buffer, Model, ModelError, Quantization, read_model, write_model
from litefuse.runtime.model.encode import BUFFER_ALIGN
from litefuse.runtime.model.locate import locate
from litefuse.runtime.model.records import record_class
from tests.runtime.model.samples import FULL, readable, rich_builder, rich_model

litert = pytest.importorskip("ai_edge_litert.interpreter")


def interpreter(content: bytes) -> Any:
    kind = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return litert.Interpreter(model_content=content, experimental_op_resolver_type=kind)


def test_round_trip_of_every_readable_corpus_file(corpus: Path) -> None:
    for path, model in readable(corpus, "networks", "graphs", "odd"):
        again = read_model(write_model(model))
        assert again == model, path.name


def run(interp: Any) -> list[Any]:
    interp.allocate_tensors()
    rng = np.random.default_rng(1)
    for detail in interp.get_input_details():
        if detail["dtype"] == np.bytes_:
            return []
        data = rng.integers(0, 2, detail["shape"]).astype(detail["dtype"])
        interp.set_tensor(detail["index"], data)
    interp.invoke()
    return [interp.get_tensor(d["index"]) for d in interp.get_output_details()]


def details(content: bytes) -> Any:
    """What LiteRT says about a model, or the text with which it refuses it."""
    try:
        interp = interpreter(content)
    except ValueError as error:
        return str(error)
    return interp.get_tensor_details(), interp._get_ops_details(), interp.get_signature_list()


def outputs(content: bytes) -> Any:
    """What LiteRT computes for fixed inputs, or None where it refuses to."""
    try:
        return run(interpreter(content))
    except (ValueError, RuntimeError):
        return None


def agree(ask: Any, path: Path, pipe: Any) -> None:
    """In a child: send whether LiteRT gives an answer for the file, then that it gives the same
    for the file written again.
    """
    expected = ask(path.read_bytes())
    pipe.send(not (expected is None or isinstance(expected, str)))
    np.testing.assert_equal(ask(write_model(read_model(path))), expected)
    pipe.send(True)


def compare_in_litert(ask: Any, paths: list[Path]) -> int:
    """`agree` for each file in a child of its own, since LiteRT crashes or hangs on some; how
    many LiteRT had an answer for.
    """
    answered = 0
    context = multiprocessing.get_context("fork")
    for path in paths:
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=agree, args=(ask, path, there))
        child.start()
        there.close()
        child.join(5)
        if child.is_alive():  # a loop that these inputs never end
            child.kill()
            child.join()
        said = []
        while here.poll():
            try:
                said.append(here.recv())
            except EOFError:
                break
        # No word: LiteRT crashes or hangs on the file as it is. One: the written file differs.
        assert len(said) != 1, path.name
        answered += bool(said and said[0])
    return answered


def test_litert_sees_the_same_model(corpus: Path) -> None:
    """Every twentieth file, or all with LITEFUSE_FULL=1; what LiteRT refuses it refuses again."""
    paths = [p for p, _ in readable(corpus, "networks", "graphs")]
    chosen = paths if FULL else [p for p in paths[::20] if p.stat().st_size < 4_000_000]
    assert compare_in_litert(details, chosen) >= 0.8 * len(chosen)


def test_litert_computes_the_same(corpus: Path) -> None:
    """Options survive: graphs give the same output bits from the file written again."""
    paths = [p for p, _ in readable(corpus, "graphs")]
    chosen = paths if FULL else paths[1::10]
    assert compare_in_litert(outputs, chosen) >= 0.6 * len(chosen)


def test_writing_twice_gives_the_same_bytes() -> None:
    model = read_model(rich_model())
    content = write_model(model)
    assert content == write_model(read_model(content))
    assert content[4:8] == b"TFL3"


def test_buffers_are_aligned(corpus: Path) -> None:
    content = write_model(read_model(corpus / "networks" / "aeq-conv-fc-mnist.tflite"))
    view = memoryview(content)
    base = np.frombuffer(view, np.uint8).__array_interface__["data"][0]
    for buffer in read_model(content).buffers:
        if len(buffer.data):
            place = np.frombuffer(buffer.data, np.uint8).__array_interface__["data"][0] - base
            assert place % BUFFER_ALIGN == 0


def test_buffers_outside_the_flatbuffer() -> None:
    model = read_model(rich_model())
    content = write_model(model, outside=4)
    again = read_model(content)
    assert [len(b.data) >= 4 for b in model.buffers] == [b.outside for b in again.buffers]
    assert [bytes(b.data) for b in again.buffers] == [bytes(b.data) for b in model.buffers]
    weights = again.tensor_data(again.subgraphs[0].tensors[1])
    assert weights is not None
    assert weights.reshape(-1).tolist() == list(range(-9, 9))
    assert read_model(write_model(again)) == again  # `outside` stays
    inside = write_model(again, outside=None)
    assert inside == content


def test_litert_reads_buffers_outside(corpus: Path) -> None:
    path = corpus / "graphs" / "aeq-single-fc-bias-relu.tflite"
    expected = run(interpreter(path.read_bytes()))
    got = run(interpreter(write_model(read_model(path), outside=1)))
    np.testing.assert_array_equal(expected[0], got[0])


def test_custom_options_outside_the_flatbuffer() -> None:
    model = read_model(rich_model())
    model.subgraphs[0].operators[2].large_custom_options = True
    content = write_model(model)
    again = read_model(content)
    op = again.subgraphs[0].operators[2]
    assert (op.custom_options, op.large_custom_options) == (b"\1\2\3", True)
    assert again == model
    offset = locate(memoryview(content), "subgraphs[0].operators[2]", "large_custom_options_offset")
    stored = int.from_bytes(content[offset : offset + 8], "little")
    assert content[stored : stored + 3] == b"\1\2\3"


def everything(model: Model) -> Model:
    """Add the rarer tables, so that each kind of field is written at least once."""
    main = model.subgraphs[0]
    tensor = main.tensors[0]
    tensor.has_rank = True
    tensor.variant_tensors = [record_class("VariantSubType")(shape=(1, 2), has_rank=True)]
    main.tensors[2].quantization = Quantization(
        details=record_class("BlockwiseQuantization")(scales=3, zero_points=-1, block_size=32)
    )
    main.tensors[6].quantization = Quantization(
        min=np.float32([-1]),
        max=np.float32([np.nan]),
        details=record_class("CustomQuantization")(custom=b"ab"),
    )
    level = record_class("DimensionMetadata")
    main.tensors[5].sparsity = record_class("SparsityParameters")(
        traversal_order=(0,),
        dim_metadata=[
            level(
                format=1,
                array_segments=record_class("Uint8Vector")(values=np.uint8([0, 2])),
                array_indices=record_class("Uint16Vector")(values=np.uint16([1, 7])),
            )
        ],
    )
    main.debug_metadata_index = 0
    op = main.operators[0]
    op.intermediates, op.mutating_variable_inputs = (1, -1), (True, False)
    model.metadata_buffer = (1, 2)
    model.external_buffer_groups = [record_class("ExternalBufferGroup")(name="weights.bin")]
    model.external_buffers = [
        record_class("ExternalBuffer")(id=4, group=0, offset=1 << 40, length=9, packing="none")
    ]
    main.tensors[3].external_buffer = 4
    return model


def test_the_rarer_tables_survive() -> None:
    model = everything(rich_builder().finish())
    again = read_model(write_model(model))
    assert again == model
    level = again.subgraphs[0].tensors[5].sparsity.dim_metadata[0]  # type: ignore[union-attr]
    assert level.array_indices.values.dtype == np.uint16
    assert level.array_indices.values.tolist() == [1, 7]
    assert again.external_buffers[0].offset == 1 << 40


def test_stablehlo_options_live_in_the_second_union() -> None:
    b = rich_builder()
    b.select_subgraph(0)
    i = b.add_op(
        "STABLEHLO_COMPOSITE", [0], [6], name="odml.x", decomposition_subgraph_index=1,
        composite_attributes=b"\x28\x01", version=None,
    )  # fmt: skip
    model = b.finish()
    again = read_model(write_model(model))
    options = again.subgraphs[0].operators[i].options
    assert (options.TABLE, options.name, options.composite_attributes) == (
        "StableHLOCompositeOptions", "odml.x", b"\x28\x01",
    )  # fmt: skip
    assert again == model


def test_unusual_text_and_empty_names_survive() -> None:
    model = rich_builder().finish()
    model.subgraphs[0].tensors[0].name = "größe/画像 🙂"
    model.subgraphs[1].name = ""
    model.description = ""
    assert read_model(write_model(model)) == model


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcode_index", 9), "has opcode index 9, which is absent in the model's 4 operator codes"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcode_index", 1), "has opcode index 1, which is RESHAPE"),
        (lambda m: setattr(m.subgraphs[0].operators[0].options, "stride_h", 1 << 40), "DepthwiseConv2DOptions.stride_h: 1099511627776 cannot be stored"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "name", 5), "Tensor.name: 5 is no string"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", (1, 1 << 33)), "Tensor.shape: (1, 8589934592) cannot be stored"),
        (lambda m: setattr(m.subgraphs[0], "inputs", (99,)), "SubGraph.inputs[0] (subgraphs[0]): tensor 99 does not exist, there are 7"),
        (lambda m: setattr(m.subgraphs[0].operators[1], "options", m.subgraphs[0].operators[0].options), "RESHAPE has DepthwiseConv2DOptions instead of ReshapeOptions"),
        (lambda m: m.buffers.pop(), "does not exist"),
        (lambda m: m.subgraphs.clear(), "Model.subgraphs: the model has no subgraph"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_written(change: Any, text: str) -> None:
    model = rich_builder().finish()
    change(model)
    with pytest.raises(ModelError) as info:
        write_model(model)
    assert text in str(info.value)
    assert "correct the model before writing it" in str(info.value)


def test_too_large_for_a_flatbuffer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from litefuse.runtime.model import writer

    model = rich_builder().finish()
    model.buffers.append(Buffer(bytes(5000)))
    monkeypatch.setattr(writer, "MAX_FLATBUFFER", 4096)
    content = write_model(model)  # goes outside by itself
    assert read_model(content).buffers[-1].outside
    monkeypatch.setattr(writer, "MAX_FLATBUFFER", 1000)
    with pytest.raises(ModelError, match="the flatbuffer would take"):
        write_model(model)
