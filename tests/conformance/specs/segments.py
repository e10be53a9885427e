"""SEGMENT_SUM, UNSORTED_SEGMENT_SUM, _PROD, _MAX, _MIN.

Outputs have the data's type: LiteRT does not look at another, and writes past its end.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw


@conforms("SEGMENT_SUM", "float32", "int32")
def segment_sum(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "order", "hole", "start", "count", "rank", "type", "scalar")
    size = () if broken == "scalar" else shape(draw, 1, 8)
    rows = size[0] if size else 1
    r = rng(draw)
    ids = np.cumsum(r.integers(0, 2, rows))
    ids = ids - ids[:1]
    if rows > 1 and broken in ("order", "hole", "start"):
        ids = {"order": ids[::-1] - 1, "hole": ids * 2, "start": ids + r.integers(-2, 3)}[broken]
    if broken == "count":
        ids = np.append(ids, ids[-1:])[: rows + 1]
    if broken == "rank":
        ids = ids.reshape(1, -1)
    return case(
        "SEGMENT_SUM",
        [
            Arg(values(draw, size, dtype), dtype=dtype, constant=draw(st.integers(0, 5)) == 5),
            Arg(ids.astype("int64" if broken == "type" else "int32"), constant=draw(st.booleans())),
        ],
        [Arg(shape=(1,), dtype=dtype)],
    )


def _unsorted(draw: Draw, op: str, dtype: str) -> Case:
    broken = flaw(draw, "id", "count", "shape", "types", "count shape")
    size = shape(draw, 0, 8)
    ids_shape = size[: draw(st.integers(0, len(size)))]
    count = draw(st.integers(0, 5)) if broken == "count" else draw(st.integers(1, 5))
    ids = rng(draw).integers(-2, count + (broken == "id"), ids_shape)
    if broken == "count":
        count = -count
    if broken == "shape":
        ids = np.zeros((*ids_shape, 2), np.int64)
    kind = "int64" if broken == "types" else "int32"
    number = np.array(count, "int32")
    if draw(st.booleans()):
        number = number.reshape(1)
    if broken == "count shape":
        number = np.array([count, count], "int32")
    special = draw(st.integers(0, 3)) == 3
    low, high = (-2.0, 2.0) if dtype == "float32" else (None, None)
    return case(
        op,
        [
            Arg(
                values(draw, size, dtype, low=low, high=high, special=special),
                dtype=dtype,
                constant=draw(st.integers(0, 5)) == 5,
            ),
            Arg(ids.astype(kind), constant=draw(st.booleans())),
            Arg(number, constant=draw(st.booleans())),
        ],
        [Arg(shape=(1,), dtype=dtype)],
    )


@conforms("UNSORTED_SEGMENT_SUM", "float32", "int32")
def unsorted_sum(draw: Draw, dtype: str) -> Case:
    return _unsorted(draw, "UNSORTED_SEGMENT_SUM", dtype)


@conforms("UNSORTED_SEGMENT_PROD", "float32", "int32")
def unsorted_prod(draw: Draw, dtype: str) -> Case:
    return _unsorted(draw, "UNSORTED_SEGMENT_PROD", dtype)


@conforms("UNSORTED_SEGMENT_MAX", "float32", "int32")
def unsorted_max(draw: Draw, dtype: str) -> Case:
    return _unsorted(draw, "UNSORTED_SEGMENT_MAX", dtype)


@conforms("UNSORTED_SEGMENT_MIN", "float32", "int32")
def unsorted_min(draw: Draw, dtype: str) -> Case:
    return _unsorted(draw, "UNSORTED_SEGMENT_MIN", dtype)
