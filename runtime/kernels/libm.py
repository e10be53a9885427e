"""The C library's float32 tanh, where its last place decides over an integer.

LiteRT's scalar kernels call the same function; it is right in all but some places in a thousand
(glibc before 2.41), where the tanh rounded correctly from float64 would give another integer.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@cache
def _tanhf() -> Callable[[float], float] | None:
    """The function; None where no C library has it."""
    name = ctypes.util.find_library("m")
    try:
        found = ctypes.CDLL(name).tanhf if name else None
    except (OSError, AttributeError):
        return None
    if found is not None:
        found.restype, found.argtypes = ctypes.c_float, [ctypes.c_float]
    return found


def tanh(x: Floats) -> Floats:
    """tanh of each element, as C's tanhf has it; rounded from float64 where there is none."""
    function = _tanhf()
    if function is None:
        return np.asarray(np.tanh(x.astype(np.float64)), np.float32)
    flat = [function(value) for value in x.ravel().tolist()]
    return np.array(flat, np.float32).reshape(x.shape)
