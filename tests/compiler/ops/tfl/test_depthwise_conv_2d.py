from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses

SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1, "depth_multiplier": 1}
QX, QY = i8(1, 8, 8, 4), i8(1, 8, 8, 4, scale=0.25)
QW = i8(1, 3, 3, 4, scale=[0.1] * 4, zero=[0] * 4, axis=3, const=True)


@given(
    st.integers(1, 4),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["SAME", "VALID"]),
)
def test_shapes_are_litert_s(multiplier, size, kernel, stride, dilation, padding):
    agrees_with_litert(
        "DEPTHWISE_CONV_2D",
        [f32(1, *size, 3), f32(1, *kernel, 3 * multiplier, const=True)],
        f32(1),
        padding=padding,
        stride_h=stride,
        stride_w=stride,
        dilation_h_factor=dilation,
        dilation_w_factor=dilation,
        depth_multiplier=multiplier,
    )


def test_int8_is_claimed_even_with_a_multiplier_of_0_in_the_file():
    assert (
        reason("DEPTHWISE_CONV_2D", [QX, QW, None], QY, **{**SAME, "depth_multiplier": 0}) is None
    )


@pytest.mark.parametrize(
    ("rule", "inputs"),
    [
        ("along dimension 3", [QX, QW.but(axis=0, shape=(4, 3, 3, 4)), None]),
        ("zero point 0", [QX, QW.but(zero=[1, 0, 0, 0]), None]),
        ("weights must be constant", [QX, QW.but(const=False), None]),
        ("fit together", [QX, QW.but(shape=(1, 3, 3, 6), scale=0.1, zero=0), None]),
        ("fit together", [QX, QW.but(shape=(2, 3, 3, 4)), None]),
    ],
)
def test_refusals(rule, inputs):
    refuses(rule, "DEPTHWISE_CONV_2D", inputs, QY, **SAME)
