"""ONE_HOT, FILL, RANGE, WHERE: elements made rather than moved."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, integers, moved, numbers, rarely, size


@conforms("ONE_HOT", "float32", "int8", "uint8", "int32", "int64", "bool")
def one_hot(draw: Draw, dtype: str) -> Case:
    where = shape(draw, 0, 6, most=60)
    along = draw(st.integers(-1, len(where)))
    if rarely(draw):
        along = draw(st.sampled_from((-2, len(where) + 1)))
    depth = draw(st.integers(0, 5))
    if rarely(draw):
        depth = -1
    indices = rng(draw).integers(-2, max(depth, 0) + 2, where)
    one = (1,) if rarely(draw) else ()
    on, out = moved(draw, one, dtype)
    off, _ = moved(draw, one, dtype)
    return case(
        "ONE_HOT",
        [numbers(draw, indices), numbers(draw, np.full(one, depth), ("int32",)), on, off],
        [out],
        axis=along,
    )


@conforms("FILL", *PLAIN)
def fill(draw: Draw, dtype: str) -> Case:
    dims = list(size(draw))
    if dims and rarely(draw):
        dims[0] = -1
    value, out = moved(draw, (1,) if rarely(draw) else (), dtype)
    if value.dtype in ("int8", "int16") and rarely(draw):
        out.scale = 3.0
    if rarely(draw):
        dims_of = np.array(dims).reshape(1, -1)
        return case("FILL", [numbers(draw, dims_of), value], [out])
    return case("FILL", [numbers(draw, dims), value], [out])


@conforms("RANGE", "float32", "int32", "int64")
def steps(draw: Draw, dtype: str) -> Case:
    if dtype == "int32" or dtype == "int64" or rarely(draw, 2):
        start, limit, delta = integers(draw, 3, -30, 30)
    else:
        finite = st.floats(-20, 20, width=32)
        start, limit, delta = draw(finite), draw(finite), draw(finite)
        delta = delta if abs(delta) > 0.05 else 0.25
    if not rarely(draw):
        delta = abs(delta) if limit >= start else -abs(delta)
    one = (1,) if rarely(draw) else ()
    args = []
    for value in (start, limit, delta):
        arg, out = moved(draw, one, dtype)
        assert arg.data is not None
        if arg.data.dtype.kind in "iuf":
            arg.data = np.full(one, value).astype(arg.data.dtype)
        args.append(arg)
    return case("RANGE", args, [out])


@conforms("WHERE", "float32", "int8", "uint8", "int32", "uint32", "int64", "bool")
def where(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1)
    condition = data(draw, dims, dtype)
    if condition.dtype != object:
        condition = np.where(rng(draw).random(dims) < 0.5, condition, condition.dtype.type(0))
    arg = Arg(np.asarray(condition), dtype=dtype, constant=dtype != "bfloat16" and rarely(draw, 5))
    return case("WHERE", [arg], [Arg(shape=(1,), dtype="int64")])
