"""Python arguments as LiteRT's binding takes them: what converts, and what is a TypeError."""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.runtime.interpreter import errors
from litefuse.runtime.kernels.base import Array

_INT32 = range(-(2**31), 2**31)


def whole_number(value: Any, function: str, name: str) -> int:
    """An int32 argument: any number that is no Python float (NumPy's 0-d arrays too).

    TypeError, in the words that LiteRT's binding begins with, for everything else.
    """
    kind = type(value)
    if not isinstance(value, float) and (hasattr(kind, "__index__") or hasattr(kind, "__int__")):
        try:
            number = int(value)
        except TypeError:
            number = _INT32.stop
        if number in _INT32:
            return number
    raise _incompatible(function, name, "an integer of 32 bits", value)


def flag(value: Any, function: str, name: str) -> bool:
    """A bool argument: None and whatever has a truth value of its own; TypeError otherwise."""
    if value is None:
        return False
    if hasattr(type(value), "__bool__"):
        try:
            return bool(value)
        except ValueError:  # an array of several elements
            pass
    raise _incompatible(function, name, "a bool", value)


def content(value: Any) -> bytes | bytearray | memoryview:
    """A model's bytes, of any type that lends them; TypeError otherwise."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return value
    raise _incompatible("CreateWrapperFromBuffer", "model_content", "bytes", value)


def readable(value: Any) -> Array:
    """The array that NumPy makes of what set_tensor was given; ValueError if it makes none."""
    try:
        return np.asarray(value)
    except Exception as error:
        raise ValueError(errors.UNREADABLE) from error


def texts(given: Any, value: Array) -> Array:
    """An object array of bytes from an array of str or bytes; ValueError for other elements, and
    when `given`, of which `value` was made, was no array itself.
    """
    if not isinstance(given, np.ndarray):
        raise errors.no_array(given)
    out = np.empty(value.shape, object)
    for i, item in np.ndenumerate(value):
        if isinstance(item, str):
            try:
                out[i] = item.encode()
            except UnicodeEncodeError as error:
                raise ValueError(errors.NOT_UTF8) from error
        elif isinstance(item, bytes):
            out[i] = bytes(item)
        else:
            raise ValueError(errors.NOT_BYTES)
    return out


def _incompatible(function: str, name: str, wanted: str, value: Any) -> TypeError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return TypeError(
        f"{function}(): incompatible function arguments. "
        f"{name} must be {wanted}, not {shown} ({type(value).__name__})"
    )
