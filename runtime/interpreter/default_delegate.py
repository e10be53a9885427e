"""The one seam through which an interpreter finds the delegate it uses when none is given."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from litefuse.runtime.interpreter.delegation import InterpreterDelegate, check_delegate

_HOME = "litefuse.runtime.delegate"


def default_delegate(num_threads: int) -> InterpreterDelegate | None:
    """litefuse's own delegate for `num_threads` threads; None in a build without a compiler.

    The home module offers `default_delegate(num_threads: int) -> InterpreterDelegate`.
    """
    if find_spec(_HOME) is None:
        return None
    return check_delegate(import_module(_HOME).default_delegate(num_threads))
