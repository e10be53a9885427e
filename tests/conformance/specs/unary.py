"""Elementwise ops of one argument.

8- and 16-bit operands always have a scale: without one, LiteRT divides 0 by 0 and converts a NaN to
an integer, which C leaves open.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import extent, operand, quantised

HALVES = ("float16", "bfloat16")
OPS: dict[str, tuple[str, ...]] = {
    "NEG": ("float32", *HALVES, "int8", "int16", "int32", "int64"),
    "SQUARE": ("float32",),
    "SIN": ("float32", "float16"),
    "COS": ("float32", "float16"),
    "FLOOR": ("float32", *HALVES),
    "CEIL": ("float32",),
    "ROUND": ("float32", *HALVES),
    "SIGN": ("float32", "float64", "int32"),
    "ZEROS_LIKE": ("float32", "int32", "int64"),
    "LOGICAL_NOT": ("bool",),
    "ABS": ("float32", "int8", "int16", "int32"),
    "EXP": ("float32", "int8", "int16"),
    "LOG": ("float32", "int8", "int16"),
    "SQRT": ("float32", "int8", "int16"),
    "RSQRT": ("float32", "int8", "int16"),
}


def _of(op: str) -> None:
    @conforms(op, *OPS[op], others=tuple(t for t in PLAIN if t not in OPS[op]))
    def unary(draw: Draw, dtype: str) -> Case:
        size = extent(draw, dtype)
        source, target = quantised(draw, dtype), quantised(draw, dtype)
        if source and draw(st.booleans()):
            target = source  # of one scale, or as NEG, that takes no notice of scales
        if op == "ABS" and dtype == "int16" and draw(st.booleans()):
            source = target = {}
        low = None
        if op in ("SQRT", "RSQRT") and source and draw(st.integers(0, 9)):
            low = source["zero_point"]  # LiteRT refuses to run with less
        return case(
            op,
            [operand(draw, size, dtype, low=low, constant=True, **source)],
            [Arg(shape=size, dtype=dtype, **target)],
        )


for _op in OPS:
    _of(_op)
