"""The newest version of each builtin operator that a model may ask for.

Those that LiteRT 2.3 registers in any of its resolvers (read off the interpreter itself, which
refuses others when a model is opened): a newer version means something that no kernel here knows.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from litefuse.runtime.model import BuiltinOperator

if TYPE_CHECKING:
    from litefuse.runtime.model import Model

# Version 1 is the newest of those that are not here.
_NEWEST: dict[int, tuple[str, ...]] = {
    2: (
        "COS",
        "DEPTH_TO_SPACE",
        "DIV",
        "EXP",
        "FAKE_QUANT",
        "FLOOR_MOD",
        "GREATER",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LESS_EQUAL",
        "LOG",
        "LOG_SOFTMAX",
        "RANGE",
        "REDUCE_PROD",
        "SELECT_V2",
        "SIGN",
        "SIN",
        "SPACE_TO_DEPTH",
        "SQRT",
        "SQUARED_DIFFERENCE",
        "SQUEEZE",
        "SUM",
        "WHERE",
    ),
    3: (
        "ARG_MAX",
        "ARG_MIN",
        "AVERAGE_POOL_2D",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "FLOOR_DIV",
        "GELU",
        "GREATER_EQUAL",
        "LESS",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MIRROR_PAD",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RELU",
        "RELU6",
        "RNN",
        "RSQRT",
        "SPARSE_TO_DENSE",
        "SPLIT_V",
        "TANH",
        "TILE",
        "TOPK_V2",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
    ),
    4: (
        "BATCH_MATMUL",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_TO",
        "LSTM",
        "MAXIMUM",
        "MINIMUM",
        "NOT_EQUAL",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2",
        "SELECT",
        "SOFTMAX",
        "SPACE_TO_BATCH_ND",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
    ),
    5: (
        "ABS",
        "EMBEDDING_LOOKUP",
        "EQUAL",
        "FILL",
        "PACK",
        "SPLIT",
        "SUB",
        "TRANSPOSE_CONV",
    ),
    6: (
        "ADD",
        "DYNAMIC_UPDATE_SLICE",
        "GATHER_ND",
        "PAD",
        "PADV2",
        "QUANTIZE",
        "UNPACK",
    ),
    7: (
        "CONCATENATION",
        "DEPTHWISE_CONV_2D",
    ),
    8: (
        "CONV_2D",
        "GATHER",
        "MUL",
        "SLICE",
        "STRIDED_SLICE",
    ),
    9: (
        "CAST",
        "DEQUANTIZE",
        "TRANSPOSE",
    ),
    14: ("FULLY_CONNECTED",),
}
NEWEST = {name: version for version, names in _NEWEST.items() for name in names}


def check_versions(model: Model, replaced: Container[tuple[bool, str]] = ()) -> None:
    """ValueError, in LiteRT's words, for an operator code of a version that is not known yet.

    `replaced` are the keys of operators that a user's functions run, of any version.
    """
    for code in model.operator_codes:
        name = code.name
        builtin = code.builtin_code != BuiltinOperator.CUSTOM
        if builtin and (True, name) not in replaced and code.version > NEWEST.get(name, 1):
            raise ValueError(
                f"Didn't find op for builtin opcode '{name}' version '{code.version}'. An older "
                "version of this builtin might be supported. Are you using an old TFLite binary "
                "with a newer model?\nRegistration failed.\n"
            )
