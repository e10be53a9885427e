"""What the specifications of ops that only move elements share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg
from tests.conformance.draw import Draw, quantization, rng, shape, values

# Packed integers: how NumPy holds them, and their values. Only constants bring them into a graph.
PACKED = {"int4": (np.int8, -8, 7), "uint4": (np.uint8, 0, 15), "int2": (np.int8, -2, 1)}


def rarely(draw: Draw, times: int = 10) -> bool:
    """True one time in so many."""
    return bool(draw(st.integers(1, times)) == times)


def size(draw: Draw, low: int = 0, high: int = 6, *, most: int = 600) -> tuple[int, ...]:
    """A shape, now and then of a rank that few kernels take."""
    return shape(draw, low, high + 2 if rarely(draw, 8) else high, most=most)


def data(draw: Draw, dims: Sequence[int], dtype: str) -> np.ndarray:
    """Values of any type, odd floats among them."""
    if dtype in PACKED:
        kind, low, high = PACKED[dtype]
        return rng(draw).integers(low, high, tuple(dims), endpoint=True).astype(kind)
    return values(draw, dims, dtype, special=True)


def moved(draw: Draw, dims: Sequence[int], dtype: str) -> tuple[Arg, Arg]:
    """An operand, constant now and then, and an output of its type and quantisation."""
    q = quantization(draw, dtype)
    # A bfloat16's data is float32 and passes a CAST, which a constant has no room for.
    constant = dtype in PACKED or (dtype != "bfloat16" and rarely(draw, 5))
    # LiteRT's set_tensor takes a string without dimensions for its address.
    constant |= dtype == "string" and not dims
    operand = Arg(data(draw, dims, dtype), dtype=dtype, constant=constant, **q)
    through = "float32" if dtype in PACKED else None
    return operand, Arg(shape=(1,), dtype=dtype, through=through, **q)


def numbers(
    draw: Draw,
    given: Any,
    kinds: Sequence[str] = ("int32", "int64"),
    *,
    constant: bool | None = None,
) -> Arg:
    """Indices, sizes and the like: of one of these types, constant or fed."""
    kind = draw(st.sampled_from(tuple(kinds)))
    fixed = draw(st.booleans()) if constant is None else constant
    return Arg(np.asarray(given, kind), dtype=kind, constant=fixed)


def integers(draw: Draw, count: int, low: int, high: int) -> list[int]:
    """So many integers, bounds included."""
    return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))  # type: ignore[no-any-return]
