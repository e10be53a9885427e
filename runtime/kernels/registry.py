"""Which module holds which op: one explicit table, read lazily."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from litefuse.runtime.kernels.base import Kernel

# One line a module.  A module's `KERNELS` tuple holds exactly the ops named here.
MODULES: dict[str, tuple[str, ...]] = {
    "add_n": ("ADD_N",),
    "add_sub": ("ADD", "SUB"),
    "arrange": (
        "TRANSPOSE",
        "PACK",
        "UNPACK",
        "TILE",
        "BROADCAST_TO",
        "REVERSE_V2",
        "DEPTH_TO_SPACE",
        "SPACE_TO_DEPTH",
        "SPACE_TO_BATCH_ND",
        "BATCH_TO_SPACE_ND",
    ),
    "batch_matmul": ("BATCH_MATMUL",),
    "bidirectional_lstm": ("BIDIRECTIONAL_SEQUENCE_LSTM",),
    "binary": (
        "DIV",
        "POW",
        "MAXIMUM",
        "MINIMUM",
        "SQUARED_DIFFERENCE",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "ATAN2",
        "LOGICAL_AND",
        "LOGICAL_OR",
        "BITWISE_XOR",
        "RIGHT_SHIFT",
    ),
    "bitcast": ("BITCAST",),
    "broadcast_args": ("BROADCAST_ARGS",),
    "bucketize": ("BUCKETIZE",),
    "cast": ("CAST",),
    "compare": (
        "EQUAL",
        "NOT_EQUAL",
        "LESS",
        "LESS_EQUAL",
        "GREATER",
        "GREATER_EQUAL",
        "SELECT",
        "SELECT_V2",
    ),
    "concatenation": ("CONCATENATION",),
    "control_flow": ("IF", "WHILE", "STABLEHLO_COMPOSITE"),
    "conv_2d": ("CONV_2D",),
    "conv_3d": ("CONV_3D", "CONV_3D_TRANSPOSE"),
    "cumsum": ("CUMSUM",),
    "densify": ("DENSIFY",),
    "depthwise_conv_2d": ("DEPTHWISE_CONV_2D",),
    "dilate": ("DILATE", "STABLEHLO_PAD"),
    "embedding_lookup": ("EMBEDDING_LOOKUP",),
    "embedding_lookup_sparse": ("EMBEDDING_LOOKUP_SPARSE",),
    "fully_connected": ("FULLY_CONNECTED",),
    "gather": ("GATHER", "GATHER_ND", "ONE_HOT", "FILL", "RANGE", "WHERE"),
    "hashtable": ("HASHTABLE", "HASHTABLE_IMPORT", "HASHTABLE_FIND", "HASHTABLE_SIZE"),
    "hashtable_lookup": ("HASHTABLE_LOOKUP",),
    "l2_normalization": ("L2_NORMALIZATION",),
    "local_response_normalization": ("LOCAL_RESPONSE_NORMALIZATION",),
    "lsh_projection": ("LSH_PROJECTION",),
    "lstm": ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    "matrix_diag": ("MATRIX_DIAG", "MATRIX_SET_DIAG"),
    "mul": ("MUL",),
    "non_max_suppression": ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5"),
    "pad": ("PAD", "PADV2", "MIRROR_PAD"),
    "pool_2d": ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"),
    "quantize": ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT"),
    "random_numbers": ("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", "MULTINOMIAL"),
    "ranking": ("ARG_MAX", "ARG_MIN", "TOPK_V2"),
    "reduce": (
        "MEAN",
        "SUM",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "REDUCE_ANY",
        "REDUCE_ALL",
    ),
    "reduce_window": ("REDUCE_WINDOW", "STABLEHLO_REDUCE_WINDOW"),
    "relu": ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"),
    "reshape": ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "SHAPE", "RANK"),
    "resize": ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"),
    "reverse_sequence": ("REVERSE_SEQUENCE",),
    "scatter": ("SCATTER_ND", "SPARSE_TO_DENSE"),
    "segment": (
        "SEGMENT_SUM",
        "UNSORTED_SEGMENT_SUM",
        "UNSORTED_SEGMENT_PROD",
        "UNSORTED_SEGMENT_MAX",
        "UNSORTED_SEGMENT_MIN",
    ),
    "sigmoid": ("LOGISTIC", "TANH"),
    "skip_gram": ("SKIP_GRAM",),
    "rnn": ("RNN", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN"),
    "slice": ("STRIDED_SLICE", "SLICE", "SPLIT", "SPLIT_V", "DYNAMIC_UPDATE_SLICE"),
    "smooth_relu": ("HARD_SWISH", "LEAKY_RELU", "PRELU", "ELU", "GELU"),
    "softmax": ("SOFTMAX", "LOG_SOFTMAX"),
    "spectrum": ("RFFT2D", "REAL", "IMAG", "COMPLEX_ABS"),
    "stablehlo_binary": (
        "STABLEHLO_ADD",
        "STABLEHLO_MULTIPLY",
        "STABLEHLO_MAXIMUM",
        "STABLEHLO_MINIMUM",
        "STABLEHLO_AND",
        "STABLEHLO_SHIFT_LEFT",
    ),
    "stablehlo_case": ("STABLEHLO_CASE",),
    "stablehlo_gather": ("STABLEHLO_GATHER",),
    "stablehlo_rng": ("STABLEHLO_RNG_BIT_GENERATOR",),
    "stablehlo_scatter": ("STABLEHLO_SCATTER",),
    "svdf": ("SVDF",),
    "transpose_conv": ("TRANSPOSE_CONV",),
    "unary": (
        "ABS",
        "NEG",
        "EXP",
        "LOG",
        "SQRT",
        "RSQRT",
        "SQUARE",
        "SIN",
        "COS",
        "FLOOR",
        "CEIL",
        "ROUND",
        "SIGN",
        "ZEROS_LIKE",
        "LOGICAL_NOT",
    ),
    "unique": ("UNIQUE",),
    "variables": ("VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE", "CALL_ONCE"),
}


class KernelTable(Mapping[str, Kernel]):
    """Kernels by operator name; a module is imported when one of its ops is first looked up."""

    def __init__(self, modules: Mapping[str, tuple[str, ...]]) -> None:
        self._home = {op: module for module, ops in modules.items() for op in ops}
        self._loaded: dict[str, Kernel] = {}

    def __getitem__(self, name: str) -> Kernel:
        """The kernel of this op; KeyError when there is none."""
        kernel = self._loaded.get(name)
        if kernel is None:
            module = import_module(f"litefuse.runtime.kernels.{self._home[name]}")
            self._loaded.update((found.name, found) for found in module.KERNELS)
            kernel = self._loaded[name]
        return kernel

    def __contains__(self, name: object) -> bool:
        """Whether the op has a kernel, without importing it."""
        return name in self._home

    def __iter__(self) -> Iterator[str]:
        """The op names in the table's order."""
        return iter(self._home)

    def __len__(self) -> int:
        """How many ops have a kernel."""
        return len(self._home)


KERNELS = KernelTable(MODULES)
