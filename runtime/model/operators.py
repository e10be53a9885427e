"""Which option table belongs to which builtin operator."""

from __future__ import annotations

from functools import cache

from litefuse.runtime.model.schema_options import OPTION_TABLES

# Operators whose table is not called after them.
_SHARED = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MULTINOMIAL": "RandomOptions",
    "RANDOM_STANDARD_NORMAL": "RandomOptions",
    "RANDOM_UNIFORM": "RandomOptions",
    "REDUCE_ALL": "ReducerOptions",
    "REDUCE_ANY": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "SUM": "ReducerOptions",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "SequenceRNNOptions",
}


@cache
def _by_spelling() -> dict[str, str]:
    return {name.removesuffix("Options").upper(): name for name in OPTION_TABLES}


@cache
def options_table(operator: str) -> str | None:
    """The option table of a builtin operator ("CONV_2D" -> "Conv2DOptions"), None when it has none
    (RELU, LOGISTIC, CUSTOM ...).
    """
    return _SHARED.get(operator) or _by_spelling().get(operator.replace("_", ""))
