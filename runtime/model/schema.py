"""The tables of the .tflite schema (version 3) as data, and the small notation they are written in.

A table is one string: its fields in slot order, each ``name:type`` or ``name:type=default``. A
type is a scalar (`i8 u8 i16 u16 i32 u32 i64 u64 f32 bool`), `str`, an enumeration, a table, a
union, or any but a union in brackets for a vector. A union takes two slots, the first (not
written) for its type number. The notation is turned into `Field` tuples when a table is first
used, which keeps a cached start fast.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

from litefuse.runtime.model import enums
from litefuse.runtime.model.schema_options import BUILTIN_OPTIONS, BUILTIN_OPTIONS_2, OPTION_TABLES

FILE_IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3

CORE_TABLES = {
    "Model": "version:u32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:str"
    " buffers:[Buffer] metadata_buffer:[i32] metadata:[Metadata] signature_defs:[SignatureDef]"
    " external_buffer_groups:[ExternalBufferGroup] external_buffers:[ExternalBuffer]",
    "OperatorCode": "deprecated_builtin_code:i8 custom_code:str version:i32=1"
    " builtin_code:BuiltinOperator",
    "SubGraph": "tensors:[Tensor] inputs:[i32] outputs:[i32] operators:[Operator] name:str"
    " debug_metadata_index:i32=-1",
    "Tensor": "shape:[i32] type:TensorType buffer:u32 name:str"
    " quantization:QuantizationParameters is_variable:bool sparsity:SparsityParameters"
    " shape_signature:[i32] has_rank:bool variant_tensors:[VariantSubType] external_buffer:u32",
    "Operator": "opcode_index:u32 inputs:[i32] outputs:[i32] builtin_options:BuiltinOptions"
    " custom_options:[u8] custom_options_format:CustomOptionsFormat"
    " mutating_variable_inputs:[bool] intermediates:[i32] large_custom_options_offset:u64"
    " large_custom_options_size:u64 builtin_options_2:BuiltinOptions2 debug_metadata_index:i32=-1",
    "Buffer": "data:[u8] offset:u64 size:u64",
    "Metadata": "name:str buffer:u32",
    "TensorMap": "name:str tensor_index:u32",
    # Slot 3 is a deprecated string that early writers filled and no runtime read.
    "SignatureDef": "inputs:[TensorMap] outputs:[TensorMap] signature_key:str"
    " deprecated_tag:str subgraph_index:u32",
    "ExternalBufferGroup": "name:str",
    "ExternalBuffer": "id:u32 group:u32 offset:u64 length:u64 packing:str",
    "QuantizationParameters": "min:[f32] max:[f32] scale:[f32] zero_point:[i64]"
    " details:QuantizationDetails quantized_dimension:i32",
    "CustomQuantization": "custom:[u8]",
    "BlockwiseQuantization": "scales:i32 zero_points:i32 block_size:i32 block_shape:[i32]",
    "MultiAxisQuantization": "scales:i32 zero_points:i32 block_size:i32 quantized_dimensions:[i32]",
    "SparsityParameters": "traversal_order:[i32] block_map:[i32] dim_metadata:[DimensionMetadata]",
    "DimensionMetadata": "format:DimensionType dense_size:i32 array_segments:SparseIndexVector"
    " array_indices:SparseIndexVector",
    "Int32Vector": "values:[i32]",
    "Uint16Vector": "values:[u16]",
    "Uint8Vector": "values:[u8]",
    "VariantSubType": "shape:[i32] type:TensorType has_rank:bool",
}

TABLES: dict[str, str] = {**CORE_TABLES, **OPTION_TABLES}

# Position in the tuple is the number stored in the type slot; 0 is "none".
UNIONS: dict[str, tuple[str, ...]] = {
    "BuiltinOptions": BUILTIN_OPTIONS,
    "BuiltinOptions2": BUILTIN_OPTIONS_2,
    "QuantizationDetails": (
        "NONE",
        "CustomQuantization",
        "BlockwiseQuantization",
        "MultiAxisQuantization",
    ),
    "SparseIndexVector": ("NONE", "Int32Vector", "Uint16Vector", "Uint8Vector"),
}

# `struct` letter of each scalar.
SCALARS = {
    "i8": "b",
    "u8": "B",
    "i16": "h",
    "u16": "H",
    "i32": "i",
    "u32": "I",
    "i64": "q",
    "u64": "Q",
    "f32": "f",
    "bool": "?",
}
SIZES = {"b": 1, "B": 1, "?": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8}

# Enumerations are stored as bytes unless listed here.
WIDE_ENUMS = {
    "BuiltinOperator": "i",
    "ReduceWindowFunction": "i",
    "StablehloComparisonDirection": "I",
    "StablehloComparisonType": "I",
    "StablehloPrecisionConfig": "I",
}


class Field(NamedTuple):
    """One field of a table.

    `form` is "scalar", "enum", "str", "table", "union", "vector" (of scalars), "enums", "strs" or
    "tables" (vectors of those); `slot` its vtable slot (for a union that of the value, the type
    number being in `slot - 1`); `letter` the struct letter of the scalar, enum or vector element;
    `type` the type's name in the notation; `default` what an absent field means.
    """

    name: str
    form: str
    slot: int
    letter: str
    type: str
    default: Any


def enum_class(name: str) -> type[IntEnum] | None:
    """The enumeration of this schema name, or None when the name is not one."""
    found = getattr(enums, name, None)
    return found if isinstance(found, type) and issubclass(found, IntEnum) else None


def _field(text: str, slot: int) -> Field:
    name, _, rest = text.partition(":")
    kind, _, default = rest.partition("=")
    vector = kind.startswith("[")
    kind = kind.strip("[]")
    if kind in SCALARS:
        letter = SCALARS[kind]
        if vector:
            return Field(name, "vector", slot, letter, kind, ())
        value: Any = {"f": float, "?": lambda t: t == "true"}.get(letter, int)(default or "0")
        return Field(name, "scalar", slot, letter, kind, value)
    if kind == "str":
        return Field(name, "strs" if vector else "str", slot, "I", kind, () if vector else None)
    if kind in UNIONS:
        return Field(name, "union", slot + 1, "I", kind, None)
    if kind in TABLES:
        return Field(name, "tables" if vector else "table", slot, "I", kind, () if vector else None)
    enum = enum_class(kind)
    if enum is None:
        raise KeyError(f"schema notation: {text!r} names no type")
    letter = WIDE_ENUMS.get(kind, "b")
    if vector:
        return Field(name, "enums", slot, letter, kind, ())
    return Field(name, "enum", slot, letter, kind, enum[default] if default else enum(0))


@cache
def fields(table: str) -> tuple[Field, ...]:
    """The fields of a table in slot order. KeyError for a name that is not in the schema."""
    made: list[Field] = []
    slot = 0
    for text in TABLES[table].split():
        made.append(_field(text, slot))
        slot = made[-1].slot + 1
    return tuple(made)


@cache
def slot_count(table: str) -> int:
    """How many vtable slots the schema gives this table."""
    known = fields(table)
    return known[-1].slot + 1 if known else 0
