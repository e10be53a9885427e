"""TFLite_Detection_PostProcess, a custom op that LiteRT registers, in both its ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

WAYS = ("float32-regular", "float32-fast", "uint8-regular", "uint8-fast")
FLAWS = (
    "batch",
    "boxes",
    "anchors",
    "classes",
    "detections",
    "threshold",
    "limit",
    "absent",
    "rank",
)


def _scores(draw: Draw, size: tuple[int, ...], kind: str) -> np.ndarray:
    if kind != "float32":
        return values(draw, size, kind)
    r = rng(draw)
    made = r.uniform(0, 1, size)
    if draw(st.booleans()):  # ties
        made = np.round(made * 5) / 5
    return made.astype(np.float32)


def _boxes(draw: Draw, count: int, width: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes and anchors; no anchor is negative."""
    r = rng(draw)
    if kind == "uint8":
        codes = r.integers(0, 256, (1, count, width))
        return codes.astype(np.uint8), r.integers(30, 200, (count, 4)).astype(np.uint8)
    if kind == "float32":
        codes = r.standard_normal((1, count, width))
        return codes.astype(np.float32), r.uniform(0.1, 0.6, (count, 4)).astype(np.float32)
    return values(draw, (1, count, width), kind), values(draw, (count, 4), kind)


@dataclass(frozen=True)
class _Written:
    """What LiteRT writes: max_detections (the regular way), or as many classes as there are of each
    detection (the fast way); not the rest of the outputs.
    """

    regular: bool
    most: int
    each: int
    classes: int

    def __call__(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The outputs, cut to it."""
        if self.regular:
            return [*[y[:, : self.most] for y in outputs[:3]], outputs[3]]
        found = int(outputs[3][0])
        rows = [
            y[0, : found * self.each].reshape(found, self.each, *y.shape[2:]) for y in outputs[:3]
        ]
        return [*[y[:, : min(self.each, self.classes)] for y in rows], outputs[3]]


@conforms(
    "TFLite_Detection_PostProcess",
    *WAYS,
    others=tuple(t for t in PLAIN if t not in ("float32", "uint8")),
)
def detection_postprocess(draw: Draw, dtype: str) -> Case:
    kind, _, way = dtype.partition("-")
    broken = flaw(draw, *FLAWS)
    count, classes = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    codes, anchors = _boxes(draw, count, draw(st.integers(4, 6)), kind)
    scores = _scores(draw, (1, count, classes + draw(st.integers(0, 1))), kind)
    regular = way == "regular"
    each = draw(st.integers(1, 3))
    options: dict[str, Any] = {
        "max_detections": draw(st.integers(1, 8)),
        "max_classes_per_detection": each,
        "detections_per_class": draw(st.integers(1, 6)),
        "use_regular_nms": regular,
        "nms_score_threshold": draw(st.sampled_from((0.0, 0.2, 0.5))),
        "nms_iou_threshold": draw(st.sampled_from((0.1, 0.5, 0.75, 1.0))),
        "num_classes": classes,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    if broken == "batch":
        codes = np.concatenate([codes, codes])
    if broken == "boxes":
        codes = codes[..., :3]
    if broken == "anchors":
        anchors = anchors[None]  # of too few LiteRT reads what lies behind them
    if broken == "rank":
        codes = codes[0]
    if broken == "classes":
        options["num_classes"] = draw(st.sampled_from((0, -1, classes + 2)))
    if broken == "detections":
        # Without classes the regular way writes past its outputs.
        names = ("max_detections", "detections_per_class", "max_classes_per_detection")
        name = draw(st.sampled_from(names[: 2 if regular else 3]))
        options[name] = draw(st.sampled_from((0, -1)))
        each = int(options["max_classes_per_detection"])
    if broken == "threshold":
        options["nms_iou_threshold"] = draw(st.sampled_from((0.0, -0.5, 1.5)))
    if broken == "absent":
        del options[draw(st.sampled_from(("detections_per_class", "use_regular_nms")))]
        regular = bool(options.get("use_regular_nms", False))

    most = int(options["max_detections"])

    def about(scale: float, zero: int) -> dict[str, Any]:
        return {"scale": scale, "zero_point": zero} if kind == "uint8" else {}

    return case(
        "TFLite_Detection_PostProcess",
        [
            Arg(codes, dtype=kind, **about(0.05, 128)),
            Arg(scores, dtype=kind, **about(1 / 256, 0)),
            Arg(anchors, dtype=kind, constant=kind != "bfloat16", **about(1 / 128, 10)),
        ],
        [Arg(shape=()) for _ in range(4)],
        custom_options=bytes(flexbuffers.Dumps(options)),
        defined=_Written(regular, most, each, classes),
    )
