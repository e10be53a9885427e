"""Our interpreter as comparisons want it: on its kernels alone, all tensors kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litefuse.cli import inputs
from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.networks.walk import Array


def keeping(model: Path | bytes) -> Interpreter:
    """Of a file or its bytes, not yet allocated."""
    path, content = (None, model) if isinstance(model, bytes) else (str(model), None)
    return Interpreter(
        path,
        content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )


def fed(interpreter: Interpreter) -> list[Any]:
    """The details of the inputs that a caller feeds: some models list constants among theirs."""
    state = interpreter.subgraph(0)
    return [d for d in interpreter.get_input_details() if not state.is_constant(d["index"])]


def ready(model: Path | bytes, arrays: Sequence[Array]) -> Interpreter:
    """Allocated, and its inputs set."""
    interpreter = keeping(model)
    for detail in interpreter.get_input_details():
        shape = inputs.shape_of(detail)
        if tuple(detail["shape"]) != shape:
            interpreter.resize_tensor_input(detail["index"], list(shape))
    interpreter.allocate_tensors()
    for detail, array in zip(fed(interpreter), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    return interpreter
