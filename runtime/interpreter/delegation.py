"""How a delegate claims nodes in our interpreter.

A delegate here is any Python object with a method `claim`; it gets the parsed model and the shapes
known at allocation, and answers with partitions.  Each partition says which nodes it replaces,
which tensors it reads and writes (constants are its own affair), and prepares a callable that
takes the input arrays in order and returns the output arrays in order.  The interpreter hands out
arrays without copying and keeps the returned ones until the next invoke, so an executable may
reuse its output buffers from call to call.  After every resize the partitions are closed and
claimed anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from litefuse.runtime.kernels.base import Array, Shape

if TYPE_CHECKING:
    from litefuse.runtime.model import Model

Executable = Callable[..., Sequence[Array]]


@runtime_checkable
class InterpreterPartition(Protocol):
    """Nodes that one executable replaces.

    `nodes` are operator indices of the subgraph; `inputs` and `outputs` model tensor indices.
    Every tensor that the nodes produce and anything outside reads must be among `outputs`.
    """

    @property
    def nodes(self) -> Sequence[int]:
        """The operators replaced, in execution order."""

    @property
    def inputs(self) -> Sequence[int]:
        """Tensors read, without constants, in the executable's argument order."""

    @property
    def outputs(self) -> Sequence[int]:
        """Tensors written, in the order of the executable's results."""

    def prepare(self, num_threads: int) -> Executable:
        """An executable for the shapes given to `claim`; it may have a method `close`."""


@runtime_checkable
class InterpreterDelegate(Protocol):
    """What `experimental_delegates` of our interpreter holds."""

    def claim(
        self, model: Model, subgraph_index: int, shapes: Mapping[int, Shape]
    ) -> Iterable[InterpreterPartition]:
        """Partitions to run instead of the nodes they name; none leaves the graph alone.

        `shapes` has the shape of each tensor that is certain at allocation; a tensor that is not in
        it has a shape that only the run will tell, so nodes that touch it cannot be claimed.
        """


def check_delegate(delegate: Any) -> InterpreterDelegate:
    """The delegate itself; ValueError for a native one, AttributeError (LiteRT's type and text)
    for what is no delegate at all.
    """
    if isinstance(delegate, InterpreterDelegate):
        return delegate
    kind = type(delegate).__name__
    if hasattr(delegate, "_get_native_delegate_pointer"):
        raise ValueError(
            f"delegate {kind} is a native TfLiteDelegate, which needs LiteRT's own interpreter; "
            "pass it to ai_edge_litert.interpreter.Interpreter, or give litefuse.Interpreter a "
            "delegate with a `claim` method"
        )
    raise AttributeError(
        f"{kind!r} object has no attribute '_get_native_delegate_pointer' and is no delegate here "
        "either: it has no `claim` method (see litefuse.runtime.interpreter.InterpreterDelegate)"
    )


def load_delegate(library: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Any:
    """Always an error: a shared library holds a native TfLiteDelegate, which only LiteRT can run.

    It exists so that a program written for LiteRT gets this answer where it asks: OSError when the
    library cannot be loaded, AttributeError when it is no delegate's, ValueError when it is one.
    """
    from ctypes import PyDLL  # not at module scope: few programs need it

    _ = PyDLL(library).tflite_plugin_create_delegate  # type: ignore[arg-type]  # paths too
    given = f" with options {dict(options)}" if options else ""
    raise ValueError(
        f"Failed to load delegate from {os.fspath(library)}{given}\n"
        "litefuse.Interpreter runs no native delegate libraries; load it with "
        "ai_edge_litert.interpreter.load_delegate and use LiteRT's Interpreter"
    )
