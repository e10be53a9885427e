"""Updates that meet in one place: combined one by one, in their order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array

_ELEMENTS = 1 << 16  # of the updates at a time


def accumulate(combine: Any, out: Array, rows: Array, updates: Array) -> None:
    """out[rows[i]] = combine(out[rows[i]], updates[i]), one i after the other; `out` is contiguous,
    `rows` are numbers of its first axis, `combine` is a ufunc.

    The same as `combine.at(out, rows, updates)`, by single elements, where NumPy is six times as
    fast.
    """
    width = math.prod(out.shape[1:])
    flat, places = out.reshape(-1), np.arange(width)
    wide = updates.reshape(len(rows), width)
    step = max(_ELEMENTS // max(width, 1), 1)
    for first in range(0, len(rows), step):
        part = slice(first, first + step)
        starts = rows[part].astype(np.intp) * width
        combine.at(flat, (starts[:, None] + places).ravel(), wide[part].ravel())
