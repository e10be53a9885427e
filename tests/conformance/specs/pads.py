"""PAD, PADV2, MIRROR_PAD, DILATE, STABLEHLO_PAD and CONCATENATION."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, axis, quantization
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, integers, moved, numbers, rarely, size

_NO_STRINGS = tuple(t for t in PLAIN if t != "string")
_PADDED = ("float32", "float16", "bfloat16", "int8", "uint8", "int16", "int32", "int64", "bool")
_AMOUNTS = ("int32", "int64", "int32", "int64", "int32", "int64", "int8", "int16")


def _paddings(draw: Draw, dims: tuple[int, ...], most: int = 2) -> np.ndarray:
    """[rank, 2], now and then of another shape or with a negative number."""
    amounts = np.array(integers(draw, 2 * len(dims), 0, most), int).reshape(-1, 2)
    if len(amounts) > 4:
        amounts[2:-1] = 0
    if amounts.size and rarely(draw):
        amounts[0, 0] = -1
    if rarely(draw, 20):
        amounts = np.concatenate([amounts, [[0, 0]]])
    return amounts


@conforms("PAD", *_PADDED)
def pad(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1, 5, most=100)
    operand, out = moved(draw, dims, dtype)
    return case("PAD", [operand, numbers(draw, _paddings(draw, dims), _AMOUNTS)], [out])


@conforms("PADV2", *_PADDED)
def pad_v2(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1, 5, most=100)
    operand, out = moved(draw, dims, dtype)
    value, _ = moved(draw, (1,) if draw(st.booleans()) else (), dtype)
    if not rarely(draw):
        value.scale, value.zero_point = operand.scale, operand.zero_point
    if rarely(draw, 20):
        value.data = data(draw, (2,), dtype)
    return case("PADV2", [operand, numbers(draw, _paddings(draw, dims), _AMOUNTS), value], [out])


@conforms("MIRROR_PAD", *_NO_STRINGS)
def mirror_pad(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1, 5, most=100)
    mode = draw(st.sampled_from(("REFLECT", "SYMMETRIC")))
    amounts = _paddings(draw, dims, 3)
    if not rarely(draw):
        room = np.array(dims, int)[:, None] - (mode == "REFLECT")
        amounts = np.minimum(amounts[: len(dims)], np.maximum(room, 0))
    operand, out = moved(draw, dims, dtype)
    return case("MIRROR_PAD", [operand, numbers(draw, amounts)], [out], mode=mode)


@conforms("DILATE", *_NO_STRINGS)
def dilate(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 1, 5, most=60)
    steps = integers(draw, len(dims), 1, 3)
    if rarely(draw):
        steps[0] = draw(st.sampled_from((0, -1)))
    if rarely(draw, 20):
        steps = steps[1:]
    operand, out = moved(draw, dims, dtype)
    value, _ = moved(draw, (1,) if draw(st.booleans()) else (), dtype)
    return case("DILATE", [operand, numbers(draw, steps, ("int32",)), value], [out])


@conforms("STABLEHLO_PAD", *_NO_STRINGS)
def stablehlo_pad(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 1, 5, most=60)
    low = integers(draw, len(dims), -2 if rarely(draw, 3) else 0, 2)
    high = integers(draw, len(dims), -2 if rarely(draw, 3) else 0, 2)
    inner = integers(draw, len(dims), 0, 2)
    if rarely(draw, 20):
        inner[0] = -1
    if rarely(draw, 20):
        low = low[1:]
    operand, out = moved(draw, dims, dtype)
    value, _ = moved(draw, (), dtype)
    return case(
        "STABLEHLO_PAD",
        [operand, value],
        [out],
        edge_padding_low=low,
        edge_padding_high=high,
        interior_padding=inner,
    )


@conforms("CONCATENATION", *_PADDED, "uint32")
@conforms("CONCATENATION", "int4")
def concatenation(draw: Draw, dtype: str) -> Case:
    dims = list(size(draw, 0 if rarely(draw) else 1, most=150))
    along = axis(draw, len(dims))
    if rarely(draw):
        along += draw(st.sampled_from((-len(dims), len(dims))))
    first, out = moved(draw, dims, dtype)
    inputs = [first]
    for _ in range(draw(st.integers(0, 3))):
        part = list(dims)
        if part:
            part[axis(draw, len(dims)) if rarely(draw, 20) else along % len(dims)] = draw(
                st.integers(0, 3)
            )
        given = data(draw, part, dtype)
        q = {"scale": first.scale, "zero_point": first.zero_point}
        if dtype == "uint8" or rarely(draw, 20):
            q = quantization(draw, dtype)
        fixed = dtype == "int4" or (dtype != "bfloat16" and rarely(draw, 4))
        inputs.append(Arg(given, dtype=dtype, constant=fixed, **q))
    if rarely(draw, 20):
        for name, value in quantization(draw, dtype).items():
            setattr(out, name, value)
    return case(
        "CONCATENATION",
        inputs,
        [out],
        axis=along,
        fused_activation_function="RELU" if rarely(draw, 20) else "NONE",
    )
