"""Must-fail files, each with its exact text."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from litefuse.runtime.model import ModelError, read_model
from litefuse.runtime.model.errors import DAMAGED, NEWER
from litefuse.runtime.model.locate import locate
from tests.runtime.model.samples import patched, rich_model

CONTENT = rich_model()
VIEW = memoryview(CONTENT)


def at(where: str, field: str) -> int:
    return locate(VIEW, where, field)


def message(content: bytes) -> str:
    with pytest.raises(ModelError) as info:
        read_model(content)
    return str(info.value)


def number(offset: int) -> int:
    return int(struct.unpack_from("<I", CONTENT, offset)[0])


def test_not_a_model() -> None:
    assert message(b"PK\3\4 this is a zip file") == (
        "Model.file_identifier at byte 4: the file identifier is b' thi' instead of b'TFL3'; "
        "this is no .tflite model; convert it first, or check the path"
    )


def test_too_short() -> None:
    assert message(b"TFL3") == f"Model at byte 0: 4 bytes are too few for a model; {DAMAGED}"


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.tflite"
    path.write_bytes(b"")
    with pytest.raises(ModelError) as info:
        read_model(path)
    assert str(info.value) == f"empty.tflite: the file is empty; {DAMAGED}"


def test_the_text_begins_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    path.write_bytes(patched(CONTENT, "", "version", "I", 1))
    with pytest.raises(ModelError) as info:
        read_model(path)
    place = at("", "version")
    assert str(info.value) == (
        f"mine.tflite: Model.version at byte {place}: schema version 1 instead of 3; "
        "convert the model again with a current converter"
    )
    error = info.value
    assert (error.file, error.table, error.field, error.byte) == (
        "mine.tflite",
        "Model",
        "version",
        place,
    )


def test_root_offset() -> None:
    assert message(b"\xff\xff\xff\x7f" + CONTENT[4:]) == (
        f"Model at byte 0: offset 2147483647 leads outside the file ({len(CONTENT)} bytes); {DAMAGED}"
    )


def test_zero_offset() -> None:
    broken = patched(CONTENT, "", "subgraphs", "I", 0)
    place = at("", "subgraphs")
    assert message(broken) == f"Model.subgraphs at byte {place}: offset 0 leads nowhere; {DAMAGED}"


def test_offset_outside() -> None:
    where, field = "subgraphs[0].operators[0]", "inputs"
    place = at(where, field)
    assert message(patched(CONTENT, where, field, "I", 1 << 31)) == (
        f"Operator.inputs at byte {place} (subgraphs[0].operators[0]): "
        f"offset 2147483648 leads outside the file ({len(CONTENT)} bytes); {DAMAGED}"
    )


def test_vector_too_long() -> None:
    place = at("subgraphs[0]", "outputs")
    vector = place + number(place)
    out = bytearray(CONTENT)
    struct.pack_into("<I", out, vector, 0x40000000)
    left = len(CONTENT) - vector - 4
    assert message(bytes(out)) == (
        f"SubGraph.outputs at byte {vector} (subgraphs[0]): a vector of 1073741824 elements "
        f"(4294967296 bytes) does not fit into the file, {left} bytes remain; {DAMAGED}"
    )


def test_vtable_outside() -> None:
    place = at("subgraphs[1].operators[0]", "no_such_field")
    out = bytearray(CONTENT)
    struct.pack_into("<i", out, place, 1 << 30)
    assert message(bytes(out)) == (
        f"Operator at byte {place} (subgraphs[1].operators[0]): its vtable would be at byte "
        f"{place - (1 << 30)}, outside the file; {DAMAGED}"
    )


def test_vtable_of_odd_length() -> None:
    place = at("subgraphs[1].operators[0]", "no_such_field")
    vtable = place - struct.unpack_from("<i", CONTENT, place)[0]
    size = struct.unpack_from("<H", CONTENT, vtable + 2)[0]
    out = bytearray(CONTENT)
    struct.pack_into("<H", out, vtable, 7)
    assert message(bytes(out)).startswith(f"Operator at byte {vtable} (")
    assert f"its vtable says 7 bytes for itself, {size} for the table" in message(bytes(out))


def test_fields_that_overlap() -> None:
    place = at("metadata[0]", "no_such_field")
    vtable = place - struct.unpack_from("<i", CONTENT, place)[0]
    first, _second = struct.unpack_from("<HH", CONTENT, vtable + 4)
    out = bytearray(CONTENT)
    struct.pack_into("<H", out, vtable + 6, first + 2)
    text = message(bytes(out))
    assert text.endswith(f"overlaps another or the end; {DAMAGED}")
    assert "its place, byte" in text


def test_string_without_end() -> None:
    place = at("subgraphs[0].tensors[0]", "name")
    start = place + number(place)
    out = bytearray(CONTENT)
    out[start + 5] = 65  # the zero byte behind "x"
    assert message(bytes(out)) == (
        f"Tensor.name at byte {start} (subgraphs[0].tensors[0]): a string does not end with a zero "
        f"byte; {DAMAGED}"
    )


def test_string_not_utf8() -> None:
    place = at("subgraphs[0].tensors[0]", "name")
    start = place + number(place)
    out = bytearray(CONTENT)
    out[start + 4] = 0xFF
    assert message(bytes(out)) == (
        f"Tensor.name at byte {start + 4} (subgraphs[0].tensors[0]): a string is not UTF-8 "
        f"(invalid start byte); {DAMAGED}"
    )


def test_unknown_tensor_type() -> None:
    where = "subgraphs[0].tensors[1]"
    assert message(patched(CONTENT, where, "type", "b", 99)) == (
        f"Tensor.type at byte {at(where, 'type')} ({where}): 99 is no TensorType (known: 0 to 22); {NEWER}"
    )


def test_unknown_operator() -> None:
    place = at("operator_codes[0]", "builtin_code")
    assert message(patched(CONTENT, "operator_codes[0]", "builtin_code", "i", 5000)) == (
        f"OperatorCode.builtin_code at byte {place} (operator_codes[0]): 5000 is no BuiltinOperator "
        f"(known: 0 to 209); {NEWER}"
    )


def test_unknown_option_value() -> None:
    where = "subgraphs[0].operators[0].builtin_options"
    place = at(where, "padding")
    assert message(patched(CONTENT, where, "padding", "b", 7)) == (
        f"DepthwiseConv2DOptions.padding at byte {place} (subgraphs[0].operators[0]): "
        f"7 is no Padding (known: 0 to 1); {NEWER}"
    )


def test_unknown_union_member() -> None:
    where = "subgraphs[0].operators[0]"
    place = at(where, "builtin_options")
    table = at(where, "no_such_field")
    vtable = table - struct.unpack_from("<i", CONTENT, table)[0]
    tag = table + struct.unpack_from("<H", CONTENT, vtable + 4 + 2 * 3)[0]
    out = bytearray(CONTENT)
    out[tag] = 200
    assert message(bytes(out)) == (
        f"Operator.builtin_options_type at byte {place} ({where}): 200 is no BuiltinOptions "
        f"(known: 0 to 126); {NEWER}"
    )


def vector_item(where: str, field: str, value: int) -> tuple[bytes, int]:
    """The file with the first number of a vector changed, and the place of that number."""
    place = at(where, field)
    item = place + number(place) + 4
    out = bytearray(CONTENT)
    struct.pack_into("<i", out, item, value)
    return bytes(out), item


@pytest.mark.parametrize(
    ("where", "field", "table"),
    [
        ("subgraphs[0]", "inputs", "SubGraph"),
        ("subgraphs[0]", "outputs", "SubGraph"),
        ("subgraphs[0].operators[1]", "inputs", "Operator"),
        ("subgraphs[0].operators[1]", "outputs", "Operator"),
    ],
)
@pytest.mark.parametrize("value", [7, -2, 2**31 - 1])
def test_tensor_indices(where: str, field: str, table: str, value: int) -> None:
    content, item = vector_item(where, field, value)
    assert message(content) == (
        f"{table}.{field}[0] at byte {item} ({where}): tensor {value} does not exist, there are 7; {DAMAGED}"
    )


def test_operator_code_index() -> None:
    where = "subgraphs[0].operators[1]"
    assert message(patched(CONTENT, where, "opcode_index", "I", 44)) == (
        f"Operator.opcode_index at byte {at(where, 'opcode_index')} ({where}): operator code 44 does "
        f"not exist, the model has 4; {DAMAGED}"
    )


def test_buffer_index() -> None:
    where = "subgraphs[0].tensors[1]"
    assert message(patched(CONTENT, where, "buffer", "I", 9)) == (
        f"Tensor.buffer at byte {at(where, 'buffer')} ({where}): buffer 9 does not exist, there are 5; {DAMAGED}"
    )


def test_metadata_buffer_index() -> None:
    assert message(patched(CONTENT, "metadata[0]", "buffer", "I", 6)) == (
        f"Metadata.buffer at byte {at('metadata[0]', 'buffer')} (metadata[0]): buffer 6 does not "
        f"exist, there are 5; {DAMAGED}"
    )


def test_signature_subgraph() -> None:
    where = "signature_defs[1]"
    assert message(patched(CONTENT, where, "subgraph_index", "I", 2)) == (
        f"SignatureDef.subgraph_index at byte {at(where, 'subgraph_index')} ({where}): subgraph 2 does "
        f"not exist, there are 2; {DAMAGED}"
    )


def test_dimension() -> None:
    content, item = vector_item("subgraphs[0].tensors[0]", "shape", -5)
    assert message(content) == (
        f"Tensor.shape[0] at byte {item} (subgraphs[0].tensors[0]): dimension 0 is -5; "
        "store a dynamic dimension as 1, with -1 in shape_signature"
    )


def test_constant_too_short_for_its_shape() -> None:
    content, _ = vector_item("subgraphs[0].tensors[1]", "shape", 2)
    place = at("subgraphs[0].tensors[1]", "buffer")
    assert message(content) == (
        f"Tensor.buffer at byte {place} (subgraphs[0].tensors[1]): buffer 1 has 18 bytes, INT8 of "
        f"shape [2, 3, 3, 2] needs 36; {DAMAGED}"
    )


def test_quantised_axis() -> None:
    where = "subgraphs[0].tensors[1].quantization"
    place = at(where, "quantized_dimension")
    assert message(patched(CONTENT, where, "quantized_dimension", "i", 4)) == (
        f"QuantizationParameters.quantized_dimension at byte {place} ({where}): axis 4 does not exist, "
        f"the tensor has 4 dimensions; {DAMAGED}"
    )


def test_number_of_scales() -> None:
    where = "subgraphs[0].tensors[1].quantization"
    assert message(patched(CONTENT, where, "quantized_dimension", "i", 1)) == (
        f"QuantizationParameters.scale at byte {at(where, 'scale')} ({where}): 2 scales are neither "
        f"one nor one for each of 3 channels; {DAMAGED}"
    )


def test_operator_that_overwrites_its_input() -> None:
    content, item = vector_item("subgraphs[1].operators[0]", "outputs", 0)
    assert message(content) == (
        f"Operator.outputs[0] at byte {item} (subgraphs[1].operators[0]): tensor 0 is an input of the "
        f"same operator (RELU); {DAMAGED}"
    )


def test_aliasing_offsets_do_not_fill_memory() -> None:
    """60 000 subgraphs that are all the same one: refused before they are made."""
    count = 60_000
    out = bytearray(CONTENT)
    vector, place = len(out), at("", "subgraphs")
    struct.pack_into("<I", out, place, vector - place)
    out += struct.pack("<I", count) + bytes(4 * count)
    vtable = len(out)
    # One field: the vector of input tensors, 50 000 of them.
    out += struct.pack("<HHHH", 8, 8, 0, 4)
    table = len(out)
    out += struct.pack("<iI", table - vtable, 4)
    out += struct.pack("<I", 50_000) + bytes(200_000)
    for i in range(count):
        item = vector + 4 + 4 * i
        struct.pack_into("<I", out, item, table - item)
    text = message(bytes(out))
    assert f"offsets lead to the same bytes too often for a file of {len(out)} bytes" in text
    assert text.startswith("SubGraph.inputs at byte")


def test_a_table_that_contains_itself_ends() -> None:
    """Offsets only lead forward, so a loop needs one that wraps: refused as outside the file."""
    where = "subgraphs[0].operators[0]"
    place = at(where, "builtin_options")
    back = (1 << 32) - 8
    assert message(patched(CONTENT, where, "builtin_options", "I", back)) == (
        f"Operator.builtin_options at byte {place} ({where}): offset {back} leads outside the file "
        f"({len(CONTENT)} bytes); {DAMAGED}"
    )
