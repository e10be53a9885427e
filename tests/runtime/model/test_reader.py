from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import numpy as np
import pytest

from litefuse.runtime.model import (
    ActivationFunctionType,
    BuiltinOperator,
    Model,
    ModelError,
    Padding,
    TensorType,
    read_model,
)
from tests.runtime.model.samples import patched, readable, rich_model


def test_every_corpus_file_reads_and_nothing_is_dropped(corpus: Path) -> None:
    count = 0
    for path, model in readable(corpus, "networks", "graphs"):
        assert model.unknown_fields == (), path.name
        for graph in model.subgraphs:
            for tensor in graph.tensors:
                data = model.tensor_data(tensor)
                assert data is None or data.shape == tensor.shape, path.name
        count += 1
    assert count >= 366


def outcome(path: Path) -> Model | ModelError:
    try:
        return read_model(path)
    except ModelError as error:
        return error


def test_odd_files_read_or_say_why(corpus: Path) -> None:
    found = {path.name: outcome(path) for path in sorted((corpus / "odd").glob("*.tflite"))}
    errors = {name: e for name, e in found.items() if isinstance(e, ModelError)}
    for name, error in errors.items():
        assert str(error).startswith(name)
        assert error.byte is not None
        assert error.remedy in str(error)
    assert len(errors) == 8
    good = [model for model in found.values() if isinstance(model, Model)]
    assert len(good) == 35
    assert all(model.unknown_fields == () for model in good)


def test_operator_and_io_counts_agree_with_the_manifest(corpus: Path, manifest: list[dict]) -> None:
    for record in manifest:
        if not record["file"].startswith(("networks/", "graphs/")):
            continue
        model = read_model(corpus / record["file"])
        main = model.subgraphs[0]
        assert (
            sum(len(g.operators) for g in model.subgraphs) == record["n_ops"]
            or len(main.operators) == record["n_ops"]
        ), record["file"]
        shapes = [list(main.tensors[i].shape) for i in main.inputs]
        assert shapes == [entry["shape"] for entry in record["inputs"]], record["file"]
        types = [main.tensors[i].type.name for i in main.outputs]
        assert types == [entry["type"] for entry in record["outputs"]], record["file"]


def test_what_a_file_means() -> None:
    model = read_model(rich_model())
    assert (model.version, model.description) == (3, "a test model")
    main, other = model.subgraphs
    conv, reshape, custom = main.operators
    assert conv.name == "DEPTHWISE_CONV_2D"
    assert conv.code.builtin_code is BuiltinOperator.DEPTHWISE_CONV_2D
    assert conv.code is model.operator_codes[conv.opcode_index]
    assert conv.options.padding is Padding.VALID
    assert conv.options.fused_activation_function is ActivationFunctionType.RELU6
    assert (conv.options.stride_h, conv.options.dilation_h_factor) == (1, 1)
    assert reshape.options.new_shape == (8,)
    assert (custom.name, custom.custom_options, custom.inputs) == ("MyOp", b"\1\2\3", (4, -1))
    x, w = main.tensors[:2]
    assert (x.name, x.shape, x.shape_signature, x.type) == (
        "x",
        (1, 4, 4, 2),
        (-1, 4, 4, 2),
        TensorType.INT8,
    )
    assert w.shape_signature is None
    assert x.quantization is not None
    assert w.quantization is not None
    assert x.quantization.scale.tolist() == [0.5]
    assert x.quantization.zero_point.tolist() == [3]
    assert x.quantization.zero_point.dtype == np.int64
    assert (w.quantization.quantized_dimension, w.quantization.scale.tolist()) == (3, [0.25, 0.125])
    assert main.tensors[6].quantization is None
    assert model.metadata[0].name == "min_runtime_version"
    assert model.metadata_bytes("min_runtime_version") == b"1.5.0\0"
    assert model.metadata_bytes("absent") is None
    assert [s.signature_key for s in model.signature_defs] == ["serve", "side"]
    assert model.signature_defs[0].inputs == {"image": 0}
    assert model.signature_defs[1].subgraph_index == 1
    assert other.name == "other"


def test_constants_are_read_only_views_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    content = rich_model()
    path.write_bytes(content)
    model = read_model(path)
    weights = model.tensor_data(model.subgraphs[0].tensors[1])
    assert weights is not None
    assert model.source is not None
    whole = np.frombuffer(model.source.view, np.uint8)
    assert np.shares_memory(weights, whole)
    assert not weights.flags.writeable
    assert weights.reshape(-1).tolist() == list(range(-9, 9))
    assert model.tensor_data(model.subgraphs[0].tensors[0]) is None
    assert model.content_hash == hashlib.sha256(content).hexdigest()


def test_arrays_outlive_the_model_and_the_directory_entry(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(rich_model())
    weights = read_model(path).tensor_data(read_model(path).subgraphs[0].tensors[1])
    path.unlink()
    assert weights is not None
    assert int(weights.sum()) == -9


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_sources(wrap: type) -> None:
    content = rich_model()
    model = read_model(wrap(content))
    assert model == read_model(content)
    assert model.content_hash == hashlib.sha256(content).hexdigest()


def test_path_kinds(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(rich_model())
    assert read_model(path) == read_model(str(path)) == read_model(path.read_bytes())
    with pytest.raises(FileNotFoundError):
        read_model(tmp_path / "absent.tflite")


def test_models_can_be_copied_and_compared() -> None:
    model = read_model(rich_model())
    twin = copy.deepcopy(model)
    assert twin == model
    twin.subgraphs[0].operators[0].options.stride_h = 2
    assert twin != model
    twin = copy.deepcopy(model)
    assert twin.subgraphs[0].tensors[1].quantization is not None
    twin.subgraphs[0].tensors[1].quantization.scale = np.float32([0.25, 0.5])
    assert twin != model


def test_old_files_have_only_the_byte_field() -> None:
    content = rich_model()
    # The wide field of the first code is 4; a file of 2020 has no such slot at all.
    old = patched(content, "operator_codes[0]", "builtin_code", "i", 0)
    assert read_model(old).operator_codes[0].builtin_code is BuiltinOperator.DEPTHWISE_CONV_2D


def test_options_of_another_operator_count_as_absent() -> None:
    """As in LiteRT, which then runs the operator with default options; the model says so."""
    content = rich_model()
    model = read_model(patched(content, "subgraphs[1].operators[0]", "opcode_index", "I", 1))
    assert model.subgraphs[1].operators[0].name == "RESHAPE"
    assert model.subgraphs[1].operators[0].options is None
    assert model.unknown_fields == ()
    wrong = patched(content, "subgraphs[0].operators[1]", "opcode_index", "I", 3)
    model = read_model(wrong)
    assert model.subgraphs[0].operators[1].options is None
    assert model.unknown_fields == ("subgraphs[0].operators[1] (RELU): ReshapeOptions",)


def test_a_slot_beyond_the_schema_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from litefuse.runtime.model import decode

    cut = "DepthwiseConv2DOptions"
    known, count = decode.fields, decode.slot_count
    monkeypatch.setattr(decode, "fields", lambda t: known(t)[:4] if t == cut else known(t))
    monkeypatch.setattr(decode, "slot_count", lambda t: 4 if t == cut else count(t))
    decode._plan_for.cache_clear()
    found = read_model(rich_model()).unknown_fields
    decode._plan_for.cache_clear()  # plans made with the cut schema must not outlive it
    assert found == (f"{cut} slot 4",)
