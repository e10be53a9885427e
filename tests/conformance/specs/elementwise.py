"""STABLEHLO arithmetic, BITCAST, BUCKETIZE, L2_NORMALIZATION, LOCAL_RESPONSE_NORMALIZATION and the
parts of complex numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import INTEGERS, PLAIN, Draw, float32, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import operand, quantised

NUMBERS = ("float16", "float32", "float64", *INTEGERS, "bool")
OPS: dict[str, tuple[str, ...]] = {
    "STABLEHLO_ADD": NUMBERS,
    "STABLEHLO_MULTIPLY": NUMBERS,
    "STABLEHLO_MAXIMUM": NUMBERS,
    "STABLEHLO_MINIMUM": NUMBERS,
    "STABLEHLO_AND": (*INTEGERS, "bool"),
    "STABLEHLO_SHIFT_LEFT": ("int8", "int16", "int32"),
}


def _of(op: str) -> None:
    @conforms(op, *OPS[op], others=tuple(t for t in PLAIN if t not in OPS[op]))
    def binary(draw: Draw, dtype: str) -> Case:
        size = shape(draw)
        other = (*size, 2) if draw(st.integers(0, 19)) == 19 else size
        # C leaves open what a shift by a negative count or by 32 and more gives.
        amount = (0, 31) if op.endswith("LEFT") else (None, None)
        return case(
            op,
            [
                operand(draw, size, dtype, constant=True),
                operand(draw, other, dtype, low=amount[0], high=amount[1], constant=True),
            ],
            [Arg(shape=size, dtype=dtype)],
        )


for _op in OPS:
    _of(_op)

CAST_TO = ("float32", "float16", "bfloat16", "float64", *INTEGERS, "bool", "complex64")
BYTES = {t: 2 if t == "bfloat16" else np.dtype(t).itemsize for t in CAST_TO}


@conforms("BITCAST", *CAST_TO, others=("string",))
def bitcast(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    if dtype == "string":
        x = operand(draw, size, dtype)
        return case("BITCAST", [x], [Arg(shape=size, dtype="int32")])
    target = draw(st.sampled_from(CAST_TO))
    source, wanted = BYTES[dtype], BYTES[target]
    if source < wanted and draw(st.integers(0, 9)):
        size = (*size[:5], wanted // source)
    raw = operand(draw, size, dtype, special=False)
    # Bytes that are neither 0 nor 1 are no booleans, and a NaN's bits may change in the CAST that
    # reads a bfloat16.
    if target in ("bool", "bfloat16"):
        raw.data = np.zeros_like(raw.data)
    return case("BITCAST", [raw], [Arg(shape=size, dtype=target)])


@conforms("BUCKETIZE", "float32", "float64", "int32", "int64")
def bucketize(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    edges = np.round(rng(draw).normal(size=draw(st.integers(0, 9))) * 10, 1)
    if draw(st.integers(0, 9)) != 9:  # LiteRT refuses those out of order
        edges = np.sort(edges)
    x = operand(draw, size, dtype, special=False)
    return case(
        "BUCKETIZE",
        [x],
        [Arg(shape=size, dtype="int32")],
        boundaries=[float32(e) for e in edges],
    )


@conforms("L2_NORMALIZATION", "float32", "int8", "uint8")
def l2_normalization(draw: Draw, dtype: str) -> Case:
    size = shape(draw, 0 if draw(st.integers(0, 19)) == 19 else 1, 5 if dtype == "bool" else 4)
    target: dict[str, Any] = {}
    if dtype in ("int8", "uint8"):
        target = {"scale": 2.0**-7, "zero_point": 0 if dtype == "int8" else 128}
        if draw(st.integers(0, 9)) == 9:
            target = quantised(draw, dtype)
    return case(
        "L2_NORMALIZATION",
        [operand(draw, size, dtype, special=False, **quantised(draw, dtype))],
        [Arg(shape=size, dtype=dtype, **target)],
    )


@conforms("LOCAL_RESPONSE_NORMALIZATION", "float32")
def local_response_normalization(draw: Draw, dtype: str) -> Case:
    rank = 4 if draw(st.integers(0, 19)) else 3
    size = shape(draw, rank, rank)
    return case(
        "LOCAL_RESPONSE_NORMALIZATION",
        [operand(draw, size, dtype, special=False)],
        [Arg(shape=size, dtype=dtype)],
        radius=draw(st.integers(0, 8)),
        bias=float32(draw(st.floats(0, 3))),
        alpha=float32(draw(st.floats(0, 2))),
        beta=draw(st.sampled_from((0.0, 0.5, 0.75, 1.0, -1.0))),
    )


def _part(op: str) -> None:
    @conforms(op, "complex64")
    def part(draw: Draw, dtype: str) -> Case:
        size = shape(draw)
        x = operand(draw, size, dtype, constant=True)
        return case(op, [x], [Arg(shape=size, dtype="float32")])


for _op in ("REAL", "IMAG", "COMPLEX_ABS"):
    _part(_op)
