"""Reading a .tflite file: memory map, verified decoding, then the checks of `checks.py`."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Any

from litefuse.runtime.model.checks import check_model
from litefuse.runtime.model.decode import Decoder
from litefuse.runtime.model.enums import BuiltinOperator
from litefuse.runtime.model.errors import DAMAGED, FIX, NEWER, ModelError
from litefuse.runtime.model.locate import locate
from litefuse.runtime.model.objects import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SignatureDef,
    Source,
)
from litefuse.runtime.model.operators import options_table
from litefuse.runtime.model.schema import FILE_IDENTIFIER, SCHEMA_VERSION

_BUILTINS = {int(member): member for member in BuiltinOperator}
_CUSTOM = BuiltinOperator.CUSTOM


def read_model(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Model:
    """Read and verify a model from a path (memory-mapped, nothing is copied) or from bytes.

    The map lives as long as the model or any array taken from it. ModelError, which names table,
    field and byte, when the content is not a model that LiteRT's schema allows; OSError when the
    file cannot be opened.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        view, name = memoryview(source).cast("B").toreadonly(), ""
    else:
        path = Path(source)
        name = path.name
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise ModelError("the file is empty", file=name)
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    model = _decode(view, name)
    try:
        check_model(model)
    except ModelError as error:
        error.file = name
        error.byte = locate(view, error.where, error.field)
        if error.remedy == FIX:
            error.remedy = DAMAGED
        raise
    return model


def _decode(view: memoryview, name: str) -> Model:
    if len(view) < 12:
        raise ModelError(
            f"{len(view)} bytes are too few for a model", file=name, table="Model", byte=0
        )
    if view[4:8] != FILE_IDENTIFIER:
        raise ModelError(
            f"the file identifier is {bytes(view[4:8])!r} instead of {FILE_IDENTIFIER!r}",
            remedy="this is no .tflite model; convert it first, or check the path",
            file=name,
            table="Model",
            field="file_identifier",
            byte=4,
        )
    decoder = Decoder(view, name)
    root = decoder.follow("Model", "", 0, struct.unpack_from("<I", view)[0])
    model: Model = decoder.table("Model", root)
    if model.version != SCHEMA_VERSION:
        raise ModelError(
            f"schema version {model.version} instead of {SCHEMA_VERSION}",
            remedy="convert the model again with a current converter",
            file=name,
            table="Model",
            field="version",
            byte=locate(view, "", "version"),
        )
    model.__dict__.update(source=Source(view, name), _hash=None)
    model.unknown_fields = tuple(decoder.unknown)
    _finish(model, view)
    return model


def _fail(
    model: Model, where: str, table: str, field: str, problem: str, remedy: str
) -> ModelError:
    source = model.source
    assert source is not None  # set before anything here is called
    byte = locate(source.view, where, field)
    return ModelError(
        problem, remedy=remedy, table=table, field=field, byte=byte, where=where, file=source.name
    )


def _finish(model: Model, view: memoryview) -> None:
    """Turn what the schema stores into what the dataclasses promise."""
    for i, code in enumerate(model.operator_codes):
        _finish_code(model, i, code)
    for i, buffer in enumerate(model.buffers):
        _finish_buffer(model, i, buffer, view)
    codes = model.operator_codes
    for g, graph in enumerate(model.subgraphs):
        for tensor in graph.tensors:
            if tensor.quantization is not None and _empty(tensor.quantization):
                tensor.quantization = None
        for i, op in enumerate(graph.operators):
            _finish_operator(model, f"subgraphs[{g}].operators[{i}]", op, codes, view)
    model.signature_defs = [
        _finish_signature(model, i, found) for i, found in enumerate(model.signature_defs)
    ]


def _finish_code(model: Model, i: int, code: OperatorCode) -> None:
    # Files older than the wide field have only the byte; newer ones store min(code, 127) there.
    old = code.__dict__.pop("deprecated_builtin_code")
    number = max(old, int(code.builtin_code))
    found = _BUILTINS.get(number)
    where = f"operator_codes[{i}]"
    if found is None:
        raise _fail(
            model,
            where,
            "OperatorCode",
            "deprecated_builtin_code" if old == number else "builtin_code",
            f"builtin operator {number} is unknown (known: 0 to {max(_BUILTINS)})",
            NEWER,
        )
    code.builtin_code = found
    if found == _CUSTOM and code.custom_code is None:
        raise _fail(
            model, where, "OperatorCode", "custom_code", "a CUSTOM operator has no name", DAMAGED
        )


def _empty(q: Quantization) -> bool:
    return (
        q.details is None
        and q.quantized_dimension == 0
        and not (len(q.scale) or len(q.zero_point) or len(q.min) or len(q.max))
    )


def _outside(
    model: Model, where: str, table: str, field: str, offset: int, size: int, view: memoryview
) -> memoryview:
    if offset + size > len(view):
        raise _fail(
            model,
            where,
            table,
            field,
            f"{size} bytes at offset {offset} lie outside the file ({len(view)} bytes)",
            DAMAGED,
        )
    return view[offset : offset + size]


def _finish_buffer(model: Model, i: int, buffer: Buffer, view: memoryview) -> None:
    stored: dict[str, Any] = buffer.__dict__
    offset, size = stored.pop("offset"), stored.pop("size")
    stored["outside"] = False
    # Converters write offset 1 as a placeholder that means "not outside".
    if offset > 1 and not len(buffer.data):
        where = f"buffers[{i}]"
        buffer.data = _outside(model, where, "Buffer", "offset", offset, size, view)
        buffer.outside = True


def _finish_operator(
    model: Model, where: str, op: Operator, codes: list[OperatorCode], view: memoryview
) -> None:
    stored: dict[str, Any] = op.__dict__
    first, second = stored.pop("builtin_options"), stored.pop("builtin_options_2")
    if first is not None and second is not None:
        problem = f"it has both {first.TABLE} and {second.TABLE}"
        raise _fail(model, where, "Operator", "builtin_options_2", problem, DAMAGED)
    options = stored["options"] = second if first is None else first
    if op.opcode_index >= len(codes):
        raise _fail(
            model,
            where,
            "Operator",
            "opcode_index",
            f"operator code {op.opcode_index} does not exist, the model has {len(codes)}",
            DAMAGED,
        )
    stored["code"] = codes[op.opcode_index]
    if options is not None and options_table(op.code.builtin_code.name) != options.TABLE:
        # LiteRT runs such an operator with default options: the table is not the one it asks for.
        model.unknown_fields += (f"{where} ({op.name}): {options.TABLE}",)
        stored["options"] = None
    offset = stored.pop("large_custom_options_offset")
    size = stored.pop("large_custom_options_size")
    stored["large_custom_options"] = offset > 1
    if offset > 1:
        found = _outside(
            model, where, "Operator", "large_custom_options_offset", offset, size, view
        )
        op.custom_options = bytes(found)


def _finish_signature(model: Model, i: int, found: Any) -> SignatureDef:
    made = SignatureDef(
        signature_key=found.signature_key,
        subgraph_index=found.subgraph_index,
        deprecated_tag=found.deprecated_tag,
    )
    for field, target in (("inputs", made.inputs), ("outputs", made.outputs)):
        for entry in getattr(found, field):
            if entry.name in target:
                where = f"signature_defs[{i}]"
                problem = f"the name {entry.name!r} occurs twice"
                raise _fail(model, where, "SignatureDef", field, problem, DAMAGED)
            target[entry.name] = entry.tensor_index
    return made
