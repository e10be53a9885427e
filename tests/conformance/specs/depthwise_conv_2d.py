"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import (
    WINDOW_FLAWS,
    activations,
    bias,
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

FLAWS = (*WINDOW_FLAWS, "output scale", "filters")


@conforms(
    "DEPTHWISE_CONV_2D",
    "float32",
    "int8",
    "int8-per-channel",
    "uint8",
    "int16x8",
    "int16x8-per-channel",
    "int4-weights",
    "int4-weights-per-channel",
    "hybrid-int8",
    "hybrid-int8-per-channel",
    "int16-by-uint8",
    others=(
        "uint8-by-int8",
        "int8-by-uint8",
        "int8-by-int16",
        "int2-weights",
        "hybrid-int2",
        "hybrid-int4",
        "hybrid-uint8",
    ),
)
def depthwise_conv_2d(draw: Draw, label: str) -> Case:
    kind = kind_of(label)
    broken = flaw(draw, *FLAWS)
    depth, multiplier = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    if label == "hybrid-int8":
        # With one scale for several channels LiteRT reads past that scale.
        depth = multiplier = 1
    channels = depth * multiplier
    window = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if broken == "empty filter":
        window = (0, window[1])
    # LiteRT multiplies by depth_multiplier and reads past the filter where it is wrong for these.
    trusting = kind.x == "int16" or label.startswith("hybrid")
    size = image(draw, depth + (broken == "depth" and not trusting), broken)
    options = fit(windows(draw, broken), size, window, broken)
    x, y = activations(draw, kind, broken)
    first = 2 if broken == "filters" else 1
    # For the same reason no scale count but one for each channel is drawn for a hybrid node.
    flawed = None if label.startswith("hybrid") and broken == "scale count" else broken
    w = weights(draw, kind, (first, *window, channels), channels, 3, flawed)
    b = bias(draw, kind, channels, x, w, broken)
    y = narrow(kind, y, broken)
    inputs: list[Arg | None] = [Arg(image_values(draw, size, kind), **x), w, b]
    inputs = without_bias(inputs, broken)
    return case(
        "DEPTHWISE_CONV_2D",
        inputs,
        [Arg(shape=(1,), dtype=kind.x, **y)],
        depth_multiplier=multiplier,
        **options,
    )
