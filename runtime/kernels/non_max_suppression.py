"""NON_MAX_SUPPRESSION_V4 and V5: boxes kept by their score, hard or (V5) soft; float32.

Boxes of one score come in the order in which LiteRT's binary heap gives them up, which is not that
of the boxes, so the heap is written out here: a new entry rises past those of lower score; the last
entry fills the hole that the first leaves, which sinks to the ground by the greater child, the
right one of equals, before the entry rises from there.  A box that was chosen goes back into the
heap (as in LiteRT): met again, it is dropped for its overlap with itself, unless it has no area or
the limit is above 1, when it is chosen again.

Float bound: soft scores are within 4 roundings for each box chosen: at most 2 of exp, 1 of the
product with it, and one to spare for products of these.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import relative


def _prepare(ctx: NodeContext, inputs: int) -> int | None:
    """max_output_size, None while unknown."""
    require_inputs(ctx, inputs)
    boxes, scores, size = ctx.input(0), ctx.input(1), ctx.input(2)
    require_rank(ctx, boxes, 2)
    require(boxes.shape[1] == 4, ctx, f"boxes have shape {boxes.shape}, need four numbers each")
    require_rank(ctx, scores, 1)
    require(
        scores.shape[0] == boxes.shape[0], ctx, f"{scores.shape[0]} scores for {boxes.shape[0]}"
    )
    require_rank(ctx, size, 0)
    require_dtype(ctx, size, "int32")
    for value in (boxes, scores, *(ctx.input(i) for i in range(3, inputs))):
        require_dtype(ctx, value, "float32")
    for i in range(3, inputs):
        require_rank(ctx, ctx.input(i), 0)
    return None if size.data is None else _size(ctx)


def _size(ctx: NodeContext) -> int:
    size = int(ctx.data(2)[()])
    require(size >= 0, ctx, f"max_output_size {size} is negative")
    return size


def prepare_v4(ctx: NodeContext) -> list[Shape | None]:
    """Indices [max_output_size] and how many of them count []."""
    size = _prepare(ctx, 5)
    require_dtype(ctx, ctx.outputs[0], "int32")
    require_dtype(ctx, ctx.outputs[1], "int32")
    return [None if size is None else (size,), ()]


def prepare_v5(ctx: NodeContext) -> list[Shape | None]:
    """Indices and scores [max_output_size], and how many of them count []."""
    size = _prepare(ctx, 6)
    for i, dtype in enumerate(("int32", "float32", "int32")):
        require_dtype(ctx, ctx.outputs[i], dtype)
    vector = None if size is None else (size,)
    return [vector, vector, ()]


class _Chosen:
    """The boxes chosen so far: (y, x) minima, then maxima."""

    def __init__(self, boxes: Array, areas: Array, most: int) -> None:
        self._all, self._all_areas = boxes, areas
        self._boxes, self._areas = np.empty((most, 4), np.float32), np.empty(most, np.float32)
        self.indices: list[int] = []

    def add(self, i: int) -> None:
        """Choose box i."""
        at = len(self.indices)
        self._boxes[at], self._areas[at] = self._all[i], self._all_areas[i]
        self.indices.append(i)

    def overlaps(self, i: int, begin: int) -> Array:
        """Intersection over union of box i with the chosen ones from `begin` on, the last first."""
        own, area = self._all[i], self._all_areas[i]
        end = len(self.indices)
        boxes, areas = self._boxes[begin:end][::-1], self._areas[begin:end][::-1]
        if area <= 0:
            return np.zeros(end - begin, np.float32)
        sides = np.minimum(own[2:], boxes[:, 2:]) - np.maximum(own[:2], boxes[:, :2])
        np.maximum(sides, 0, out=sides)
        common = sides[:, 0] * sides[:, 1]
        union = area + areas - common
        return np.where((areas <= 0) | (union == 0), np.float32(0), common / union)


_Entry = tuple[float, int, int]  # score, box, the first chosen box it was not yet held against


class _Heap:
    """A binary heap of entries by their score alone, the greatest first."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []

    def push(self, entry: _Entry) -> None:
        """Add an entry behind those that it does not exceed."""
        self.entries.append(entry)
        self._rise(len(self.entries) - 1, entry)

    def pop(self) -> _Entry:
        """Take the greatest."""
        entries = self.entries
        first, last = entries[0], entries.pop()
        count, hole = len(entries), 0
        while (child := 2 * hole + 1) < count:
            if child + 1 < count and entries[child + 1][0] >= entries[child][0]:
                child += 1
            entries[hole] = entries[child]
            hole = child
        if count:
            self._rise(hole, last)
        return first

    def _rise(self, hole: int, entry: _Entry) -> None:
        entries = self.entries
        while hole > 0 and entries[parent := (hole - 1) // 2][0] < entry[0]:
            entries[hole] = entries[parent]
            hole = parent
        entries[hole] = entry


def _select(ctx: NodeContext, sigma: np.float32) -> tuple[list[int], list[np.float32]]:
    scores, size = ctx.data(1), _size(ctx)
    limit, least = (np.float32(ctx.data(i)[()]) for i in (3, 4))
    raw = ctx.data(0)
    boxes = np.concatenate(
        [np.minimum(raw[:, :2], raw[:, 2:]), np.maximum(raw[:, :2], raw[:, 2:])], axis=1
    )
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    heap = _Heap()
    for i, score in enumerate(scores.tolist()):
        if score > least:
            heap.push((score, i, 0))
    size = min(size, len(heap.entries))
    chosen = _Chosen(boxes, areas, size)
    kept: list[np.float32] = []
    scale = np.float32(-0.5) / sigma if sigma > 0 else np.float32(0)
    while heap.entries and len(kept) < size:
        first, i, begin = heap.pop()
        original = score = np.float32(first)
        seen = len(kept)
        overlaps = chosen.overlaps(i, begin)
        hard = overlaps >= limit
        if sigma > 0 and seen > begin:
            factors = accurate.exp(scale * overlaps * overlaps)
            chain = np.concatenate([[score], factors], dtype=np.float32)
            scores = np.multiply.accumulate(chain)[1:]
            low = scores <= least
            end = int(low.argmax()) if low.any() else seen - begin - 1
            hard, score = hard[: end + 1], scores[end]
        if hard.any():
            continue
        if score == original:
            chosen.add(i)
            kept.append(score)
        if score > least:
            heap.push((float(score), i, seen))
    return chosen.indices, kept


def _padded(values: list[int] | list[np.float32], size: int, dtype: str) -> Array:
    out = np.zeros(size, dtype)
    out[: len(values)] = values
    return out


def evaluate_v4(ctx: NodeContext) -> list[Array]:
    """Best first, zeros behind."""
    chosen, _ = _select(ctx, np.float32(0))
    return [_padded(chosen, _size(ctx), "int32"), np.array(len(chosen), np.int32)]


def evaluate_v5(ctx: NodeContext) -> list[Array]:
    """Best first, zeros behind; overlapping boxes lose score by a Gaussian of sigma."""
    sigma = np.float32(ctx.data(5)[()])
    require(bool(sigma >= 0), ctx, f"soft_nms_sigma {sigma} is negative")
    chosen, kept = _select(ctx, sigma)
    size = _size(ctx)
    return [
        _padded(chosen, size, "int32"),
        _padded(kept, size, "float32"),
        np.array(len(chosen), np.int32),
    ]


_BOUND = relative(
    "relative, 4 roundings for each box chosen", lambda ctx: 4 * max(1, ctx.outputs[1].shape[0])
)

KERNELS = (
    Kernel("NON_MAX_SUPPRESSION_V4", prepare_v4, evaluate_v4),
    Kernel("NON_MAX_SUPPRESSION_V5", prepare_v5, evaluate_v5, bound=_BOUND),
)
