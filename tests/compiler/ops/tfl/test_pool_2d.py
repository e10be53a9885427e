from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses

WINDOW = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": "SAME"}
OPS = ["AVERAGE_POOL_2D", "MAX_POOL_2D"]


@given(
    st.sampled_from(OPS),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(1, 3),
    st.sampled_from(["SAME", "VALID"]),
)
def test_shapes_are_litert_s(op, size, window, stride, padding):
    agrees_with_litert(
        op,
        [f32(1, *size, 3)],
        f32(1),
        filter_height=window[0],
        filter_width=window[1],
        stride_h=stride,
        stride_w=stride,
        padding=padding,
    )


@pytest.mark.parametrize("op", OPS)
def test_int8_needs_one_scale(op):
    x, y = i8(1, 4, 4, 3), i8(1, 2, 2, 3)
    assert reason(op, [x], y, **WINDOW) is None
    refuses("share scale and zero point", op, [x], y.but(zero=4), **WINDOW)


@pytest.mark.parametrize(
    ("rule", "x", "options"),
    [
        ("rank 4", f32(4, 4, 3), {}),
        ("fit together", f32(1, 4, 4, 3), {"stride_h": 0}),
        ("fit together", f32(1, 4, 4, 3), {"filter_width": 0}),
        ("fit together", f32(1, 4, 4, 3), {"padding": "VALID", "filter_width": 5}),
        ("activation", f32(1, 4, 4, 3), {"fused_activation_function": "SIGN_BIT"}),
    ],
)
def test_refusals(rule, x, options):
    refuses(rule, "MAX_POOL_2D", [x], f32(1, 2, 2, 3), **{**WINDOW, **options})
