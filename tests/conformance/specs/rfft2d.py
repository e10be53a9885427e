"""RFFT2D."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw


@conforms("RFFT2D", "float32")
def rfft2d(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "rank", "length", "length type", "length shape", "empty")
    lead = shape(draw, 0, 3, zero=False, most=6)
    length = [draw(st.sampled_from((1, 2, 4, 8, 16))) for _ in range(2)]
    size = (*lead, *[n + draw(st.integers(0, 3)) for n in length])
    if broken == "rank":
        size = size[-1:]
    if broken == "empty":
        size = (0, *size[-2:])
    if broken == "length":
        length[draw(st.integers(0, 1))] = draw(st.sampled_from((0, -2, 3, 6)))
    wanted = np.array(length, "int64" if broken == "length type" else "int32")
    if broken == "length shape":
        wanted = draw(st.sampled_from((wanted[:1], wanted[None], np.tile(wanted, 2))))
    return case(
        "RFFT2D",
        [Arg(values(draw, size, dtype), dtype=dtype), Arg(wanted, constant=draw(st.booleans()))],
        [Arg(shape=(1,), dtype="complex64")],
    )
