"""litefuse's own interpreter, with the API, the semantics and the error texts of LiteRT's."""

from __future__ import annotations

from litefuse.runtime.interpreter.custom_ops import CustomOp, OpNode, OpResolver, OpTensor
from litefuse.runtime.interpreter.delegation import (
    InterpreterDelegate,
    InterpreterPartition,
    load_delegate,
)
from litefuse.runtime.interpreter.interpreter import (
    Interpreter,
    InterpreterWithCustomOps,
    OpResolverType,
)
from litefuse.runtime.interpreter.shapes import infer_shapes
from litefuse.runtime.interpreter.signature import SignatureRunner

__all__ = [
    "CustomOp",
    "Interpreter",
    "InterpreterDelegate",
    "InterpreterPartition",
    "InterpreterWithCustomOps",
    "OpNode",
    "OpResolver",
    "OpResolverType",
    "OpTensor",
    "SignatureRunner",
    "infer_shapes",
    "load_delegate",
]
