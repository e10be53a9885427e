"""GATHER, GATHER_ND."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, axis, quantization, rng, shape, values
from tests.conformance.registry import conforms

KINDS = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool", "string")


@conforms("GATHER", *KINDS)
def gather(draw: Draw, dtype: str) -> Case:
    source = shape(draw, 1, 5)
    along = axis(draw, len(source))
    where = shape(draw, 0, 3, most=30)
    batch = draw(st.integers(0, min(along % len(source), len(where))))
    where = (*source[:batch], *where[batch:])
    # One past the end now and then: LiteRT refuses to invoke.
    end = source[along] + (draw(st.integers(0, 9)) == 9)
    kind = draw(st.sampled_from(("int32", "int64")))
    indices = rng(draw).integers(0, max(end, 1), where).astype(kind)
    q = quantization(draw, dtype)
    return case(
        "GATHER",
        [
            Arg(values(draw, source, dtype), dtype=dtype, **q),
            Arg(indices, constant=draw(st.booleans())),
        ],
        [Arg(shape=(1,), dtype=dtype, **q)],
        axis=along,
        batch_dims=batch,
    )


@conforms("GATHER_ND", *KINDS)
def gather_nd(draw: Draw, dtype: str) -> Case:
    source = shape(draw, 1, 5)
    depth = draw(st.integers(1, len(source)))
    where = shape(draw, 0, 3, most=30)
    rows = [rng(draw).integers(0, max(d, 1), where) for d in source[:depth]]
    indices = np.stack(rows, axis=-1)
    kind = draw(st.sampled_from(("int32", "int64")))
    q = quantization(draw, dtype)
    return case(
        "GATHER_ND",
        [Arg(values(draw, source, dtype), dtype=dtype, **q), Arg(indices.astype(kind))],
        [Arg(shape=(1,), dtype=dtype, **q)],
    )
