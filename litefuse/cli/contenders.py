"""The interpreters that commands run side by side, each made the same way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from litefuse.cli import inputs

if TYPE_CHECKING:
    from litefuse.runtime.options import Options

# name -> what it is, in the words of the reports.
CONTENDERS = {
    "litefuse": "LiteRT with litefuse.Delegate",
    "own": "litefuse.Interpreter",
    "plain": "litefuse.Interpreter on NumPy kernels, nothing compiled",
    "xnnpack": "LiteRT with XNNPACK, its default",
    "builtin": "LiteRT's built-in kernels, no delegate",
    "reference": "LiteRT's reference kernels (BUILTIN_REF)",
}
OURS = ("litefuse", "own")
# Members of OpResolverType: LiteRT's enum and ours have the same names.
_RESOLVERS = {
    "litefuse": "AUTO",
    "own": "AUTO",
    "plain": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "AUTO",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}


def litert() -> Any:
    """The module with LiteRT's interpreter; an error with a remedy where it is not installed."""
    try:
        # Its C++ side logs an INFO line per delegate: noise beside our tables.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise click.ClickException(
            f"LiteRT cannot be imported ({error}): install it with "
            "`pip install 'litefuse[litert]'`, or use what needs none of it (`run --in own`)"
        ) from error
    return interpreter


def make(name: str, model: Path | bytes, options: Options, *, keep_all: bool = False) -> Any:
    """An interpreter of that name over the model, not yet allocated, on ``options.threads()``."""
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    common: dict[str, Any] = {"num_threads": options.threads(), **source}
    if keep_all:
        common["experimental_preserve_all_tensors"] = True
    if name in OURS:
        common["experimental_delegates"] = [delegate(options)]
    module: Any
    if name in ("own", "plain"):
        from litefuse.runtime import interpreter as module
    else:
        module = litert()
    common["experimental_op_resolver_type"] = getattr(module.OpResolverType, _RESOLVERS[name])
    try:
        return module.Interpreter(**common)
    except (ValueError, RuntimeError) as error:
        raise refused(name, error) from error


def delegate(options: Options) -> Any:
    """A litefuse delegate with these options."""
    from litefuse.runtime.litert.delegate import Delegate

    return Delegate(**{item.name: getattr(options, item.name) for item in fields(options)})


def allocate(name: str, interpreter: Any) -> None:
    """``allocate_tensors``, with open dimensions set to 1; a refusal names the contender."""
    try:
        for detail in interpreter.get_input_details():
            shape = inputs.shape_of(detail)
            if tuple(detail["shape"]) != shape:
                interpreter.resize_tensor_input(detail["index"], shape)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise refused(name, error) from error


def resize(name: str, interpreter: Any, index: int, shape: Sequence[int]) -> None:
    """``resize_tensor_input``; a refusal names the contender."""
    try:
        interpreter.resize_tensor_input(index, list(shape))
    except (ValueError, RuntimeError) as error:
        raise refused(name, error) from error


def run(name: str, interpreter: Any, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Set the inputs, invoke, and give copies of the outputs."""
    try:
        feed(interpreter, arrays)
        interpreter.invoke()
        return [
            np.asarray(interpreter.get_tensor(detail["index"]))
            for detail in interpreter.get_output_details()
        ]
    except (ValueError, RuntimeError) as error:
        raise refused(name, error) from error


def feed(interpreter: Any, arrays: Sequence[NDArray[Any]]) -> None:
    """Set every input."""
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)


def refused(name: str, error: Exception) -> Exception:
    """The error as a user should see it: litefuse's own as they are, LiteRT's with who said it."""
    if type(error).__module__.startswith("litefuse."):
        return error
    return click.ClickException(f"{CONTENDERS[name]} refuses: {error}")
