"""SCATTER_ND, SPARSE_TO_DENSE, MATRIX_DIAG, MATRIX_SET_DIAG, UNIQUE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, moved, numbers, rarely, size


@conforms("SCATTER_ND", "float32", "int8", "uint8", "int32", "int64", "bool")
def scatter_nd(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 5)
    depth = draw(st.integers(1, len(dims)))
    where = shape(draw, 0 if rarely(draw) else 1, 2, most=20)
    low = -1 if rarely(draw) else 0
    rows = [rng(draw).integers(low, max(d, 1) + rarely(draw, 20), where) for d in dims[:depth]]
    part = (*where, *dims[depth:])
    if rarely(draw):
        part = (*part, 2)
    updates, out = moved(draw, part, dtype)
    return case(
        "SCATTER_ND",
        [
            numbers(draw, np.stack(rows, axis=-1), ("int32",)),
            updates,
            numbers(draw, dims, ("int32",)),
        ],
        [out],
    )


@conforms("SPARSE_TO_DENSE", "float32", "int8", "uint8", "int32", "int64")
def sparse_to_dense(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 5 if rarely(draw) else 4, zero=False)
    count = draw(st.integers(1, 5))
    rank = draw(st.integers(0, 2))
    if rank == 2:
        where = np.stack([rng(draw).integers(0, d, count) for d in dims], axis=-1)
    else:
        dims = dims[:1]
        count = count if rank else 1
        where = rng(draw).integers(0, dims[0], (count,) if rank else ())
    kinds = (draw(st.sampled_from(("int32", "int64"))),)
    given = (count,) if draw(st.booleans()) else ()
    if rarely(draw, 20):
        given = (count + 1,)
    found, out = moved(draw, given, dtype)
    other, _ = moved(draw, (), dtype)
    return case(
        "SPARSE_TO_DENSE",
        [numbers(draw, where, kinds), numbers(draw, dims, kinds), found, other],
        [out],
        validate_indices=draw(st.booleans()),
    )


_KINDS = ("float32", "int8", "uint8", "int16", "int32", "int64")


# Any other type LiteRT takes for float32, past the ends of smaller ones.
@conforms("MATRIX_DIAG", *_KINDS, "uint32", others=())
def matrix_diag(draw: Draw, dtype: str) -> Case:
    operand, out = moved(draw, size(draw, 0 if rarely(draw) else 1, most=100), dtype)
    return case("MATRIX_DIAG", [operand], [out])


@conforms("MATRIX_SET_DIAG", *_KINDS, "uint32", others=())
def matrix_set_diag(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 1 if rarely(draw) else 2, most=200)
    part = (*dims[:-2], min(dims[-2:]))
    if rarely(draw, 20):  # too many are passed over
        part = (*part[:-1], part[-1] + 1)
    operand, out = moved(draw, dims, dtype)
    diagonal, _ = moved(draw, part, dtype)
    return case("MATRIX_SET_DIAG", [operand, diagonal], [out])


@conforms("UNIQUE", *_KINDS)
def unique(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 2, 3) if rarely(draw) else (draw(st.integers(0, 20)),)
    given = data(draw, dims, dtype)
    if given.dtype.kind == "f":  # which value a NaN meets depends on LiteRT's search tree
        given = np.where(np.isnan(given), given.dtype.type(1), given)
    if given.dtype.kind in "iuf" and draw(st.booleans()):
        given = values(draw, dims, dtype, low=0, high=4)
        given = given if given.dtype.kind != "f" else np.round(given)
    kind = draw(st.sampled_from(("int32", "int64")))
    fixed = dtype != "bfloat16" and rarely(draw, 5)
    return case(
        "UNIQUE",
        [Arg(given, dtype=dtype, constant=fixed)],
        [Arg(shape=(1,), dtype=dtype), Arg(shape=(1,), dtype=kind)],
        idx_out_type=kind,
    )
