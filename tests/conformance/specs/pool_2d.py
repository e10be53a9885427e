"""AVERAGE_POOL_2D, MAX_POOL_2D, L2_POOL_2D."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, quantization, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw, image

ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH", "SIGN_BIT")
FLAWS = (
    "rank",
    "stride",
    "filter",
    "scale",
    "no scale",
    "empty batch",
    "empty image",
    "output type",
)


def _pool(draw: Draw, op: str, dtype: str) -> Case:
    broken = flaw(draw, *FLAWS)
    size = image(draw, draw(st.integers(1, 5)), broken)
    if broken == "rank":
        size = draw(st.sampled_from((size[1:], (*size, 2), ())))
    q = quantization(draw, dtype)
    p = quantization(draw, dtype) if broken == "scale" else q
    if broken == "no scale":
        q, p = {}, {}
    options: dict[str, Any] = {
        "padding": draw(st.sampled_from(("SAME", "VALID"))),
        "fused_activation_function": draw(st.sampled_from(ACTIVATIONS)),
        "stride_h": draw(st.integers(1, 3)),
        "stride_w": draw(st.integers(1, 3)),
        "filter_height": draw(st.integers(1, 5)),
        "filter_width": draw(st.integers(1, 5)),
    }
    if broken == "stride":
        options[draw(st.sampled_from(("stride_h", "stride_w")))] = draw(st.sampled_from((0, -1)))
    if broken == "filter":
        name = draw(st.sampled_from(("filter_height", "filter_width")))
        options[name] = draw(st.sampled_from((0, -2)))
    if broken == "no scale" and op + dtype != "AVERAGE_POOL_2Duint8":
        # Without a scale the activation's bounds are memory that nobody wrote.
        options["fused_activation_function"] = "NONE"
    made = dtype
    if broken == "output type":
        made = "float32" if dtype == "int8" else "int8"
        p = quantization(draw, made)
    return case(
        op,
        [Arg(values(draw, size, dtype, special=draw(st.integers(0, 3)) == 3), dtype=dtype, **q)],
        [Arg(shape=(1,), dtype=made, **p)],
        **options,
    )


@conforms("AVERAGE_POOL_2D", "float32", "int8", "uint8", "int16")
def average_pool(draw: Draw, dtype: str) -> Case:
    return _pool(draw, "AVERAGE_POOL_2D", dtype)


@conforms("MAX_POOL_2D", "float32", "int8", "uint8", "int16")
def max_pool(draw: Draw, dtype: str) -> Case:
    return _pool(draw, "MAX_POOL_2D", dtype)


@conforms("L2_POOL_2D", "float32")
def l2_pool(draw: Draw, dtype: str) -> Case:
    return _pool(draw, "L2_POOL_2D", dtype)
