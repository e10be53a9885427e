"""LSH_PROJECTION, which looks at its items' bytes alone."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, shape, values
from tests.conformance.registry import conforms

FAULTS = ("rank", "bits", "weights", "scalar", "type", "count")


@conforms("LSH_PROJECTION", *PLAIN)
def lsh_projection(draw: Draw, dtype: str) -> Case:
    fault = draw(st.sampled_from(FAULTS)) if draw(st.integers(0, 11)) == 11 else ""
    hashes, bits = draw(st.integers(1, 4)), draw(st.integers(1, 32))
    bits = 33 if fault == "bits" else bits
    items = () if fault == "scalar" else shape(draw, 1, 4)
    seeds = rng(draw).standard_normal((hashes, bits)).astype(np.float32)
    if fault == "rank":
        seeds = seeds[0]
    inputs = [
        Arg(seeds, constant=draw(st.booleans())),
        Arg(values(draw, items, dtype), dtype=dtype, constant=draw(st.booleans())),
    ]
    if fault == "weights" or draw(st.booleans()):
        count = (items[0] if items else 1) + (fault == "weights")
        inputs.append(Arg(values(draw, (count,), "float32")))
    if fault == "count":
        inputs = [*inputs, *[inputs[0]] * (4 - len(inputs))]
    form = "UNKNOWN" if fault == "type" else draw(st.sampled_from(("SPARSE", "DENSE")))
    return case("LSH_PROJECTION", inputs, [Arg(shape=(1,), dtype="int32")], type=form)
