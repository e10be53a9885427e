"""Float functions and sums as the reference's scalar loops have them, nearly always to the bit.

The C library's float32 functions are all but correctly rounded (glibc computes most of them in
double), where NumPy's vector ones may be 3 units in the last place off: so they go through a wider
type here.  A sum in the reference goes through the elements in their order, where NumPy's goes by
pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array

Floats = Array | np.floating[Any]
Function = Callable[[Floats], Array]


# Units in the last place between one of these functions and the C library's.  Ours is rounded once,
# from a wider type, to within half a unit of the exact value; the library's exp, expm1, log, sin,
# cos, pow and atan2 are within 1 ("Known Maximum Errors in Math Functions" in glibc's manual).  The
# difference is less than 2, in units that a power of two between them may halve.
LIBRARY_ULP = 2


def _wider(x: Floats) -> Array:
    return np.asarray(x, np.longdouble if x.dtype == np.float64 else np.float64)


def accurate(function: Callable[[Any], Any]) -> Function:
    """A NumPy function of floats, computed in a wider type and rounded to the argument's."""

    def rounded(x: Floats) -> Array:
        return np.asarray(function(_wider(x)), x.dtype)

    return rounded


def accurate_of_two(function: Callable[[Any, Any], Any]) -> Callable[[Floats, Floats], Array]:
    """As `accurate`, of two arrays of one type."""

    def rounded(a: Floats, b: Floats) -> Array:
        return np.asarray(function(_wider(a), _wider(b)), a.dtype)

    return rounded


exp, log, sin, cos = (accurate(f) for f in (np.exp, np.log, np.sin, np.cos))
expm1 = accurate(np.expm1)
power, arctan2 = (accurate_of_two(f) for f in (np.power, np.arctan2))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), each step rounded to the argument's type."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + exp(-x)))


def tanh(x: Array) -> Array:
    """fdlibm's float32 tanh: by expm1(2 |x|), or expm1(-2 |x|) below 1.

    Within 2 units in the last place, which glibc's manual gives for its own, of the same formula.
    """
    if x.dtype != np.float32:
        return np.asarray(np.tanh(x))
    one, two = np.float32(1), np.float32(2)
    size = np.minimum(np.abs(x), np.float32(22))  # from where on it is 1
    grown, fallen = expm1(two * size), expm1(-two * size)
    value = np.where(size >= one, one - two / (grown + two), -fallen / (fallen + two))
    tiny = size < np.float32(2.0**-12)
    return np.asarray(np.where(tiny, x, np.copysign(value, x)), np.float32)


def ordered_sum(x: Array, axes: Sequence[int]) -> Array:
    """The sum over some axes, element after element in the array's own type; the axes are gone."""
    kept = [i for i in range(x.ndim) if i not in axes]
    shape = tuple(x.shape[i] for i in kept)
    rows = int(np.prod([x.shape[i] for i in axes], dtype=np.int64))
    if x.size == 0:
        return np.zeros(shape, x.dtype)
    flat = np.ascontiguousarray(x.transpose(*axes, *kept)).reshape(rows, -1)
    if flat.shape[1] == 1:  # NumPy would add these by pairs
        return np.asarray(np.cumsum(flat, dtype=x.dtype)[-1:]).reshape(shape)
    return np.asarray(np.add.reduce(flat, axis=0, dtype=x.dtype)).reshape(shape)
