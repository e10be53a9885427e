"""RESHAPE, SQUEEZE, EXPAND_DIMS, SHAPE, RANK."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import PACKED, moved, numbers, rarely, size


def _regrouped(draw: Draw, dims: tuple[int, ...]) -> list[int]:
    """Another shape of as many elements."""
    wanted: list[int] = []
    for d in draw(st.permutations(dims)):
        if wanted and draw(st.booleans()):
            wanted[-1] *= d
        else:
            wanted.append(d)
    if rarely(draw, 3):
        wanted.insert(draw(st.integers(0, len(wanted))), 1)
    return wanted


@conforms("RESHAPE", *PLAIN)
@conforms("RESHAPE", *PACKED)
def reshape(draw: Draw, dtype: str) -> Case:
    dims = size(draw)
    wanted = _regrouped(draw, dims)
    if wanted and rarely(draw, 3):
        wanted[draw(st.integers(0, len(wanted) - 1))] = -1
    if wanted and rarely(draw):
        wanted[0] = draw(st.sampled_from((-1, -2, 0, wanted[0] + 1)))
    operand, out = moved(draw, dims, dtype)
    how = draw(st.sampled_from(("option", "tensor", "tensor", "both", "matrix", "other type")))
    if how == "option":
        return case("RESHAPE", [operand], [out], new_shape=wanted)
    if how == "tensor":
        return case("RESHAPE", [operand, numbers(draw, wanted, ("int32",))], [out])
    if how == "both":  # the tensor counts
        shape = numbers(draw, wanted, ("int32",))
        return case("RESHAPE", [operand, shape], [out], new_shape=[7, 7])
    # A shape tensor that is no int32 vector is passed over; the option counts.
    unusable = numbers(draw, np.array([wanted or [1]]), ("int32",), constant=True)
    if how == "other type":
        unusable = numbers(draw, wanted or [1], ("int64",), constant=True)
    return case("RESHAPE", [operand, unusable], [out], new_shape=wanted)


@conforms("SQUEEZE", *PLAIN)
@conforms("SQUEEZE", *PACKED)
def squeeze(draw: Draw, dtype: str) -> Case:
    dims = tuple(1 if draw(st.booleans()) else d for d in size(draw))
    ones = [i for i, d in enumerate(dims) if d == 1]
    named = draw(st.lists(st.sampled_from(ones), max_size=4)) if ones else []
    named = [a - len(dims) if draw(st.booleans()) else a for a in named]
    if rarely(draw):
        named.append(draw(st.integers(-len(dims) - 1, len(dims))))
    operand, out = moved(draw, dims, dtype)
    return case("SQUEEZE", [operand], [out], squeeze_dims=named)


@conforms("EXPAND_DIMS", *PLAIN)
@conforms("EXPAND_DIMS", *PACKED)
def expand_dims(draw: Draw, dtype: str) -> Case:
    dims = size(draw)
    at = draw(st.integers(-len(dims) - 1, len(dims)))
    if rarely(draw):
        at = draw(st.sampled_from((-len(dims) - 2, len(dims) + 1)))
    one = draw(st.sampled_from(((), (1,))))
    given = np.full((2,) if rarely(draw, 20) else one, at)
    operand, out = moved(draw, dims, dtype)
    return case("EXPAND_DIMS", [operand, numbers(draw, given)], [out])


@conforms("SHAPE", *PLAIN)
def shape_of(draw: Draw, dtype: str) -> Case:
    operand, _ = moved(draw, size(draw), dtype)
    kind = draw(st.sampled_from(("int32", "int64")))
    return case("SHAPE", [operand], [Arg(shape=(1,), dtype=kind)], out_type=kind)


@conforms("RANK", *PLAIN)
def rank(draw: Draw, dtype: str) -> Case:
    operand, _ = moved(draw, size(draw), dtype)
    return case("RANK", [operand], [Arg(shape=(1,), dtype="int32")])
