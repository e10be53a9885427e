"""EQUAL and its kin, SELECT, SELECT_V2."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, broadcast_pair, scale, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import broadcast, operand, quantised

COMMON = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64")
TYPES = {
    "EQUAL": (*COMMON, "bool", "string"),
    "NOT_EQUAL": (*COMMON, "bool", "string"),
    "LESS": (*COMMON, "bfloat16"),
    "LESS_EQUAL": COMMON,
    "GREATER": (*COMMON, "bfloat16"),
    "GREATER_EQUAL": COMMON,
}
CHOSEN = tuple(t for t in PLAIN if t != "string")


def _scaled(draw: Draw, dtype: str) -> dict[str, Any]:
    """Mostly a scale below 1, for which the reference is meant."""
    fixed = {"scale": scale(draw, -7, -0.01)} if draw(st.integers(0, 4)) else {}
    return quantised(draw, dtype, **fixed)


def _of(op: str) -> None:
    @conforms(op, *TYPES[op])
    def compare(draw: Draw, dtype: str) -> Case:
        # LiteRT's Python API feeds a string without axes as some other one.
        a_shape, b_shape = broadcast_pair(draw, 1 if dtype == "string" else 0)
        q: list[dict[str, Any]] = [{}, {}]
        if dtype in ("int8", "uint8"):
            # LiteRT aborts where a scale is 1 or absent.
            q = [_scaled(draw, dtype) for _ in range(2)]
        if dtype == "int16" and (op == "NOT_EQUAL" or draw(st.booleans())):
            # Without scales, NOT_EQUAL rescales by multipliers that nobody set.
            q = [_scaled(draw, dtype) for _ in range(2)]
        low = high = None
        if dtype in ("int32", "int64") and draw(st.booleans()):
            low, high = -3, 3  # so that some are equal
        return case(
            op,
            [
                operand(draw, size, dtype, low=low, high=high, constant=True, **own)
                for size, own in zip((a_shape, b_shape), q, strict=True)
            ],
            [Arg(shape=broadcast(a_shape, b_shape), dtype="bool")],
        )


for _op in TYPES:
    _of(_op)


@conforms("SELECT", *CHOSEN)
def select(draw: Draw, dtype: str) -> Case:
    size = shape(draw, zero=dtype in CHOSEN)
    # A condition for each element, for each row, or a single one; now and then none of these.
    ways = [size, size, size[:1], ()] * 3
    condition = draw(st.sampled_from([*ways, (1,), size[1:]] if size else [()]))
    return case(
        "SELECT",
        [
            Arg(values(draw, condition, "bool")),
            operand(draw, size, dtype, constant=True),
            operand(draw, size, dtype, constant=True),
        ],
        [Arg(shape=size, dtype=dtype)],
    )


@conforms("SELECT_V2", *CHOSEN)
def select_v2(draw: Draw, dtype: str) -> Case:
    first, second = broadcast_pair(draw, zero=dtype in CHOSEN)
    whole = broadcast(first, second)
    condition = whole[draw(st.integers(0, len(whole))) :]
    condition = tuple(1 if draw(st.integers(0, 3)) == 3 else d for d in condition)
    return case(
        "SELECT_V2",
        [
            Arg(values(draw, condition, "bool")),
            operand(draw, first, dtype, constant=True),
            operand(draw, second, dtype, constant=True),
        ],
        [Arg(shape=whole, dtype=dtype)],
    )
