"""GATHER, GATHER_ND."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Case, case
from tests.conformance.draw import Draw, axis, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import moved, numbers, rarely

_FLOATS = ("float32", "float16", "bfloat16")
_KINDS = (*_FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool", "string")
_INDICES = ("int32", "int64", "int16")


@conforms("GATHER", *_KINDS)
def gather(draw: Draw, dtype: str) -> Case:
    text = dtype == "string"  # LiteRT takes an empty one that no op made for broken
    source = shape(draw, 1, 1 if text and not rarely(draw) else 6, zero=not text)
    along = axis(draw, len(source))
    where = shape(draw, 0, 3, most=30)
    batch = draw(st.integers(0, min(along % len(source), len(where))))
    where = (*source[:batch], *where[batch:])
    # One past the end now and then: LiteRT refuses to invoke.
    end = source[along] + rarely(draw)
    indices = rng(draw).integers(-1 if rarely(draw) else 0, max(end, 1), where)
    operand, out = moved(draw, source, dtype)
    if rarely(draw):
        along += draw(st.sampled_from((-len(source), len(source))))
    if where and rarely(draw, 4):
        batch -= len(where)
    return case(
        "GATHER", [operand, numbers(draw, indices, _INDICES)], [out], axis=along, batch_dims=batch
    )


@conforms("GATHER", "int4")
def gather_int4(draw: Draw, dtype: str) -> Case:
    # LiteRT copies whole bytes: elements after the axis are an even number, or it copies too few.
    source = (*shape(draw, 1, 4, most=80), 2 * draw(st.integers(1, 3)))
    along = draw(st.integers(0, len(source) - 2))
    where = shape(draw, 0, 2, most=20)
    indices = rng(draw).integers(0, max(source[along], 1), where)
    operand, out = moved(draw, source, dtype)
    return case(
        "GATHER", [operand, numbers(draw, indices, _INDICES)], [out], axis=along, batch_dims=0
    )


@conforms("GATHER_ND", *_KINDS)
def gather_nd(draw: Draw, dtype: str) -> Case:
    source = shape(draw, 1, 6)
    depth = draw(st.integers(1, len(source)))
    where = shape(draw, 0, 3, most=30)
    low = -1 if rarely(draw) else 0
    rows = [rng(draw).integers(low, max(d, 1) + rarely(draw, 20), where) for d in source[:depth]]
    operand, out = moved(draw, source, dtype)
    return case("GATHER_ND", [operand, numbers(draw, np.stack(rows, axis=-1), _INDICES)], [out])
