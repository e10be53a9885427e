"""Operands of elementwise ops, shared by their specifications."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg
from tests.conformance.draw import Draw, quantization, rng, shape, values

QUANTISED = ("int8", "uint8", "int16")


EVERY = (256,)  # the shape of all values of an 8-bit type


def extent(draw: Draw, dtype: str, low: int = 0) -> tuple[int, ...]:
    """The shape of an elementwise op's operand, of at least `low` axes; one time in four that in which
    `operand` puts every value of an 8-bit type.
    """
    every = dtype in ("int8", "uint8") and draw(st.integers(0, 3)) == 3
    return EVERY if every else shape(draw, low)


def operand(
    draw: Draw,
    size: tuple[int, ...],
    dtype: str,
    *,
    low: float | None = None,
    high: float | None = None,
    special: bool = True,
    constant: bool = False,
    **quantised: Any,
) -> Arg:
    """An input of this shape and type: integers now and then over their whole range, so that they
    overflow, floats of any size with infinities, NaN, subnormals and both zeros (`special`). Of the
    shape EVERY it has each value of an 8-bit type.

    `constant` lets it be one; `quantised` is `scale=` and `zero_point=`.
    """
    spread = draw(st.sampled_from((1.0, 3.0, 30.0, 1e4)))
    kind = np.dtype("float32" if dtype == "bfloat16" else "O" if dtype == "string" else dtype).kind
    if size == EVERY and dtype in ("int8", "uint8"):
        info = np.iinfo(dtype)
        least, most = info.min if low is None else int(low), info.max if high is None else int(high)
        data = rng(draw).permutation(np.arange(info.min, info.max + 1)).clip(least, most)
        data = data.astype(dtype)
    elif low is None and high is None and kind in "iu" and draw(st.booleans()):
        info = np.iinfo(dtype)
        data = rng(draw).integers(info.min, info.max, size, np.dtype(dtype), endpoint=True)
    else:
        data = values(draw, size, dtype, low=low, high=high, spread=spread, special=special)
    # A bfloat16 comes from the CAST before the op, so it is no constant.
    fixed = constant and dtype != "bfloat16" and draw(st.integers(0, 3)) == 3
    return Arg(np.asarray(data), dtype=dtype, constant=fixed, **quantised)


def quantised(draw: Draw, dtype: str, **fixed: Any) -> dict[str, Any]:
    """`quantization` of the type, with some of it fixed; nothing for types that have none."""
    found = quantization(draw, dtype)
    return {**found, **fixed} if found else {}


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape, or the first where there is none."""
    try:
        return tuple(int(d) for d in np.broadcast_shapes(*shapes))
    except ValueError:
        return shapes[0]


def divisor(draw: Draw, data: np.ndarray | None, zero: int = 0) -> np.ndarray:
    """Numbers without `zero`, by which LiteRT refuses to divide (one time in ten they keep it)."""
    assert data is not None
    if draw(st.integers(0, 9)) == 9:
        return data
    other = zero - 1 if zero > 0 else zero + 1  # a zero point may be the type's largest number
    return np.where(data == zero, other, data).astype(data.dtype)
