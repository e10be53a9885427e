"""ADD, SUB, MUL and DIV, with fused activations; ADD_N."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, broadcast_pair, float32, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import broadcast, divisor, operand, quantised

WIDE = ("float32", "int8", "uint8", "int16", "int32")
OPS: dict[str, tuple[str, ...]] = {
    "ADD": (*WIDE, "float16", "int64", "int16-pot"),
    "SUB": (*WIDE, "int64", "int16-pot"),
    "MUL": (*WIDE, "float16", "uint32", "int64", "complex64"),
    "DIV": WIDE,
}


def _activation(draw: Draw) -> str:
    names = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
    return str(draw(st.sampled_from((*names, "TANH") if draw(st.integers(0, 9)) == 9 else names)))


def _powers(draw: Draw) -> list[dict[str, Any]]:
    """Scales that are powers of two, so that one input may be shifted (or LiteRT refuses)."""
    e = draw(st.integers(-14, -5))
    a, b = e - draw(st.integers(0, 5)), e
    exponents = [a, b, e] if draw(st.booleans()) else [b, a, e]
    if draw(st.integers(0, 9)) == 9:
        exponents[draw(st.integers(0, 2))] += 1
    return [{"scale": 2.0**n, "zero_point": 0} for n in exponents]


def _of(op: str) -> None:
    @conforms(op, *OPS[op], others=tuple(t for t in PLAIN if t not in OPS[op]))
    def arithmetic(draw: Draw, label: str) -> Case:
        dtype = label.removesuffix("-pot")
        a_shape, b_shape = broadcast_pair(draw, zero=label in OPS[op])
        if label == "int16-pot" and op == "ADD" and draw(st.integers(0, 9)):
            b_shape = a_shape  # LiteRT aborts on others
        q = _powers(draw) if label != dtype else [quantised(draw, dtype) for _ in range(3)]
        if label == "int16" and op in ("ADD", "MUL") and draw(st.integers(0, 3)) == 3:
            q = [{}, {}, {}]  # whole numbers, which wrap
        if op == "SUB" and q[0]:
            # Below that, LiteRT shifts by a negative count, in its vector loop in another way than
            # after it (ADD aborts).
            most = 2 * max(q[0]["scale"], q[1]["scale"])
            q[2]["scale"] = max(
                q[2]["scale"], float32(most * 2.0 ** (-14 if dtype == "int16" else -19))
            )
        a = operand(draw, a_shape, dtype, constant=True, **q[0])
        b = operand(draw, b_shape, dtype, constant=True, **q[1])
        if op == "DIV" and dtype != "float32":
            b.data = divisor(draw, b.data, q[1].get("zero_point", 0))
        # A complex product has none, or is refused.
        none = dtype == "complex64" and draw(st.integers(0, 9))
        activation = "NONE" if none else _activation(draw)
        options: dict[str, Any] = {"fused_activation_function": activation}
        if op in ("ADD", "SUB"):
            options["pot_scale_int16"] = label != dtype or draw(st.booleans())
        y = Arg(shape=broadcast(a_shape, b_shape), dtype=dtype, **q[2])
        return case(op, [a, b], [y], **options)


for _op in OPS:
    _of(_op)


@conforms("ADD_N", "float32", "int32")
def add_n(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    terms = draw(st.integers(2, 5)) if draw(st.integers(0, 19)) else 1
    shapes = [size] * terms
    if draw(st.integers(0, 9)) == 9:
        shapes[-1] = (*size, 1)
    return case(
        "ADD_N",
        [operand(draw, s, dtype, constant=True) for s in shapes],
        [Arg(shape=size, dtype=dtype)],
    )
