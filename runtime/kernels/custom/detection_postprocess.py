"""TFLite_Detection_PostProcess: boxes from anchors, then non-maximum suppression.

float32, or uint8 boxes and anchors; scores float32 or uint8.  Two ways: `use_regular_nms` treats
each class by itself and merges; the fast way suppresses by each anchor's best class.  A
corner is the rounded difference or sum of a rounded centre and half size, both in double before
(the float bound of the boxes: 3 roundings of both corners' sizes); the rest is equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import rounded
from litefuse.runtime.kernels.custom.flexbuffer import load_map
from litefuse.runtime.kernels.partial_sort import best_first

f32 = np.float32


@dataclass(frozen=True, slots=True)
class Settings:
    """The op's options, LiteRT's names and defaults."""

    max_detections: int
    max_classes_per_detection: int
    detections_per_class: int
    regular: bool
    score_threshold: float
    iou_threshold: float
    num_classes: int
    scales: tuple[float, float, float, float]  # y, x, h, w


def settings(ctx: NodeContext) -> Settings:
    """The options out of their flexbuffer; an absent number is 0, as LiteRT reads it."""
    found: dict[str, Any] = ctx.memo("map", lambda: load_map(ctx.op.custom_options or b""))

    def real(key: str) -> float:
        return float(f32(found.get(key) or 0))

    return Settings(
        int(found.get("max_detections") or 0),
        int(found.get("max_classes_per_detection") or 0),
        int(found.get("detections_per_class", 100)),
        bool(found.get("use_regular_nms") or False),
        real("nms_score_threshold"),
        real("nms_iou_threshold"),
        int(found.get("num_classes") or 0),
        (real("y_scale"), real("x_scale"), real("h_scale"), real("w_scale")),
    )


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Boxes [1, n, 4], classes [1, n], scores [1, n], count [1]; n is the most there can be."""
    require_inputs(ctx, 3)
    boxes, scores, anchors = ctx.input(0), ctx.input(1), ctx.input(2)
    require_rank(ctx, boxes, 3)
    require_rank(ctx, scores, 3)
    require_rank(ctx, anchors, 2)
    for value in (boxes, scores, anchors):
        require_dtype(ctx, value, "float32", "uint8")
    require(anchors.dtype == boxes.dtype, ctx, f"anchors are {anchors.dtype}, boxes {boxes.dtype}")
    require(boxes.shape[2] >= 4, ctx, f"a box has {boxes.shape[2]} numbers, needs at least 4")
    require(boxes.shape[0] == 1 == scores.shape[0], ctx, "only a batch of 1 is supported")
    require(
        boxes.shape[1] == scores.shape[1] == anchors.shape[0] and anchors.shape[1] == 4,
        ctx,
        f"{boxes.shape[1]} boxes, {scores.shape[1]} scores and anchors {anchors.shape} must agree",
    )
    s = settings(ctx)
    require(len(ctx.outputs) == 4, ctx, f"has {len(ctx.outputs)} outputs, needs 4")
    require(s.max_detections >= 0, ctx, f"max_detections {s.max_detections} is negative")
    require(s.max_classes_per_detection > 0, ctx, "max_classes_per_detection must be positive")
    require(not s.regular or s.detections_per_class >= 0, ctx, "detections_per_class is negative")
    require(s.regular or s.num_classes > 0, ctx, f"num_classes is {s.num_classes}, needs 1 or more")
    require(
        0 <= scores.shape[2] - s.num_classes <= 1,
        ctx,
        f"{scores.shape[2]} scores a box for {s.num_classes} classes (and one for background)",
    )
    n = s.max_detections * s.max_classes_per_detection
    return [(1, n, 4), (1, n), (1, n), (1,)]


def _real(ctx: NodeContext, i: int) -> Array:
    """Input i as float32, its scale applied."""
    value, data = ctx.input(i), ctx.data(i)
    if data.dtype.kind == "f":
        return data
    return (data.astype(f32) - f32(value.zero_point)) * f32(value.scale)


def _decode(ctx: NodeContext, s: Settings) -> Array:
    """[boxes, 4] float32: ymin, xmin, ymax, xmax."""
    code = _real(ctx, 0)[0, :, :4].astype(np.float64)
    anchor = _real(ctx, 2).astype(np.float64)
    centre = (code[:, :2] / np.array(s.scales[:2]) * anchor[:, 2:] + anchor[:, :2]).astype(f32)
    half = (0.5 * np.exp(code[:, 2:] / np.array(s.scales[2:])) * anchor[:, 2:]).astype(f32)
    return np.concatenate([centre - half, centre + half], axis=1)


