"""BATCH_MATMUL."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, scale, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw, two_steps

# label: types of both inputs and of the output
LABELS = {
    "float32": ("float32", "float32", "float32"),
    "int8": ("int8", "int8", "int8"),
    "int8-to-int32": ("int8", "int8", "int32"),
    "int16": ("int16", "int16", "int16"),
    "int16x8": ("int16", "int8", "int16"),
    "hybrid-int8": ("float32", "int8", "float32"),
    "hybrid-int8-asymmetric": ("float32", "int8", "float32"),
    "hybrid-int8-per-channel": ("float32", "int8", "float32"),
    "hybrid-int8-per-channel-asymmetric": ("float32", "int8", "float32"),
}
FLAWS = ("inner", "batch", "rank 1", "rank 6", "empty", "zero point", "empty inner", "no scale")


def batches(draw: Draw, most: int) -> tuple[list[int], list[int]]:
    """Batch axes of both, which broadcast."""
    whole = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, most)))]
    pair = []
    for _ in range(2):
        kept = whole[draw(st.integers(0, len(whole))) :] if draw(st.booleans()) else whole
        pair.append([1 if draw(st.integers(0, 3)) == 3 else n for n in kept])
    return pair[0], pair[1]


@conforms("BATCH_MATMUL", *LABELS)
def batch_matmul(draw: Draw, label: str) -> Case:
    kinds = LABELS[label]
    asymmetric = label.endswith("asymmetric")
    broken = flaw(draw, *FLAWS)
    # LiteRT sums the rows of the second over two batch axes, and reads memory past the sums.
    left, right = batches(draw, 2 if asymmetric else 3)
    m, k, n = (draw(st.integers(1, 6)) for _ in range(3))
    if broken == "empty":
        m = 0
    if broken == "empty inner":
        k = 0
    if broken == "batch" and left and right:
        left[-1], right[-1] = 2, 3
    if broken == "rank 6":
        left = [1, 1, 1, 1]
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    other = k + 1 if broken == "inner" else k
    a = (*left, *((k, m) if adj_x else (m, k)))
    b = (*right, *((n, other) if adj_y else (other, n)))
    if broken == "rank 1":
        b = (k,)
    qa, qb, qy = (_quantization(draw, kind) for kind in kinds)
    if kinds[0] == "int16":
        qb["zero_point"] = 0
        qa["scale"] = scale(draw, -15, -7)
        if broken == "zero point":
            draw(st.sampled_from((qa, qb, qy)))["zero_point"] = 2
    if broken == "no scale":
        draw(st.sampled_from((qa, qb, qy))).clear()
    second = values(draw, b, kinds[1])
    constant = second.size > 0 and draw(st.booleans())  # without bytes it is no constant
    arg = Arg(second, constant=constant, **qb)
    if kinds[0] != kinds[1] and kinds[0] == "float32":
        arg.zero_point = 0
        if "per-channel" in label and len(b) > 1:
            axis = len(b) - 2 if adj_y else len(b) - 1
            arg.scale = (rng(draw).random(b[axis]) * 0.02 + 0.001).astype(np.float32)
            arg.zero_point, arg.axis = np.zeros(b[axis], np.int64), axis
    options: dict[str, Any] = {"adj_x": adj_x, "adj_y": adj_y}
    special = label == "float32" and draw(st.integers(0, 5)) == 5
    inputs = [Arg(values(draw, a, kinds[0], special=special), **qa), arg]
    return case(
        "BATCH_MATMUL",
        inputs,
        [Arg(shape=(1,), dtype=kinds[2], **qy)],
        # LiteRT keeps sums of the second input of the first run, even if it is fed.
        steps=two_steps(draw, inputs) if asymmetric else None,
        asymmetric_quantize_inputs=asymmetric,
        **options,
    )


def _quantization(draw: Draw, kind: str) -> dict[str, Any]:
    if kind == "int8":
        return {"scale": scale(draw), "zero_point": draw(st.integers(-128, 127))}
    return {"scale": scale(draw), "zero_point": 0} if kind == "int16" else {}
