"""litefuse's own interpreter, with the API, the semantics and the error texts of LiteRT's."""

from __future__ import annotations

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
from litefuse.runtime.interpreter.signature import SignatureRunner

__all__ = [
    "Interpreter",
    "InterpreterDelegate",
    "InterpreterPartition",
    "InterpreterWithCustomOps",
    "OpResolverType",
    "SignatureRunner",
    "load_delegate",
]
