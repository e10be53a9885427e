"""A node's attributes out of LiteRT's C parameter structs (`TfLite*Params`).

The structs are a table: for each operator its fields in the C order, named as in the schema's
options, with the C type, how the value is spelled in the schema, and the operator version from
which on the field is sure to exist. A field's absence means that the schema's default holds.
"""

from __future__ import annotations

import ctypes as c
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from litefuse.runtime.litert.structs import TENSOR_TYPES


class Field(NamedTuple):
    """One member of a C struct."""

    name: str
    format: str
    convert: Callable[[Any], Any]
    since: int = 0


def _from_one(value: int) -> int:
    """C counts paddings and mirror modes from 1 (0 is unknown), the schema from 0."""
    if value < 1:
        raise ValueError("an unknown padding or mode")
    return value - 1


# TfLiteType -> the number of the schema's TensorType of the same name.
_SCHEMA_TYPES = (
    "FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64",
    "INT8", "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4",
    "BFLOAT16", "INT2", "UINT4", "FLOAT8_E4M3FN", "FLOAT8_E5M2",
)  # fmt: skip


def tensor_type(value: int) -> int:
    """The schema's TensorType for a TfLiteType; kTfLiteNoType is the schema's default, FLOAT32."""
    return _SCHEMA_TYPES.index(TENSOR_TYPES[value][0]) if value else 0


def _int(name: str, since: int = 0) -> Field:
    return Field(name, "i", int, since)


def _float(name: str) -> Field:
    return Field(name, "f", float)


def _bool(name: str, since: int = 0) -> Field:
    return Field(name, "?", bool, since)


def _type(name: str, since: int = 0) -> Field:
    return Field(name, "i", tensor_type, since)


_ACTIVATION = _int("fused_activation_function")
_PADDING = Field("padding", "i", _from_one)
_STRIDES = (_int("stride_w"), _int("stride_h"))
_DILATIONS = (_int("dilation_w_factor"), _int("dilation_h_factor"))
_RESIZE = (_bool("align_corners"), _bool("half_pixel_centers"))
_POOL = (_PADDING, *_STRIDES, _int("filter_width"), _int("filter_height"), _ACTIVATION)

_LSTM = (_ACTIVATION, _float("cell_clip"), _float("proj_clip"))

# Eight slots and a count: `read_attributes` cuts them to the count that follows it.
_RESHAPE = (Field("new_shape", "8i", tuple), Field("#new_shape", "i", int))
_SQUEEZE = (Field("squeeze_dims", "8i", tuple), Field("#squeeze_dims", "i", int))

PARAMS: dict[str, tuple[Field, ...]] = {
    "ADD": (_ACTIVATION, _bool("pot_scale_int16")),
    "ARG_MAX": (_type("output_type"),),
    "ARG_MIN": (_type("output_type"),),
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": (_bool("adj_x"), _bool("adj_y"), _bool("asymmetric_quantize_inputs")),
    "CAST": (_type("in_data_type"), _type("out_data_type")),
    "CONCATENATION": (_int("axis"), _ACTIVATION),
    "CONV_2D": (_PADDING, *_STRIDES, _ACTIVATION, *_DILATIONS, _type("quantized_bias_type", 8)),
    "CUMSUM": (_bool("exclusive"), _bool("reverse")),
    "DEPTHWISE_CONV_2D": (_PADDING, *_STRIDES, _int("depth_multiplier"), _ACTIVATION, *_DILATIONS),
    "DEPTH_TO_SPACE": (_int("block_size"),),
    "DIV": (_ACTIVATION,),
    "FULLY_CONNECTED": (
        _ACTIVATION,
        _int("weights_format"),
        _bool("keep_num_dims"),
        _bool("asymmetric_quantize_inputs"),
        _type("quantized_bias_type", 11),
    ),
    "GATHER": (_int("axis"), _int("batch_dims")),
    "GELU": (_bool("approximate"),),
    "L2_NORMALIZATION": (_ACTIVATION,),
    "L2_POOL_2D": _POOL,
    "LEAKY_RELU": (_float("alpha"),),
    "LOCAL_RESPONSE_NORMALIZATION": (
        _int("radius"),
        _float("bias"),
        _float("alpha"),
        _float("beta"),
    ),
    "LSTM": (*_LSTM, _int("kernel_type"), _bool("asymmetric_quantize_inputs")),
    "MAX_POOL_2D": _POOL,
    "MIRROR_PAD": (Field("mode", "i", _from_one),),
    "MUL": (_ACTIVATION,),
    "ONE_HOT": (_int("axis"),),
    "PACK": (_int("values_count"), _int("axis")),
    "RESHAPE": _RESHAPE,
    "RESIZE_BILINEAR": _RESIZE,
    "RESIZE_NEAREST_NEIGHBOR": _RESIZE,
    "REVERSE_SEQUENCE": (_int("seq_dim"), _int("batch_dim")),
    "SHAPE": (_type("out_type"),),
    "SOFTMAX": (_float("beta"),),
    "SPACE_TO_DEPTH": (_int("block_size"),),
    "SPLIT": (_int("num_splits"),),
    "SPLIT_V": (_int("num_splits"),),
    "SQUEEZE": _SQUEEZE,
    "STRIDED_SLICE": (
        _int("begin_mask"),
        _int("end_mask"),
        _int("ellipsis_mask"),
        _int("new_axis_mask"),
        _int("shrink_axis_mask"),
        _bool("offset", 8),
    ),
    "SUB": (_ACTIVATION, _bool("pot_scale_int16")),
    "SVDF": (_int("rank"), _ACTIVATION, _bool("asymmetric_quantize_inputs")),
    "TRANSPOSE_CONV": (_PADDING, *_STRIDES, Field("fused_activation_function", "i", int, 4)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        *_LSTM,
        _bool("time_major"),
        _bool("asymmetric_quantize_inputs"),
        _bool("diagonal_recurrent_tensors", 4),
    ),
    "UNPACK": (_int("num"), _int("axis")),
}
_REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL")
for _reduce in _REDUCTIONS:
    PARAMS[_reduce] = (_bool("keep_dims"),)

