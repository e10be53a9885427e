"""The order in which LiteRT's C++ library leaves equals when it sorts the first few of many.

`std::partial_sort` of the GNU library: a heap of the first k with the worst on top, which gives way
to each better one that follows; the heap is then emptied from its top.  Its order among equals is
no order of theirs, so the steps are written out.
"""

from __future__ import annotations

from collections.abc import Sequence


def best_first(scores: Sequence[float], k: int) -> list[int]:
    """Indices of the k (at least 1) largest scores, largest first; one alone is the first of
    equals.
    """
    order = list(range(len(scores)))
    if k == 1:
        return [max(order, key=lambda i: scores[i])]  # LiteRT looks for one without sorting
    for root in range(k // 2 - 1, -1, -1):
        _sink(scores, order, root, k, order[root])
    for i in range(k, len(order)):
        if scores[order[i]] > scores[order[0]]:
            better, order[i] = order[i], order[0]
            _sink(scores, order, 0, k, better)
    for end in range(k - 1, 0, -1):
        last, order[end] = order[end], order[0]
        _sink(scores, order, 0, end, last)
    return order[:k]


def _sink(scores: Sequence[float], order: list[int], root: int, count: int, entry: int) -> None:
    """Put an entry into the heap order[:count], whose root is free: the hole goes to the ground by
    the worse child, the right one of equals, and the entry rises from there.
    """
    hole = root
    while (child := 2 * hole + 1) < count:
        if child + 1 < count and scores[order[child + 1]] <= scores[order[child]]:
            child += 1
        order[hole] = order[child]
        hole = child
    while hole > root and scores[order[parent := (hole - 1) // 2]] > scores[entry]:
        order[hole] = order[parent]
        hole = parent
    order[hole] = entry
