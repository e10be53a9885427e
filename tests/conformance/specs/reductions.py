"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

NUMBERS = ("float32", "int8", "uint8", "int16", "int32", "int64")


def _axes(draw: Draw, rank: int, broken: str | None) -> Arg:
    """Some axes, from both ends, perhaps twice the same, constant or fed."""
    if broken == "axis":
        found = [draw(st.sampled_from((rank, -rank - 1)))]
    elif rank:
        found = draw(st.lists(st.integers(-rank, rank - 1), max_size=4))
    else:
        found = draw(st.lists(st.sampled_from((0, -1, 3)), max_size=2))  # a scalar has no axis
    data = np.array(found, "int64" if broken == "axis type" else "int32")
    if len(found) == 1 and draw(st.booleans()):
        data = data.reshape(())
    return Arg(data, constant=draw(st.booleans()))


def _shape_only(outputs: list[np.ndarray]) -> list[np.ndarray]:
    return [np.zeros_like(y) for y in outputs]


def _reduction(draw: Draw, op: str, dtype: str, q: dict[str, Any], p: dict[str, Any]) -> Case:
    broken = flaw(draw, "axis", "axis type", "zero point", "no scale")
    size = shape(draw, 0, 8, most=400)
    if broken == "no scale":
        q, p = draw(st.sampled_from((({}, {}), (q, {}), ({}, p))))
    if broken == "zero point" and q:
        q = {**q, "zero_point": 1}
    low, high = None, None
    if op == "REDUCE_PROD" and dtype == "float32":
        low, high = -2.0, 2.0
    special = op.startswith(("REDUCE_M", "SUM", "MEAN")) and draw(st.integers(0, 3)) == 3
    axes = _axes(draw, len(size), broken)
    constant = draw(st.integers(0, 5)) == 5
    if constant and size and broken != "axis" and draw(st.booleans()):
        # LiteRT computes some of these ahead: nothing is reduced but axes of 1.
        assert axes.data is not None
        gone = {int(a) % len(size) for a in axes.data.ravel()}
        size = tuple(1 if a in gone else d for a, d in enumerate(size))
    # int16 SUM never writes half of its output, quantised REDUCE_PROD of nothing none of it.
    unwritten = op == "SUM" and dtype == "int16"
    unwritten |= op == "REDUCE_PROD" and bool(q) and 0 in size
    # LiteRT does not look at the output's type, and writes the input's into whatever memory there
    # is: there is no result to compare with.
    return case(
        op,
        [
            Arg(
                values(draw, size, dtype, low=low, high=high, special=special),
                dtype=dtype,
                constant=constant,
                **q,
            ),
            axes,
        ],
        [Arg(shape=(1,), dtype=dtype, **p)],
        defined=_shape_only if unwritten else None,
        keep_dims=draw(st.booleans()),
    )


@conforms("MEAN", *NUMBERS)
def mean(draw: Draw, dtype: str) -> Case:
    return _reduction(draw, "MEAN", dtype, quantization(draw, dtype), quantization(draw, dtype))


@conforms("SUM", *NUMBERS, "bool")
def sum_(draw: Draw, dtype: str) -> Case:
    q = quantization(draw, dtype)
    p = quantization(draw, dtype) if draw(st.booleans()) else q
    return _reduction(draw, "SUM", dtype, q, p)


@conforms("REDUCE_MAX", *NUMBERS, "bool")
def reduce_max(draw: Draw, dtype: str) -> Case:
    q = quantization(draw, dtype)
    p = quantization(draw, dtype) if draw(st.integers(0, 5)) == 5 else q
    return _reduction(draw, "REDUCE_MAX", dtype, q, p)


@conforms("REDUCE_MIN", *NUMBERS, "bool")
def reduce_min(draw: Draw, dtype: str) -> Case:
    q = quantization(draw, dtype)
    p = quantization(draw, dtype) if draw(st.integers(0, 5)) == 5 else q
    return _reduction(draw, "REDUCE_MIN", dtype, q, p)


@conforms("REDUCE_PROD", *NUMBERS, "bool")
def reduce_prod(draw: Draw, dtype: str) -> Case:
    # Quantised uint8 is refused.
    quantized = dtype != "uint8" and draw(st.integers(0, 4)) > 0
    q, p = (quantization(draw, dtype) if quantized else {} for _ in range(2))
    return _reduction(draw, "REDUCE_PROD", dtype, q, p)


@conforms("REDUCE_ANY", "bool")
def reduce_any(draw: Draw, dtype: str) -> Case:
    return _reduction(draw, "REDUCE_ANY", dtype, {}, {})


@conforms("REDUCE_ALL", "bool")
def reduce_all(draw: Draw, dtype: str) -> Case:
    return _reduction(draw, "REDUCE_ALL", dtype, {}, {})
