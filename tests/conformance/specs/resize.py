"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

# Another type of output is no flaw: LiteRT gives it the input's.
FLAWS = ("rank", "size", "size type", "size shape", "both modes", "empty")
MOVED = ("float32", "float16", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "uint32")


def _resize(draw: Draw, op: str, dtype: str) -> Case:
    broken = flaw(draw, *FLAWS)
    image = shape(draw, 4, 4, zero=False, largest=9)
    if broken == "empty":  # of an image without pixels LiteRT reads the memory before it
        image = draw(st.sampled_from(((0, *image[1:]), (*image[:3], 0))))
    if broken == "rank":
        image = draw(st.sampled_from((image[1:], (*image, 2), ())))
    size = [draw(st.integers(1, 12)) for _ in range(2)]
    if broken == "size":
        size[draw(st.integers(0, 1))] = draw(st.sampled_from((0, -1)))
    wanted = np.array(size, "int64" if broken == "size type" else "int32")
    if broken == "size shape":
        wanted = draw(st.sampled_from((wanted[:1], wanted.reshape(1, 2), np.tile(wanted, 2))))
    modes = ((False, False), (True, False), (False, True))
    align, half = (True, True) if broken == "both modes" else draw(st.sampled_from(modes))
    constant = draw(st.booleans())
    if op == "RESIZE_BILINEAR" and any(w < d for w, d in zip(size, image[1:3], strict=False)):
        constant |= align and half  # of a computed size LiteRT then reads past the image's end
    q = quantization(draw, dtype)
    return case(
        op,
        [
            Arg(values(draw, image, dtype, special=draw(st.integers(0, 3)) == 3), dtype=dtype, **q),
            Arg(wanted, constant=constant),
        ],
        [Arg(shape=(1,), dtype=dtype, **q)],
        align_corners=align,
        half_pixel_centers=half,
    )


@conforms("RESIZE_NEAREST_NEIGHBOR", *MOVED, "bool")
def nearest(draw: Draw, dtype: str) -> Case:
    return _resize(draw, "RESIZE_NEAREST_NEIGHBOR", dtype)


@conforms("RESIZE_BILINEAR", "float32", "int8", "uint8", "int16")
def bilinear(draw: Draw, dtype: str) -> Case:
    return _resize(draw, "RESIZE_BILINEAR", dtype)
