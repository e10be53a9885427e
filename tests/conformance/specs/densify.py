"""DENSIFY."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, values
from tests.conformance.registry import conforms
from tests.conformance.specs.sparse import sparse_rows
from tests.conformance.specs.weighted import flaw


@conforms(
    "DENSIFY", "float32", "float16", "int8", others=("int16", "int32", "int64", "uint8", "float64")
)
def densify(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "dense", "fed")
    block = draw(st.sampled_from((1, 1, 2, 4)))
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    keep = rng(draw).random((rows, columns)) < 0.5
    keep[0, 0] = True  # a constant without bytes is none
    data = values(draw, (rows, columns * block), dtype)
    data = np.where(np.repeat(keep, block, axis=1), data, np.zeros((), dtype)).astype(dtype)
    if broken:
        source = Arg(data, constant=broken == "dense")
    else:
        stored, extra = sparse_rows(data, keep, block, dtype)
        source = Arg(stored, dtype=dtype, constant=True, extra=extra)
    return case("DENSIFY", [source], [Arg(shape=(1,), dtype=dtype)])
