from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from flatbuffers import flexbuffers

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder

DEFAULTS: dict[str, Any] = {
    "max_detections": 5,
    "max_classes_per_detection": 1,
    "detections_per_class": 4,
    "use_regular_nms": False,
    "nms_score_threshold": 0.2,
    "nms_iou_threshold": 0.5,
    "num_classes": 3,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
}


def model(
    boxes: int, scores: int, options: dict[str, Any], anchors: np.ndarray, quantized: bool
) -> bytes:
    b = ModelBuilder()
    kind = "uint8" if quantized else "float32"

    def about(scale: float, zero: int) -> dict[str, Any]:
        return {"scale": scale, "zero_point": zero} if quantized else {}

    x = b.add_tensor("boxes", (1, boxes, 4), kind, **about(0.05, 128))
    s = b.add_tensor("scores", (1, boxes, scores), kind, **about(1 / 256, 0))
    a = b.add_tensor("anchors", data=anchors, type=kind, **about(1 / 128, 10))
    outs = [b.add_tensor(f"out{i}", (), "float32") for i in range(4)]
    packed = bytes(flexbuffers.Dumps(options))
    b.add_op("TFLite_Detection_PostProcess", [x, s, a], outs, custom_options=packed)
    return b.finish_bytes([x, s], outs)


def run(module: Any, content: bytes, feeds: list[np.ndarray]) -> list[np.ndarray]:
    interpreter = module.Interpreter(
        model_content=content,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    for index, value in enumerate(feeds):
        interpreter.set_tensor(index, value)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"num_classes": 0}, "num_classes is 0, needs 1"),
        ({"num_classes": 7}, "3 scores a box for 7 classes"),
        ({"max_detections": -1}, "max_detections -1 is negative"),
        ({"nms_iou_threshold": 0.0}, r"nms_iou_threshold 0.0 is not in \(0, 1\]"),
    ],
)
def test_refusals(change: dict[str, Any], text: str) -> None:
    content = model(2, 3, DEFAULTS | change, np.full((2, 4), 0.5, np.float32), False)
    feeds = [np.zeros((1, 2, 4), np.float32), np.zeros((1, 2, 3), np.float32)]
    with pytest.raises(RuntimeError, match=text):
        run(ours, content, feeds)
    with pytest.raises(RuntimeError):
        run(litert, content, feeds)
