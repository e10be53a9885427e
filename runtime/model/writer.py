"""Writing a model: checks, then the dataclasses turned back into what the schema stores."""

from __future__ import annotations

import struct
from typing import Any

from litefuse.runtime.model.checks import check_model
from litefuse.runtime.model.encode import BUFFER_ALIGN, Encoder
from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.objects import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SignatureDef,
    SubGraph,
    Tensor,
)
from litefuse.runtime.model.records import record_class
from litefuse.runtime.model.schema import FILE_IDENTIFIER, UNIONS

MAX_FLATBUFFER = (1 << 31) - 1  # offsets inside a flatbuffer are signed 32-bit in places
_PLACEHOLDER = 1 << 62  # a 64-bit field must be present to be patched; no default equals this


def write_model(model: Model, *, outside: int | None = None) -> bytes:
    """The bytes of a .tflite file that `read_model` reads back as an equal model.

    Buffers marked `outside` are stored after the flatbuffer; `outside=n` does so for every buffer
    of at least n bytes, and all non-empty ones go there when the flatbuffer would otherwise exceed
    2 GB. ModelError when an index or a value does not fit the schema.
    """
    check_model(model)
    total = sum(len(memoryview(b.data).cast("B")) for b in model.buffers)
    if outside is None and total > MAX_FLATBUFFER - (64 << 20):
        outside = 1
    encoder = Encoder()
    encoder.out += struct.pack("<I", 0) + FILE_IDENTIFIER
    places = _Outside(encoder, outside)
    root = encoder.table("Model", _model(model, places))
    struct.pack_into("<I", encoder.out, 0, root)
    encoder.finish()
    if len(encoder.out) > MAX_FLATBUFFER:
        raise ModelError(
            f"the flatbuffer would take {len(encoder.out)} bytes, 2 GB is the limit",
            remedy="store buffers outside it: write_model(model, outside=1)",
            table="Model",
        )
    places.finish()
    return bytes(encoder.out)


class _Outside:
    """Bytes that go behind the flatbuffer, and the offset and size fields that will name them."""

    def __init__(self, encoder: Encoder, least: int | None) -> None:
        self.encoder = encoder
        self.least = least
        self.blobs: list[memoryview] = []

    def wanted(self, data: memoryview, flag: bool) -> bool:
        return len(data) > 0 and (flag or (self.least is not None and len(data) >= self.least))

    def add(self, data: memoryview) -> int:
        """A unique placeholder, patched by `finish`."""
        self.blobs.append(data)
        return _PLACEHOLDER + len(self.blobs) - 1

    def finish(self) -> None:
        out = self.encoder.out
        patches: dict[int, int] = {}
        for (_, field), place in self.encoder.places.items():
            if field in ("offset", "large_custom_options_offset"):
                number = struct.unpack_from("<Q", out, place)[0] - _PLACEHOLDER
                if 0 <= number < len(self.blobs):
                    patches[number] = place
        for number, data in enumerate(self.blobs):
            self.encoder.align(BUFFER_ALIGN)
            struct.pack_into("<Q", out, patches[number], len(out))
            out += data


def _model(model: Model, places: _Outside) -> dict[str, Any]:
    values = dict(model.__dict__)
    values["operator_codes"] = [_code(code) for code in model.operator_codes]
    values["buffers"] = [_buffer(buffer, places) for buffer in model.buffers]
    values["subgraphs"] = [_subgraph(model, g, places) for g in model.subgraphs]
    values["metadata"] = [dict(entry.__dict__) for entry in model.metadata]
    values["signature_defs"] = [_signature(found) for found in model.signature_defs]
    for field in ("metadata", "signature_defs", "external_buffer_groups", "external_buffers"):
        values[field] = values[field] or None
    values["metadata_buffer"] = tuple(model.metadata_buffer) or None
    return values


def _code(code: OperatorCode) -> dict[str, Any]:
    return {**code.__dict__, "deprecated_builtin_code": min(int(code.builtin_code), 127)}


def _buffer(buffer: Buffer, places: _Outside) -> dict[str, Any]:
    data = memoryview(buffer.data).cast("B")
    if places.wanted(data, buffer.outside):
        return {"data": None, "offset": places.add(data), "size": len(data)}
    return {"data": data if len(data) else None, "offset": 0, "size": 0}


def _subgraph(model: Model, graph: SubGraph, places: _Outside) -> dict[str, Any]:
    values = dict(graph.__dict__)
    values["tensors"] = [_tensor(tensor) for tensor in graph.tensors]
    values["operators"] = [_operator(model, op, places) for op in graph.operators]
    values["inputs"], values["outputs"] = tuple(graph.inputs), tuple(graph.outputs)
    values["name"] = graph.name or None
    return values


def _tensor(tensor: Tensor) -> dict[str, Any]:
    values = dict(tensor.__dict__)
    values["shape"] = tuple(tensor.shape)
    values["variant_tensors"] = tensor.variant_tensors or None
    values["quantization"] = _quantization(tensor.quantization)
    return values


def _quantization(q: Quantization | None) -> dict[str, Any] | None:
    if q is None:
        return None
    values = dict(q.__dict__)
    for field in ("scale", "zero_point", "min", "max"):
        if not len(values[field]):
            values[field] = None
    return values


def _operator(model: Model, op: Operator, places: _Outside) -> dict[str, Any]:
    codes = model.operator_codes
    if not 0 <= op.opcode_index < len(codes) or codes[op.opcode_index] != op.code:
        raise ModelError(
            f"operator {op.name} has opcode index {op.opcode_index}, which is "
            + (codes[op.opcode_index].name if 0 <= op.opcode_index < len(codes) else "absent")
            + f" in the model's {len(codes)} operator codes",
            remedy=FIX,
            table="Operator",
            field="opcode_index",
        )
    values = dict(op.__dict__)
    values["inputs"], values["outputs"] = tuple(op.inputs), tuple(op.outputs)
    values["intermediates"] = tuple(op.intermediates) or None
    values["mutating_variable_inputs"] = tuple(op.mutating_variable_inputs) or None
    second = getattr(op.options, "TABLE", None) in UNIONS["BuiltinOptions2"]
    values["builtin_options"] = None if second else op.options
    values["builtin_options_2"] = op.options if second else None
    data = memoryview(op.custom_options)
    values["large_custom_options_offset"] = values["large_custom_options_size"] = 0
    values["custom_options"] = op.custom_options or None
    if places.wanted(data, op.large_custom_options) and op.large_custom_options:
        values["large_custom_options_offset"] = places.add(data)
        values["large_custom_options_size"] = len(data)
        values["custom_options"] = None
    return values


def _signature(found: SignatureDef) -> dict[str, Any]:
    entry = record_class("TensorMap")
    return {
        **found.__dict__,
        "inputs": [entry(name=n, tensor_index=i) for n, i in found.inputs.items()],
        "outputs": [entry(name=n, tensor_index=i) for n, i in found.outputs.items()],
    }
