"""The version a builtin operator needs for given types: what a converter writes into the model.

A runtime refuses a version that it does not know, so a model should ask for the lowest that covers
its types. The table holds what each version added; the first row that matches wins, and 1 is the
answer when none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from litefuse.runtime.model.enums import ActivationFunctionType, TensorType
from litefuse.runtime.model.objects import Tensor

T = TensorType
INT8, INT16, INT32, INT64 = T.INT8, T.INT16, T.INT32, T.INT64


class Row(NamedTuple):
    """A version and what calls for it; None and "" match anything.

    `in0`, `in1`, `out0` are types of the first tensors (`T | T` as a tuple), `when` a fact of
    `_FACTS`, which "!" in front negates.
    """

    version: int
    in0: TensorType | tuple[TensorType, ...] | None = None
    in1: TensorType | tuple[TensorType, ...] | None = None
    out0: TensorType | tuple[TensorType, ...] | None = None
    when: str = ""


def _int8_then_int16(*first: Row) -> tuple[Row, ...]:
    return (*first, Row(3, INT16), Row(2, INT8))


_INT8_INT16 = _int8_then_int16()
_INT8 = (Row(2, INT8),)
_COMPARE = (Row(4, INT16, when="quantized"), Row(3, T.STRING), Row(2, INT8))
_REDUCE = (Row(3, INT16, when="quantized"), Row(2, INT8))

VERSIONS: dict[str, tuple[Row, ...]] = {
    "ABS": (Row(5, INT32), Row(4, INT16, when="!quantized"), Row(3, INT16), Row(2, INT8)),
    "ADD": (
        Row(5, out0=INT16, when="!quantized"),
        Row(4, out0=INT64),
        Row(3, out0=INT16, when="!pot_scale_int16"),
        Row(2, INT8),
    ),
    "ARG_MAX": (Row(3, T.BOOL), Row(2, INT8)),
    "ARG_MIN": (Row(3, T.BOOL), Row(2, INT8)),
    "AVERAGE_POOL_2D": _INT8_INT16,
    "BATCH_MATMUL": (
        Row(3, INT16),
        Row(4, T.FLOAT32, INT8, T.FLOAT32, when="asymmetric_quantize_inputs"),
        Row(2, INT8),
    ),
    "BATCH_TO_SPACE_ND": (Row(4, INT16, when="quantized"), Row(3, when="rank3"), Row(2, INT8)),
    "BROADCAST_TO": (Row(3, (INT8, INT16)), Row(2)),
    "CAST": (
        Row(7, T.BFLOAT16),
        Row(7, out0=T.BFLOAT16),
        Row(6, T.INT4),
        Row(6, out0=T.INT4),
        Row(5, T.FLOAT64),
        Row(5, out0=T.FLOAT64),
        Row(5, T.FLOAT16),
        Row(5, out0=T.FLOAT16),
        Row(4, T.UINT16),
        Row(4, out0=T.UINT16),
        Row(3, INT8),
        Row(3, out0=INT8),
        Row(2, T.BOOL, out0=INT8),
    ),
    "CONCATENATION": _int8_then_int16(Row(4, T.UINT32)),
    "CONV_2D": (
        Row(8, INT16, INT8, INT16, when="quantized_bias_type"),
        Row(4, INT16, INT8, INT16),
        Row(7, INT8, T.INT4, INT8),
        Row(3, INT8, INT8, INT8),
        Row(5, T.FLOAT32, INT8, T.FLOAT32, when="per_channel"),
        Row(2, T.FLOAT32, INT8, T.FLOAT32),
        Row(6, when="grouped"),
    ),
    "DEPTHWISE_CONV_2D": (
        Row(5, INT16, INT8, INT16),
        Row(7, INT8, T.INT4, INT8),
        Row(3, INT8, INT8, INT8),
        Row(6, T.FLOAT32, INT8, T.FLOAT32, when="per_channel"),
        Row(4, T.FLOAT32, INT8, T.FLOAT32),
        Row(2, when="dilated"),
    ),
    "DEPTH_TO_SPACE": _INT8,
    "DEQUANTIZE": (
        Row(6, T.INT4),
        Row(5, when="per_channel"),
        Row(3, INT16),
        Row(2, T.FLOAT16),
        Row(2, INT8),
    ),
    "DIV": (Row(2, T.UINT8),),
    "EMBEDDING_LOOKUP": (
        Row(4, in1=T.INT4),
        Row(3, in1=INT8, when="per_channel"),
        Row(2, in1=T.UINT8),
    ),
    "EQUAL": _COMPARE,
    "EXP": (Row(2, INT8), Row(2, INT16)),
    "FAKE_QUANT": (Row(2, when="narrow_range"),),
    "FILL": (Row(4, in1=T.FLOAT16), Row(3, in1=(INT8, INT16)), Row(2, in1=(T.BOOL, T.STRING))),
    "FLOOR_DIV": (Row(3, (INT8, INT16)), Row(2, T.FLOAT32)),
    "FLOOR_MOD": (Row(2, (INT8, INT16)),),
    "FULLY_CONNECTED": (
        Row(11, INT16, INT8, INT16, when="quantized_bias_type"),
        Row(7, INT16, INT8, INT16),
        Row(10, INT8, T.INT4, INT8),
        Row(8, when="sparse"),
        Row(12, T.FLOAT32, (INT8, T.INT4), T.FLOAT32, when="per_channel"),
        Row(9, T.FLOAT32, INT8, T.FLOAT32, when="asymmetric_quantize_inputs"),
        Row(5, when="keep_num_dims"),
        Row(6, when="two_inputs"),
        Row(3, T.FLOAT32, INT8, T.FLOAT32),
        Row(4, INT8, INT8, INT8),
        Row(2, when="shuffled"),
    ),
    "GATHER": (
        Row(7, T.INT4),
        Row(6, in1=INT16),
        Row(5, when="batch_dims"),
        Row(4, INT16),
        Row(3, T.BOOL),
        Row(2, INT8),
    ),
    "GATHER_ND": (Row(5, T.BOOL), Row(4, in1=INT16), Row(3, INT16), Row(2, INT8)),
    "GELU": _INT8,
    "GREATER": _INT8,
    "GREATER_EQUAL": (Row(3, INT16), Row(2, INT8)),
    "L2_NORMALIZATION": _INT8,
    "LEAKY_RELU": (Row(2, INT16),),
    "LESS": (Row(3, INT16), Row(2, INT8)),
    "LESS_EQUAL": _INT8,
    "LOG": (Row(2, INT8), Row(2, INT16)),
    "LOGISTIC": _INT8_INT16,
    "LOG_SOFTMAX": _INT8,
    "LSTM": (Row(4, T.INT8), Row(3, T.FLOAT32, when="weights_int8")),
    "MAXIMUM": (Row(4, INT16, when="quantized"), Row(3, when="rank5"), Row(2, INT8)),
    "MAX_POOL_2D": _INT8_INT16,
    "MEAN": _REDUCE,
    "MINIMUM": (Row(4, INT16, when="quantized"), Row(3, when="rank5"), Row(2, INT8)),
    "MIRROR_PAD": (Row(3, INT16), Row(2, INT8)),
    "MUL": (
        Row(7, INT16, when="!quantized"),
        Row(7, T.UINT32),
        Row(6, T.COMPLEX64),
        Row(5, INT64),
        Row(4, INT16),
        Row(2, INT8),
    ),
    "NOT_EQUAL": _COMPARE,
    "PACK": (Row(4, T.UINT32), Row(3, INT16), Row(2, INT8)),
    "PAD": (Row(4, INT16), Row(3, when="rank5"), Row(2, INT8)),
    "PADV2": (Row(4, INT16), Row(3, when="rank5"), Row(2, INT8)),
    "QUANTIZE": (
        Row(4, out0=T.INT4),
        Row(3, when="per_channel_out"),
        Row(3, out0=INT16),
        Row(2, (INT8, INT16, T.UINT8)),
        Row(2, out0=T.UINT8),
    ),
    "REDUCE_MAX": _REDUCE,
    "REDUCE_MIN": _REDUCE,
    "REDUCE_PROD": (Row(2, (INT8, INT16)),),
    "RELU": (Row(3, INT16), Row(2, (INT8, T.UINT8))),
    "RELU6": (Row(3, INT16), Row(2, (INT8, T.UINT8))),
    "RESIZE_BILINEAR": (Row(4, INT16), Row(3, when="half_pixel_centers"), Row(2, INT8)),
    "RESIZE_NEAREST_NEIGHBOR": (
        Row(4, INT16),
        Row(3, when="half_pixel_centers"),
        Row(3, when="align_corners"),
        Row(2, INT8),
    ),
    "REVERSE_V2": (Row(3, INT16), Row(2, T.BOOL)),
    "RSQRT": (Row(3, INT16), Row(2, INT8)),
    "SELECT": (Row(4, in1=T.UINT32), Row(3, when="rank5"), Row(2, in1=INT8)),
    "SELECT_V2": (Row(2, in1=T.UINT32),),
    "SLICE": (
        Row(6, T.UINT32),
        Row(5, when="rank5"),
        Row(4, INT16),
        Row(3, T.STRING),
        Row(2, INT8),
    ),
    "SOFTMAX": _INT8_INT16,
    "SPACE_TO_BATCH_ND": (Row(4, INT16, when="quantized"), Row(3, when="rank3"), Row(2, INT8)),
    "SPACE_TO_DEPTH": _INT8,
    "SPLIT": (Row(4, in1=INT16), Row(2, in1=INT8)),
    "SPLIT_V": (Row(2, (INT8, INT16)),),
    "SQUARED_DIFFERENCE": _INT8,
    "SQUEEZE": (Row(2, T.STRING),),
    "STRIDED_SLICE": (
        Row(8, T.UINT32),
        Row(7, INT16),
        Row(6, when="offset"),
        Row(5, when="rank5"),
        Row(4, T.BOOL),
        Row(2, INT8),
    ),
    "SUB": (
        Row(5, out0=INT16, when="!pot_scale_int16"),
        Row(4, out0=INT64),
        Row(3, when="rank5"),
        Row(2, INT8),
    ),
    "SUM": (Row(2, (INT8, INT16)),),
    "SVDF": (
        Row(3, INT8),
        Row(4, T.FLOAT32, INT8, when="asymmetric_quantize_inputs"),
        Row(2, T.FLOAT32, INT8),
    ),
    "TANH": _INT8_INT16,
    "TILE": (Row(3, (INT8, INT16)), Row(2, T.STRING)),
    "TOPK_V2": (Row(3, in1=INT16), Row(2, INT8)),
    "TRANSPOSE": (
        Row(6, when="rank6"),
        Row(5, INT16),
        Row(4, when="rank5"),
        Row(3, T.BOOL),
        Row(2, INT8),
    ),
    "TRANSPOSE_CONV": (
        Row(5, INT16, when="quantized_bias_type"),
        Row(4, when="activated"),
        Row(3, when="four_inputs"),
        Row(2, in1=INT8, out0=INT8),
    ),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        Row(3, T.FLOAT32, when="asymmetric_quantize_inputs"),
        Row(2, T.FLOAT32, when="weights_int8"),
    ),
    "UNPACK": (Row(4, INT16), Row(3, T.BOOL), Row(2, (INT8, T.UINT8))),
    "WHERE": (Row(2, T.BOOL),),
}

# LiteRT's reference resolver stops at these versions, although its kernels are the same code: a
# model that asks for more cannot be compared with the reference.
REFERENCE_MAX = {
    "ABS": 3,
    "ARG_MAX": 2,
    "ARG_MIN": 2,
    "DEPTHWISE_CONV_2D": 6,
    "DEPTH_TO_SPACE": 1,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 4,
    "TILE": 2,
}


def _option(options: Any, name: str, default: Any) -> Any:
    return default if options is None else options.__dict__.get(name, default)


def _scales(tensor: Tensor | None) -> int:
    return 0 if tensor is None or tensor.quantization is None else len(tensor.quantization.scale)


def _facts(
    inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], options: Any
) -> dict[str, bool]:
    first = inputs[0] if inputs else None
    second = inputs[1] if len(inputs) > 1 else None
    out = outputs[0] if outputs else None
    rank = max((len(t.shape) for t in (*inputs, *outputs) if t is not None), default=0)
    channels = first.shape[-1] if first is not None and len(first.shape) == 4 else 0
    depth = second.shape[-1] if second is not None and len(second.shape) == 4 else 0
    activation = _option(options, "fused_activation_function", ActivationFunctionType.NONE)
    return {
        "activated": activation != ActivationFunctionType.NONE,
        "align_corners": bool(_option(options, "align_corners", False)),
        "asymmetric_quantize_inputs": bool(_option(options, "asymmetric_quantize_inputs", False)),
        "batch_dims": bool(_option(options, "batch_dims", 0)),
        "dilated": _option(options, "dilation_w_factor", 1) != 1
        or _option(options, "dilation_h_factor", 1) != 1,
        "four_inputs": len(inputs) == 4 and inputs[3] is not None,
        "grouped": bool(channels and depth) and channels != depth,
        "half_pixel_centers": bool(_option(options, "half_pixel_centers", False)),
        "keep_num_dims": bool(_option(options, "keep_num_dims", False)),
        "narrow_range": bool(_option(options, "narrow_range", False)),
        "offset": bool(_option(options, "offset", False)),
        "per_channel": _scales(first) > 1 or _scales(second) > 1,
        "per_channel_out": _scales(out) > 1,
        "pot_scale_int16": bool(_option(options, "pot_scale_int16", True)),
        "quantized": _scales(first) > 0,
        "quantized_bias_type": _option(options, "quantized_bias_type", T.FLOAT32) == INT32,
        "rank3": first is not None and len(first.shape) == 3,
        "rank5": rank > 4,
        "rank6": rank > 5,
        "shuffled": bool(_option(options, "weights_format", 0)),
        "sparse": second is not None and second.sparsity is not None,
        "two_inputs": len(inputs) == 2 or (len(inputs) > 2 and inputs[2] is None),
        "weights_int8": any(t is not None and t.type in (INT8, T.UINT8) for t in inputs[1:]),
    }


def _is(tensor: Tensor | None, wanted: TensorType | tuple[TensorType, ...] | None) -> bool:
    if wanted is None:
        return True
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    return tensor is not None and tensor.type in allowed


def operator_version(
    operator: str, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], options: Any = None
) -> int:
    """The version of a builtin operator for these tensors (None for an absent input) and options.

    1 for an operator that never changed; never more than `REFERENCE_MAX`.
    """
    rows = VERSIONS.get(operator, ())
    facts = _facts(inputs, outputs, options) if rows else {}
    first = inputs[0] if inputs else None
    second = inputs[1] if len(inputs) > 1 else None
    out = outputs[0] if outputs else None
    for row in rows:
        wanted = not row.when.startswith("!")
        if (
            _is(first, row.in0)
            and _is(second, row.in1)
            and _is(out, row.out0)
            and (not row.when or facts[row.when.lstrip("!")] == wanted)
        ):
            return min(row.version, REFERENCE_MAX.get(operator, row.version))
    return 1
