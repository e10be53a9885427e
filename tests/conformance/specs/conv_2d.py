"""CONV_2D."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import (
    WINDOW_FLAWS,
    activations,
    bias,
    bias_promise,
    fit,
    flaw,
    image,
    image_values,
    kind_of,
    narrow,
    weights,
    windows,
    without_bias,
)

FLAWS = (*WINDOW_FLAWS, "bias promise", "output scale", "filters by groups")


@conforms(
    "CONV_2D",
    "float32",
    "int8",
    "int8-per-channel",
    "uint8",
    "int16x8",
    "int16x8-per-channel",
    "int16x8-bias32",
    "int4-weights",
    "int4-weights-per-channel",
    "int16x4",
    "hybrid-int8",
    "hybrid-int8-per-channel",
    "hybrid-uint8",
    "hybrid-int4",
    "hybrid-int4-per-channel",
    "uint8-by-int8",
    "uint8-by-int4",
    "int16-by-uint8",
    others=("int8-by-uint8",),
)
def conv_2d(draw: Draw, label: str) -> Case:
    kind = kind_of(label)
    broken = flaw(draw, *FLAWS)
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    if kind.x == "float32" and kind.w != "float32" and not kind.per_channel:
        # LiteRT wants a scale for each filter of a grouped hybrid node.
        groups = 2 if broken == "scale count" else 1
    depth, filters = draw(st.integers(1, 5)), draw(st.integers(1, 4)) * groups
    if broken == "filters by groups":
        filters += 1
    window = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if broken == "empty filter":
        window = (0, window[1])
    size = image(draw, depth * groups + (broken == "depth"), broken)
    options = fit(windows(draw, broken), size, window, broken)
    x, y = activations(draw, kind, broken)
    w = weights(draw, kind, (filters, *window, depth), filters, 0, broken)
    b = bias(draw, kind, filters, x, w, broken)
    options |= bias_promise(draw, kind, b, broken)
    y = narrow(kind, y, broken)
    inputs: list[Arg | None] = [Arg(image_values(draw, size, kind), **x), w, b]
    inputs = without_bias(inputs, broken)
    return case("CONV_2D", inputs, [Arg(shape=(1,), dtype=kind.x, **y)], **options)
