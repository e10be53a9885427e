"""Activations: RELU and its kin, smooth ones, LOGISTIC, TANH, SOFTMAX, LOG_SOFTMAX.

Quantised operands always have a scale: without one, LiteRT divides 0 by 0 and converts a NaN to an
integer, which C leaves open.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, float32, scale, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import QUANTISED, extent, operand, quantised

HALVES = ("float16", "bfloat16")
OPS: dict[str, tuple[str, ...]] = {
    "RELU": ("float32", *QUANTISED),
    "RELU6": ("float32", *QUANTISED),
    "RELU_N1_TO_1": ("float32", "int8", "uint8"),
    "RELU_0_TO_1": ("float32", "int8", "uint8"),
    "HARD_SWISH": ("float32", "int8", "uint8"),
    "LEAKY_RELU": ("float32", *QUANTISED),
    "ELU": ("float32", "int8"),
    "GELU": ("float32", "float16", *QUANTISED),
}


def _of(op: str) -> None:
    @conforms(op, *OPS[op], others=tuple(t for t in PLAIN if t not in OPS[op]))
    def activation(draw: Draw, dtype: str) -> Case:
        size = extent(draw, dtype)
        source, target = quantised(draw, dtype), quantised(draw, dtype)
        if source and draw(st.integers(0, 3)) == 3:
            target = source
        if source and op == "HARD_SWISH" and draw(st.integers(0, 7)):
            # LiteRT refuses a step of the output below a 128th of the input's.
            target["scale"] = max(target["scale"], source["scale"] / 64)
        options: dict[str, Any] = {}
        if op == "LEAKY_RELU":
            options["alpha"] = draw(st.sampled_from((0.0, 0.01, 0.2, 1.0, 1.7, -0.3)))
        if op == "GELU":
            options["approximate"] = draw(st.booleans())
        return case(
            op,
            [operand(draw, size, dtype, constant=True, **source)],
            [Arg(shape=size, dtype=dtype, **target)],
            **options,
        )


for _op in OPS:
    _of(_op)


@conforms("PRELU", "float32", *QUANTISED)
def prelu(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    slopes = tuple(1 if draw(st.booleans()) else d for d in size)[draw(st.integers(0, len(size))) :]
    if draw(st.integers(0, 2)) == 2:
        slopes = size
    # int16 is scaled by int8 slopes; of int16 ones, LiteRT reads the bytes.
    slope = draw(st.sampled_from(("int8", "int16"))) if dtype == "int16" else dtype
    q = [quantised(draw, t) for t in (dtype, slope, dtype)]
    return case(
        "PRELU",
        [
            operand(draw, size, dtype, **q[0]),
            operand(draw, slopes, slope, constant=True, **q[1]),
        ],
        [Arg(shape=size, dtype=dtype, **q[2])],
    )


# The output's scale and zero point, which LiteRT (but for TANH's 8 bits) demands.
LOGISTIC = {"int8": (2**-8, -128), "uint8": (2**-8, 0), "int16": (2**-15, 0)}
TANH = {"int8": (2**-7, 0), "uint8": (2**-7, 128), "int16": (2**-15, 0)}
SIGMOIDS = {"LOGISTIC": LOGISTIC, "TANH": TANH}


def _fixed(
    draw: Draw, dtype: str, table: dict[str, tuple[float, int]], free: bool = False
) -> dict[str, Any]:
    """The output's quantisation; one time in ten, or half the time if `free`, another."""
    if dtype not in table:
        return {}
    if draw(st.booleans()) if free else draw(st.integers(0, 9)) == 9:
        found = quantised(draw, dtype)
        return {**found, "scale": table[dtype][0]} if draw(st.booleans()) else found
    step, point = table[dtype]
    return {"scale": step, "zero_point": point}


def _sigmoid(op: str) -> None:
    @conforms(op, "float32", *HALVES, *QUANTISED)
    def sigmoid(draw: Draw, dtype: str) -> Case:
        size = extent(draw, dtype)
        source = quantised(draw, dtype)
        if dtype == "int16":
            power = float32(2.0 ** draw(st.integers(-13, -10)))
            source["scale"] = power if draw(st.booleans()) else scale(draw, -16, -5)
        return case(
            op,
            [operand(draw, size, dtype, **source)],
            [Arg(shape=size, dtype=dtype, **_fixed(draw, dtype, SIGMOIDS[op], op == "TANH"))],
        )


for _op in SIGMOIDS:
    _sigmoid(_op)

SOFTMAX = {"int8": (2**-8, -128), "uint8": (2**-8, 0), "int16": (2**-15, 0)}
LOG_SOFTMAX = {"int8": (2**-4, 127), "uint8": (2**-4, 255)}


@conforms("SOFTMAX", "float32", "float16", *QUANTISED, "int8-to-int16", "uint8-to-int16")
def softmax(draw: Draw, label: str) -> Case:
    dtype, _, target = label.partition("-to-")
    target = target or dtype
    size = extent(draw, dtype, 1)
    source = quantised(draw, dtype)
    beta = float32(2.0 ** draw(st.floats(-2, 1))) if draw(st.booleans()) else 1.0
    out = _fixed(draw, target, SOFTMAX)
    return case(
        "SOFTMAX",
        [operand(draw, size, dtype, special=False, **source)],
        [Arg(shape=size, dtype=target, **out)],
        beta=beta,
    )


@conforms("LOG_SOFTMAX", "float32", "int8", "uint8")
def log_softmax(draw: Draw, dtype: str) -> Case:
    size = extent(draw, dtype, 1)
    return case(
        "LOG_SOFTMAX",
        [operand(draw, size, dtype, special=False, **quantised(draw, dtype))],
        [Arg(shape=size, dtype=dtype, **_fixed(draw, dtype, LOG_SOFTMAX))],
    )
