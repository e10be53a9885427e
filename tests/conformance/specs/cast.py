"""CAST: from the row's type to any other."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, shape, values
from tests.conformance.registry import conforms

KINDS = tuple(t for t in PLAIN if t not in ("uint64", "string"))
# Packed integers, which only constants hold at the start of a graph: their storage and values.
PACKED = {"int4": ("int8", -8, 7), "uint4": ("uint8", 0, 15), "int2": ("int8", -2, 1)}


@conforms("CAST", *KINDS, *PACKED, others=("uint64", "string"))
def cast(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    if dtype in PACKED:
        storage, low, high = PACKED[dtype]
        data = values(draw, size, storage, low=low, high=high)
        target = "float32" if draw(st.integers(0, 9)) else "int8"
        return case(
            "CAST",
            [Arg(data, dtype=dtype, constant=True)],
            [Arg(shape=size, dtype=target)],
        )
    # One in eight: a type that LiteRT refuses, or takes from float32 only.
    target = draw(st.sampled_from((*KINDS, *KINDS, *KINDS, *PACKED, "uint64")))
    spread = draw(st.sampled_from((1.0, 50.0, 1e5, 1e12)))
    data = values(draw, size, dtype, spread=spread, special=True)
    if data.dtype.kind in "iu" and draw(st.booleans()):
        info = np.iinfo(data.dtype)
        data = rng(draw).integers(info.min, info.max, size, data.dtype, endpoint=True)
    fixed = dtype != "bfloat16" and draw(st.integers(0, 3)) == 3
    x = Arg(data, dtype=dtype, constant=fixed)
    return case("CAST", [x], [Arg(shape=size, dtype=target)])
