"""QUANTIZE, DEQUANTIZE, FAKE_QUANT."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, float32, scale, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.operands import operand, quantised

PACKED = {"int4": ("int8", -8, 7), "uint4": ("uint8", 0, 15), "int2": ("int8", -2, 1)}
# What only constants hold: the array's type and its limits.
STORED = {
    **PACKED,
    "float8_e4m3fn": ("int8", -128, 127),
    "float8_e5m2": ("int8", -128, 127),
}


def _any_scale(draw: Draw, dtype: str) -> dict[str, Any]:
    """A scale and zero point of any integer type, int16 with a zero point now and then."""
    if dtype in ("int8", "uint8"):
        return quantised(draw, dtype)
    odd = dtype == "int32" or draw(st.integers(0, 9)) == 9
    point = draw(st.integers(-300, 300)) if odd else 0
    if dtype in PACKED:
        _, low, high = PACKED[dtype]
        point = draw(st.integers(low, high))
    return {"scale": scale(draw, -12, 1), "zero_point": point}


def _channels(draw: Draw, size: tuple[int, ...], dtype: str) -> dict[str, Any]:
    """A scale and a zero point for each index of an axis."""
    axis = draw(st.integers(0, len(size) - 1))
    each = [_any_scale(draw, dtype) for _ in range(size[axis])]
    points = [q["zero_point"] for q in each]
    return {"scale": [q["scale"] for q in each], "zero_point": points, "axis": axis}


INTEGERS = ("int8", "uint8", "int16", "int32")
PAIRS = {
    "float32": ("int8", "uint8", "int16", "int4", "uint4"),
    "int8": ("int8", "uint8", "int16"),
    "uint8": ("int8", "uint8", "int16"),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
}


@conforms("QUANTIZE", *PAIRS, "float32-per-channel", others=("float16", "bfloat16", "int64"))
def quantize(draw: Draw, label: str) -> Case:
    dtype = label.removesuffix("-per-channel")
    size = shape(draw, int(dtype != label), zero=dtype == label)
    allowed = PAIRS.get(dtype, ("int8",))
    refused = tuple(t for t in (*INTEGERS, *PACKED) if t not in allowed)
    target = draw(st.sampled_from(refused if draw(st.integers(0, 9)) == 9 else allowed))
    own = _any_scale(draw, dtype) if dtype in INTEGERS else {}
    if dtype != label:
        target = draw(st.sampled_from(("int8", "uint8", "int16")))
        q = _channels(draw, size, target)
    else:
        q = _any_scale(draw, target)
    # C leaves open what infinities, NaN and what is beyond int32 become as integers.
    x = operand(draw, size, dtype, special=False, **own)
    return case("QUANTIZE", [x], [Arg(shape=size, dtype=target, **q)])


@conforms(
    "DEQUANTIZE",
    "int8",
    "uint8",
    "int16",
    "float16",
    *PACKED,
    "int8-per-channel",
    "uint8-per-channel",
    "int4-per-channel",
    "int2-per-channel",
    "uint4-per-channel",
    others=(
        *("float32", "float64", "bfloat16", "int32", "int64", "bool", "uint16"),
        *("float8_e4m3fn", "float8_e5m2"),
    ),
)
def dequantize(draw: Draw, label: str) -> Case:
    dtype = label.removesuffix("-per-channel")
    size = shape(draw, int(dtype != label), zero=dtype == label)
    q: dict[str, Any] = {}
    if dtype != label:
        q = _channels(draw, size, dtype)
    elif dtype in (*INTEGERS, *PACKED):
        q = _any_scale(draw, dtype)
    if dtype in STORED:
        storage, low, high = STORED[dtype]
        data = values(draw, size, storage, low=low, high=high)
        x = Arg(data, dtype=dtype, constant=True, **q)
    else:
        x = operand(draw, size, dtype, constant=True, **q)
    return case("DEQUANTIZE", [x], [Arg(shape=size, dtype="float32")])


# LiteRT looks at no type: it reads anything as floats, and past the end of what is smaller.
@conforms("FAKE_QUANT", "float32", others=())
def fake_quant(draw: Draw, dtype: str) -> Case:
    size = shape(draw)
    low = float32(draw(st.floats(-20, 1)))
    high = float32(low + 2.0 ** draw(st.floats(-6, 5)))
    return case(
        "FAKE_QUANT",
        [operand(draw, size, dtype)],
        [Arg(shape=size, dtype=dtype)],
        min=low,
        max=high,
        num_bits=draw(st.integers(1, 18)),
        narrow_range=draw(st.integers(0, 4)) == 4,
    )
