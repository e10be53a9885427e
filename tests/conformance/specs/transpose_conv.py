"""TRANSPOSE_CONV."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import (
    ACTIVATIONS,
    BIAS_FLAWS,
    activations,
    bias,
    bias_promise,
    flaw,
    image,
    image_values,
    kind_of,
    narrow,
    weights,
)

FLAWS = (
    *BIAS_FLAWS,
    "stride",
    "zero point",
    "scale count",
    "no scale",
    "no output scale",
    "empty batch",
    "empty image",
    "empty filter",
    "depth",
    "int16 zero point",
    "bias promise",
    "output scale",
    "shape type",
    "negative shape",
    "other batch",
    "empty output",
    "other size",
)


@conforms(
    "TRANSPOSE_CONV",
    "float32",
    "int8",
    "int8-per-channel",
    "uint8",
    "int16x8",
    "int16x8-per-channel",
    "int16x8-bias32",
    "hybrid-int8",
    "hybrid-int8-per-channel",
    others=(
        "uint8-by-int8",
        "uint8-by-int4",
        "int8-by-uint8",
        "int8-by-int16",
        "int16-by-uint8",
        "int4-weights",
        "int2-weights",
        "hybrid-uint8",
        "hybrid-int4",
    ),
)
def transpose_conv(draw: Draw, label: str) -> Case:
    kind = kind_of(label)
    broken = flaw(draw, *FLAWS)
    depth, filters = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    window = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if broken == "empty filter":
        window = (0, window[1])
    size = image(draw, depth + (broken == "depth"), broken)
    strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = draw(st.sampled_from(("SAME", "VALID")))
    # A size that the forward convolution takes to the input's.
    out = [
        n * s - draw(st.integers(0, s - 1)) if padding == "SAME" else (n - 1) * s + k
        for n, s, k in zip(size[1:3], strides, window, strict=True)
    ]
    if broken == "other size":
        out = [draw(st.integers(1, 12)), draw(st.integers(1, 12))]
    shape = [size[0], max(out[0], 1), max(out[1], 1), filters]
    if broken == "negative shape":
        shape[1] = -1
    if broken == "other batch":
        shape[0] += 1
    if broken == "empty output":
        shape[2] = 0
    if broken == "stride":
        strides = (draw(st.sampled_from((0, -1, 32768))), strides[1])
    x, y = activations(draw, kind, broken)
    flawed = None if label.startswith("hybrid") and broken == "scale count" else broken
    w = weights(draw, kind, (filters, *window, depth), filters, 0, flawed)
    b: Arg | None = bias(draw, kind, filters, x, w, broken)
    options = bias_promise(draw, kind, b, broken)
    if draw(st.integers(0, 4)) == 4:
        b = None
    y = narrow(kind, y, broken)
    kept = np.array(shape, "int64" if broken == "shape type" else "int32")
    inputs: list[Arg | None] = [
        Arg(kept, constant=draw(st.booleans())),
        w,
        Arg(image_values(draw, size, kind), **x),
        b,
    ]
    if b is None and draw(st.booleans()):
        inputs.pop()
    return case(
        "TRANSPOSE_CONV",
        inputs,
        [Arg(shape=(1,), dtype=kind.x, **y)],
        padding=padding,
        stride_h=strides[0],
        stride_w=strides[1],
        fused_activation_function=draw(st.sampled_from((*ACTIVATIONS, "TANH"))),
        **options,
    )
