"""Where tensors lie in one arena: greedy by size with lifetimes.

The largest first, each at the lowest gap that is free for its whole life (Pisarchyk and Lee,
"Efficient Memory Management for Deep Neural Net Inference", 2020).  The compiler plans the buffers
of generated code with it, the interpreter the tensors of its graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """`size` bytes that are needed from step `first` to step `last`, both included."""

    first: int
    last: int
    size: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The offset of each span, in the order given, and the bytes that all of them need."""

    offsets: tuple[int, ...]
    total: int


def place(spans: Sequence[Span], align: int) -> Placement:
    """Offsets, multiples of `align`, such that spans which live at the same step do not overlap.

    Sizes count rounded up to `align`.  ValueError for a span that ends before it begins or has a
    negative size.
    """
    for i, span in enumerate(spans):
        if span.size < 0 or span.last < span.first:
            raise ValueError(f"span {i} is no stretch of memory and time: {span}")
    offsets = [0] * len(spans)
    sizes = [-(-span.size // align) * align for span in spans]
    placed = _Placed(len(spans))
    for i in sorted(range(len(spans)), key=lambda i: (-sizes[i], spans[i].first)):
        offsets[i] = placed.add(spans[i].first, spans[i].last, sizes[i])
    return Placement(tuple(offsets), placed.total)


class _Placed:
    """What has been placed, kept in the order of its offsets."""

    def __init__(self, capacity: int) -> None:
        self._count = 0
        # Rows: first step, last step, begin, end.
        self._table = np.empty((4, capacity), np.int64)
        self.total = 0

    def add(self, first: int, last: int, size: int) -> int:
        """Place `size` bytes; their offset."""
        if size == 0:
            return 0
        firsts, lasts, begins, ends = self._table[:, : self._count]
        meets = (firsts <= last) & (lasts >= first)
        taken_from = begins[meets]
        free_from = np.zeros(len(taken_from) + 1, np.int64)
        np.maximum.accumulate(ends[meets], out=free_from[1:])
        fits = np.flatnonzero(taken_from - free_from[:-1] >= size)
        offset = int(free_from[fits[0]] if len(fits) else free_from[-1])
        at = int(np.searchsorted(begins, offset))
        self._table[:, at + 1 : self._count + 1] = self._table[:, at : self._count].copy()
        self._table[:, at] = first, last, offset, offset + size
        self._count += 1
        self.total = max(self.total, offset + size)
        return offset