# The schema's table for each of them.
TABLES: dict[str, str] = {
    "ADD": "AddOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "CUMSUM": "CumsumOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DIV": "DivOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "GELU": "GeluOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "LOCAL_RESPONSE_NORMALIZATION": "LocalResponseNormalizationOptions",
    "LSTM": "LSTMOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MIRROR_PAD": "MirrorPadOptions",
    "MUL": "MulOptions",
    "ONE_HOT": "OneHotOptions",
    "PACK": "PackOptions",
    "RESHAPE": "ReshapeOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "REVERSE_SEQUENCE": "ReverseSequenceOptions",
    "SHAPE": "ShapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SVDF": "SVDFOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "UNPACK": "UnpackOptions",
}
for _reduce in _REDUCTIONS:
    TABLES[_reduce] = "ReducerOptions"

# Operators whose behaviour is in their tensors alone.
WITHOUT_PARAMS = frozenset(
    """
    ABS ADD_N ATAN2 BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO CEIL COMPLEX_ABS COS DENSIFY
    DEQUANTIZE DYNAMIC_UPDATE_SLICE ELU EQUAL EXP
    EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD GATHER_ND GREATER GREATER_EQUAL HARD_SWISH LESS
    LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MATRIX_DIAG
    MATRIX_SET_DIAG MAXIMUM MINIMUM NEG NOT_EQUAL PAD PADV2 POW PRELU QUANTIZE RANGE RANK RELU
    RELU6 RELU_0_TO_1 RELU_N1_TO_1 REVERSE_V2 ROUND RSQRT SCATTER_ND SEGMENT_SUM SELECT SELECT_V2
    SIGN SIN SLICE SPACE_TO_BATCH_ND SQRT SQUARE SQUARED_DIFFERENCE TANH TILE TOPK_V2 TRANSPOSE
    WHERE ZEROS_LIKE
    """.split()  # noqa: SIM905  a list of sixty quoted names reads worse
)


@lru_cache(maxsize=256)
def _layout(op: str, version: int) -> tuple[struct.Struct, tuple[Field, ...]] | None:
    fields = PARAMS.get(op)
    if fields is None:
        return None
    known = tuple(f for f in fields if f.since <= version)
    return struct.Struct("@" + "".join(f.format for f in known)), known


def read_attributes(op: str, version: int, address: int) -> dict[str, Any] | None:
    """The attributes of an operator by the schema's names; None when they cannot be read.

    `address` is the node's `builtin_data`. Enumerations come as the schema's numbers.
    """
    if op in WITHOUT_PARAMS:
        return {}
    layout = _layout(op, version)
    if layout is None or not address:
        return None
    packed, fields = layout
    values = list(packed.unpack(c.string_at(address, packed.size)))
    result: dict[str, Any] = {}
    for field in fields:
        if field.format == "8i":
            taken, values = values[:8], values[8:]
            result[field.name] = tuple(taken)
            continue
        value = values.pop(0)
        if field.name.startswith("#"):
            name = field.name[1:]
            if not 0 <= value <= 8:
                return None
            result[name] = result[name][:value]
            continue
        try:
            result[field.name] = field.convert(value)
        except (ValueError, KeyError):
            return None
    return result
