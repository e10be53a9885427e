"""NON_MAX_SUPPRESSION_V4, NON_MAX_SUPPRESSION_V5."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

FLAWS = ("size", "box", "boxes rank", "scores", "score rank", "threshold rank", "size type")


def _boxes(draw: Draw, count: int, dtype: str, broken: str | None) -> np.ndarray:
    """Corners in any order, some boxes twice, some without area."""
    if dtype not in ("float32", "bfloat16", "float16", "float64"):
        return values(draw, (count, 4), dtype)
    r = rng(draw)
    corners = r.uniform(0, 1, (count, 2))
    boxes = np.concatenate([corners, corners + r.uniform(-0.2, 0.8, (count, 2))], 1)
    if count and draw(st.booleans()):
        boxes = boxes[r.integers(0, count, count)]
    if draw(st.booleans()):
        boxes = np.round(boxes * 4) / 4
    if broken == "box":
        boxes = boxes[:, :3]
    made = boxes[None] if broken == "boxes rank" else boxes
    return made.astype("float32" if dtype == "bfloat16" else dtype)


def _suppression(draw: Draw, version: int, dtype: str) -> Case:
    broken = flaw(draw, *FLAWS, *(("sigma",) if version == 5 else ()))
    count = draw(st.integers(0, 30))
    boxes = _boxes(draw, count, dtype, broken)
    scores = values(draw, (count,), dtype, low=0, high=1)
    if draw(st.booleans()) and dtype == "float32":  # ties
        scores = (np.round(scores * 4) / 4).astype(dtype)
    if broken == "scores":
        scores = np.append(scores, scores[:1])
    if broken == "score rank":
        scores = scores[None]
    size = draw(st.integers(0, 34)) if broken != "size" else -1
    thresholds = [draw(st.floats(-0.25, 1.25, width=32)), draw(st.floats(-0.5, 0.875, width=32))]
    shape = (1,) if broken == "threshold rank" else ()
    inputs = [
        Arg(boxes, dtype=dtype),
        Arg(scores, dtype=dtype),
        Arg(
            np.array(size, "int64" if broken == "size type" else "int32"),
            constant=draw(st.booleans()),
        ),
        *[Arg(np.full(shape, t, np.float32), constant=draw(st.booleans())) for t in thresholds],
    ]
    outputs = [Arg(shape=(1,), dtype="int32"), Arg(shape=(), dtype="int32")]
    if version == 5:
        sigma = -0.5 if broken == "sigma" else draw(st.sampled_from((0.0, 0.1, 0.5, 2.0)))
        inputs.append(Arg(np.array(sigma, np.float32), constant=draw(st.booleans())))
        outputs.insert(1, Arg(shape=(1,)))
    return case(f"NON_MAX_SUPPRESSION_V{version}", inputs, outputs)


@conforms("NON_MAX_SUPPRESSION_V4", "float32")
def suppression_v4(draw: Draw, dtype: str) -> Case:
    return _suppression(draw, 4, dtype)


@conforms("NON_MAX_SUPPRESSION_V5", "float32")
def suppression_v5(draw: Draw, dtype: str) -> Case:
    return _suppression(draw, 5, dtype)
