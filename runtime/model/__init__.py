"""The .tflite file format: schema as data, verified reader, writer, and a builder for tests."""

from __future__ import annotations

from litefuse.runtime.model.enums import (
    ActivationFunctionType,
    BuiltinOperator,
    Padding,
    TensorType,
)
from litefuse.runtime.model.errors import ModelError
from litefuse.runtime.model.objects import (
    Buffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SignatureDef,
    SubGraph,
    Tensor,
)
from litefuse.runtime.model.reader import read_model

__all__ = [
    "ActivationFunctionType",
    "Buffer",
    "BuiltinOperator",
    "Metadata",
    "Model",
    "ModelError",
    "Operator",
    "OperatorCode",
    "Padding",
    "Quantization",
    "SignatureDef",
    "SubGraph",
    "Tensor",
    "TensorType",
    "read_model",
    "write_model",
]


def __getattr__(name: str) -> object:
    """`write_model` on first use: a cached start never writes a model."""
    if name == "write_model":
        from litefuse.runtime.model.writer import write_model

        return write_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
