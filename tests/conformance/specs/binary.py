"""Elementwise ops of two arguments that broadcast, without a fused activation."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, broadcast_pair
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import broadcast, divisor, operand, quantised

HALVES = ("float16", "bfloat16")
WORDS = ("int8", "uint8", "int16", "uint16", "int32", "uint32")
OPS: dict[str, tuple[str, ...]] = {
    "POW": ("float32", "int32"),
    "MAXIMUM": ("float32", *HALVES, "int8", "uint8", "int16", "int32", "int64"),
    "MINIMUM": ("float32", *HALVES, "int8", "uint8", "int16", "int32", "int64"),
    "SQUARED_DIFFERENCE": ("float32", "int8", "int32"),
    "FLOOR_DIV": ("float32", "int8", "int16", "int32"),
    "FLOOR_MOD": ("float32", "int8", "int16", "int32", "int64"),
    "ATAN2": ("float32", *HALVES, "float64"),
    "LOGICAL_AND": ("bool",),
    "LOGICAL_OR": ("bool",),
    "BITWISE_XOR": WORDS,
    "RIGHT_SHIFT": WORDS,
}


def _of(op: str) -> None:
    @conforms(op, *OPS[op], others=tuple(t for t in PLAIN if t not in OPS[op]))
    def binary(draw: Draw, dtype: str) -> Case:
        # MAXIMUM and MINIMUM run on empty tensors of any type.
        a_shape, b_shape = broadcast_pair(draw, zero=dtype in OPS[op])
        if op == "ATAN2" and (prod(b_shape) < prod(a_shape) or draw(st.integers(0, 4))):
            b_shape = a_shape  # LiteRT reads past the end of fewer, memory that nobody wrote
        q = [quantised(draw, dtype) for _ in range(3)] if op == "SQUARED_DIFFERENCE" else [{}] * 3
        low = high = None
        if op == "POW" and dtype == "int32":
            # LiteRT refuses negative powers.
            low, high = (-1 if draw(st.integers(0, 9)) == 9 else 0), 12
        a = operand(draw, a_shape, dtype, constant=True, **q[0])
        b = operand(draw, b_shape, dtype, low=low, high=high, constant=True, **q[1])
        if op == "POW" and b.data.dtype.kind == "f" and draw(st.booleans()):
            b.data = np.round(b.data)  # whole exponents are another way in LiteRT
        if op == "FLOOR_DIV" or (op == "FLOOR_MOD" and dtype != "float32"):
            b.data = divisor(draw, b.data)
        if op == "FLOOR_DIV" and dtype in ("int8", "int16"):
            # The least number by -1 is a double that is none of the type, whose conversion C leaves
            # open: LiteRT's vector code saturates it, what is left over wraps.
            a.data = np.maximum(a.data, np.iinfo(dtype).min + 1)
        return case(op, [a, b], [Arg(shape=broadcast(a_shape, b_shape), dtype=dtype, **q[2])])


for _op in OPS:
    _of(_op)
