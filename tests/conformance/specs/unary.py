"""Elementwise ops of one argument."""

from __future__ import annotations

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, shape, values
from tests.conformance.registry import conforms


@conforms("ABS", "float32", "int8", "int16", "int32")
def absolute(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    return case(
        "ABS",
        [
            Arg(
                values(draw, size, dtype, special=True),
                dtype=dtype,
                **quantization(draw, dtype),
            )
        ],
        [Arg(shape=size, dtype=dtype, **quantization(draw, dtype))],
    )
