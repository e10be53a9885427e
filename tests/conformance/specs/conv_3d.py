"""CONV_3D, CONV_3D_TRANSPOSE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import fit, flaw, image, windows

FLAWS = (
    "window",
    "stride",
    "dilation",
    "empty batch",
    "empty image",
    "empty filter",
    "depth",
    "bias size",
)


def _bias(draw: Draw, channels: int, broken: str | None) -> Arg | None:
    if draw(st.integers(0, 3)) == 3:
        return None
    return Arg(values(draw, (channels + (broken == "bias size"),), "float32"))


@conforms("CONV_3D", "float32")
def conv_3d(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, *FLAWS)
    depth, filters = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    window = [draw(st.integers(1, 3)) for _ in range(3)]
    if broken == "empty filter":
        window[1] = 0
    size = image(draw, depth + (broken == "depth"), broken, axes=3)
    if dtype != "float32":
        return case(
            "CONV_3D",
            [Arg(values(draw, s, dtype)) for s in (size, (*window, depth, filters))],
            [Arg(shape=(1,), dtype=dtype)],
        )
    inputs: list[Arg | None] = [
        Arg(values(draw, size, dtype, special=draw(st.integers(0, 5)) == 5)),
        Arg(values(draw, (*window, depth, filters), dtype)),
        _bias(draw, filters, broken),
    ]
    if inputs[2] is None and draw(st.booleans()):
        inputs.pop()
    return case(
        "CONV_3D",
        inputs,
        [Arg(shape=(1,), dtype=dtype)],
        **fit(windows(draw, broken, "dhw"), size, window, broken, "dhw"),
    )


@conforms("CONV_3D_TRANSPOSE", "float32")
def conv_3d_transpose(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, *FLAWS, "other size", "other batch", "negative shape", "shape type")
    depth, filters = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    window = [draw(st.integers(1, 3)) for _ in range(3)]
    if broken == "empty filter":
        window[1] = 0
    options = windows(draw, broken, "dhw")
    size = image(draw, depth + (broken == "depth"), broken, axes=3)
    shape = [size[0]]
    for n, kernel, letter in zip(size[1:4], window, "dhw", strict=True):
        stride, step = options[f"stride_{letter}"], options[f"dilation_{letter}_factor"]
        spare = draw(st.integers(0, max(stride - 1, 0)))
        extent = (kernel - 1) * step + 1
        shape.append(
            n * stride - spare if options["padding"] == "SAME" else (n - 1) * stride + extent
        )
    shape.append(filters)
    if broken == "other size":
        shape[2] += draw(st.integers(1, 4))
    if broken == "other batch":
        shape[0] += 1
    if broken == "negative shape":
        shape[1] = -1
    kept = np.array(shape, "int64" if broken == "shape type" else "int32")
    inputs: list[Arg | None] = [
        Arg(kept, constant=draw(st.booleans())),
        Arg(values(draw, (*window, filters, depth), dtype)),
        Arg(values(draw, size, dtype)),
        _bias(draw, filters, broken) if dtype == "float32" else None,
    ]
    if inputs[3] is None and draw(st.booleans()):
        inputs.pop()
    return case("CONV_3D_TRANSPOSE", inputs, [Arg(shape=(1,), dtype=dtype)], **options)
