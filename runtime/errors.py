"""The base of litefuse's own exceptions, and the one warning category it uses."""

from __future__ import annotations


class LitefuseError(Exception):
    """Something a user can act on: the text says what, where, why, and what to do next.

    Layers derive their own types, usually together with the built-in that callers expect:
    ``class OptionsError(LitefuseError, ValueError)``.
    """


class LitefuseWarning(UserWarning):
    """Said once when litefuse steps aside: the model, or a part, runs as if it were absent."""
