"""litefuse: a compiler that acts as a TensorFlow Lite / LiteRT delegate.

Importing this package costs a millisecond: every public name below is resolved when it is first
used, so that a program which only starts a cached network never loads a compiler.
"""

from __future__ import annotations

import os as _os
from importlib import import_module as _import_module

# `os.path` and a bare name rather than pathlib and typing: importing those two would be most of
# the cost of importing this file.
TYPE_CHECKING = False
_root = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))  # noqa: PTH100, PTH120
if _os.path.isfile(_os.path.join(_root, "pyproject.toml")):  # noqa: PTH113, PTH118
    __path__.append(_root)  # a checkout: the stages are sibling folders of this one

if TYPE_CHECKING:
    from litefuse.runtime.artifact import ArtifactError
    from litefuse.runtime.compiled import CompiledModel, compile
    from litefuse.runtime.errors import LitefuseError, LitefuseWarning
    from litefuse.runtime.interpreter import (
        CustomOp,
        Interpreter,
        InterpreterWithCustomOps,
        OpResolverType,
        SignatureRunner,
        load_delegate,
    )
    from litefuse.runtime.kernels import KernelError
    from litefuse.runtime.litert.delegate import Delegate
    from litefuse.runtime.litert.simple import SimpleDelegate
    from litefuse.runtime.model import ModelError
    from litefuse.runtime.options import Options

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "CompiledModel",
    "CustomOp",
    "Delegate",
    "Interpreter",
    "InterpreterWithCustomOps",
    "KernelError",
    "LitefuseError",
    "LitefuseWarning",
    "ModelError",
    "OpResolverType",
    "Options",
    "SignatureRunner",
    "SimpleDelegate",
    "__version__",
    "compile",
    "load_delegate",
]

_HOMES = {
    "ArtifactError": "litefuse.runtime.artifact",
    "CompiledModel": "litefuse.runtime.compiled",
    "CustomOp": "litefuse.runtime.interpreter",
    "Delegate": "litefuse.runtime.litert.delegate",
    "Interpreter": "litefuse.runtime.interpreter",
    "InterpreterWithCustomOps": "litefuse.runtime.interpreter",
    "KernelError": "litefuse.runtime.kernels",
    "LitefuseError": "litefuse.runtime.errors",
    "LitefuseWarning": "litefuse.runtime.errors",
    "ModelError": "litefuse.runtime.model",
    "OpResolverType": "litefuse.runtime.interpreter",
    "Options": "litefuse.runtime.options",
    "SignatureRunner": "litefuse.runtime.interpreter",
    "SimpleDelegate": "litefuse.runtime.litert.simple",
    "compile": "litefuse.runtime.compiled",
    "load_delegate": "litefuse.runtime.interpreter",
}


def __getattr__(name: str) -> object:
    """Resolve a public name on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'litefuse' has no attribute {name!r}")
    value = getattr(_import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, resolved or not."""
    return sorted({*globals(), *__all__})
