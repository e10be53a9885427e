"""The exceptions of the runtime, their common base, and the one warning category litefuse uses.

Every text says what went wrong, where, why, and what to do next. `ArtifactError`, `ModelError`
and `KernelError` live beside what raises them.
"""

from __future__ import annotations


class LitefuseError(Exception):
    """Something a user can act on: the text says what, where, why, and what to do next.

    Layers derive their own types, usually together with the built-in that callers expect:
    ``class OptionError(LitefuseError, ValueError)``.
    """


class LitefuseWarning(UserWarning):
    """Said once when litefuse steps aside: a model, or a part, runs as if litefuse were absent."""


class OptionError(LitefuseError, TypeError, ValueError):
    """An option is unknown (callers expect a TypeError) or its value is bad (or a ValueError)."""


class CacheError(LitefuseError, OSError):
    """The cache directory cannot be used: not ours, writable by others, or not creatable."""


class LoadError(LitefuseError, RuntimeError):
    """An artifact cannot be mapped: unsafe file, damaged contents, or code for another machine."""


class ExecutionError(LitefuseError, RuntimeError):
    """A compiled partition cannot run: closed, not bound, or the native code reported a failure."""


class PortError(LitefuseError, TypeError, ValueError):
    """An array does not fit the port it was given for, in number, dtype or shape."""


class ThreadError(LitefuseError, RuntimeError):
    """The worker threads cannot be had exactly as asked."""


class BuildError(LitefuseError, RuntimeError):
    """A partition cannot be planned or compiled; ``__cause__`` is the compiler's own exception."""
