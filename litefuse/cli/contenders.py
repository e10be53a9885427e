"""The interpreters that commands run side by side, each made the same way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
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


@dataclass
class Contender:
    """An interpreter with its name, and litefuse's delegate where it has one."""

    name: str
    interpreter: Any
    delegate: Any = None

    @property
    def title(self) -> str:
        """What it is, in the words of the reports."""
        return CONTENDERS[self.name]

    @property
    def input_details(self) -> list[dict[str, Any]]:
        """The interpreter's inputs: name, shape, dtype, quantization, index."""
        return list(self.interpreter.get_input_details())

    @property
    def output_details(self) -> list[dict[str, Any]]:
        """The interpreter's outputs, in the same form."""
        return list(self.interpreter.get_output_details())

    def allocate(self, shapes: Sequence[Sequence[int]] | None = None) -> None:
        """``allocate_tensors``, with the inputs resized to ``shapes``.

        Without shapes, dimensions that the model leaves open become 1.
        """
        details = self.input_details
        wanted = shapes or [inputs.shape_of(detail) for detail in details]
        with self._refusals():
            for detail, shape in zip(details, wanted, strict=True):
                if tuple(detail["shape"]) != tuple(shape):
                    self.interpreter.resize_tensor_input(detail["index"], list(shape))
            self.interpreter.allocate_tensors()

    def feed(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Set every input."""
        with self._refusals():
            for detail, array in zip(self.input_details, arrays, strict=True):
                self.interpreter.set_tensor(detail["index"], array)

    def run(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Set the inputs, invoke, and give copies of the outputs."""
        self.feed(arrays)
        with self._refusals():
            self.interpreter.invoke()
            return [
                np.asarray(self.interpreter.get_tensor(detail["index"]))
                for detail in self.output_details
            ]

    def claimed(self) -> str:
        """How many nodes litefuse runs, in one line; empty for a contender without litefuse."""
        return str(self.delegate.summary()) if self.delegate is not None else ""

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        with refusals(self.name):
            yield


def make(
    name: str, model: Path | bytes, options: Options, *, rest_as: str | None = None
) -> Contender:
    """An interpreter of that name over the model, not yet allocated, on ``options.threads()``.

    ``rest_as`` names the contender whose kernels run the nodes that litefuse does not claim, where
    LiteRT's usual ones (XNNPACK first) shall not.
    """
    words: dict[str, Any] = {"num_threads": options.threads()}
    if isinstance(model, bytes):
        words["model_content"] = model
    else:
        words["model_path"] = str(model)
    delegate: Any = None
    if name == "own":
        from litefuse.runtime.delegate import CompilingDelegate

        delegate = CompilingDelegate(options)
    elif name == "litefuse":
        from litefuse.runtime.litert.delegate import Delegate

        delegate = Delegate(**{item.name: getattr(options, item.name) for item in fields(options)})
    if delegate is not None:
        words["experimental_delegates"] = [delegate]
    module: Any
    if name in ("own", "plain"):
        from litefuse.runtime import interpreter as module
    else:
        module = litert()
    words["experimental_op_resolver_type"] = getattr(
        module.OpResolverType, _RESOLVERS[rest_as or name]
    )
    with refusals(name):
        return Contender(name, module.Interpreter(**words), delegate)


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """LiteRT's exceptions become errors that say who refused; litefuse's own stay as they are."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if type(error).__module__.startswith("litefuse."):
            raise
        raise click.ClickException(f"{CONTENDERS[name]} refuses: {error}") from error