def _overlap(boxes: Array, areas: Array, one: int, others: Array) -> Array:
    """Intersection over union of a box with others, in float32."""
    low = np.maximum(boxes[one, :2], boxes[others, :2])
    high = np.minimum(boxes[one, 2:], boxes[others, 2:])
    side = np.maximum(high - low, f32(0))
    inner = side[:, 0] * side[:, 1]
    ratio = inner / (areas[one] + areas[others] - inner)
    return np.where((areas[one] <= 0) | (areas[others] <= 0), f32(0), ratio)


def _suppress(boxes: Array, areas: Array, scores: Array, s: Settings, most: int) -> list[int]:
    """Boxes to keep, best first, none overlapping a better one by more than the threshold."""
    kept = np.flatnonzero(scores >= f32(s.score_threshold))
    left = kept[np.argsort(-scores[kept], kind="stable")]
    chosen: list[int] = []
    while len(left) and len(chosen) < most:
        best, left = int(left[0]), left[1:]
        chosen.append(best)
        left = left[~(_overlap(boxes, areas, best, left) > f32(s.iou_threshold))]
    return chosen


def _regular(
    boxes: Array, areas: Array, scores: Array, s: Settings
) -> list[tuple[int, int, np.float32]]:
    """(box, class, score) of each class by itself, the best of all."""
    most = min(s.detections_per_class, s.max_detections)
    found: list[tuple[int, int, np.float32]] = []
    for label in range(s.num_classes):
        column = np.ascontiguousarray(scores[:, label])
        chosen = _suppress(boxes, areas, column, s, most)
        found += [(box, label, column[box]) for box in chosen]
        found.sort(key=lambda entry: -float(entry[2]))  # stable: earlier classes go first
        del found[s.max_detections :]
    return found


def _fast(
    boxes: Array, areas: Array, scores: Array, s: Settings
) -> list[list[tuple[int, int, np.float32]]]:
    """For each box kept by its best class: (box, class, score) of its best classes."""
    count = min(s.max_classes_per_detection, s.num_classes)
    chosen = _suppress(boxes, areas, scores.max(axis=1), s, s.max_detections)
    groups = []
    for box in chosen:
        labels = best_first(scores[box].tolist(), count)
        groups.append([(box, label, scores[box, label]) for label in labels])
    return groups


def evaluate(ctx: NodeContext) -> list[Array]:
    """Boxes, classes, scores and their number; the rest is zeros."""
    s = settings(ctx)
    if not 0.0 < s.iou_threshold <= 1.0:
        raise KernelError(f"{ctx.op.name}: nms_iou_threshold {s.iou_threshold} is not in (0, 1]")
    if s.regular and min(s.detections_per_class, s.max_detections) <= 0:
        raise KernelError(f"{ctx.op.name}: detections_per_class must be positive")
    boxes = _decode(ctx, s)
    if (boxes[:, :2] > boxes[:, 2:]).any():
        raise KernelError(f"{ctx.op.name}: a box ends before it begins: an anchor is negative")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    scores = _real(ctx, 1)[0]
    scores = scores[:, scores.shape[1] - s.num_classes :]
    out = [np.zeros(value.shape, f32) for value in ctx.outputs]
    if s.regular:
        found = _regular(boxes, areas, scores, s)
        slots = list(enumerate(found))
        total = len(found)
    else:
        groups = _fast(boxes, areas, scores, s)
        slots = [
            (s.max_classes_per_detection * k + column, entry)
            for k, group in enumerate(groups)
            for column, entry in enumerate(group)
        ]
        total = len(groups)
    for slot, (box, label, score) in slots:
        out[0][0, slot], out[1][0, slot], out[2][0, slot] = boxes[box], label, score
    out[3][0] = total
    return out


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    boxes = np.abs(outputs[0].astype(np.float64))
    sizes = boxes[..., [0, 1, 0, 1]] + boxes[..., [2, 3, 2, 3]]
    return [rounded(3, sizes), *(np.zeros(y.shape) for y in outputs[1:])]


_BOUND = Bound("boxes 3 roundings of both corners' sizes, the rest equal", _allowed)

KERNELS = (Kernel("TFLite_Detection_PostProcess", prepare, evaluate, bound=_BOUND),)
