from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.integers(-4, 3),
)
def test_shapes_are_litert_s(shape, sizes, axis):
    axis = axis % len(shape) - (len(shape) if axis < 0 else 0)
    at = axis % len(shape)
    inputs = [f32(*shape[:at], n, *shape[at + 1 :]) for n in sizes]
    agrees_with_litert("CONCATENATION", inputs, f32(1), axis=axis)


def test_int8_needs_one_scale():
    a, b, y = i8(2, 3), i8(2, 1, const=True), i8(2, 4)
    assert reason("CONCATENATION", [a, b], y, axis=1) is None
    refuses("share scale", "CONCATENATION", [a, b.but(zero=0)], y, axis=1)


def test_refusals():
    a, b, y = f32(2, 3), f32(2, 1), f32(2, 4)
    refuses("fit together", "CONCATENATION", [a, b], y, axis=2)
    refuses("fit together", "CONCATENATION", [a, f32(3, 1)], y, axis=1)
    refuses(
        "no fused activation", "CONCATENATION", [a, b], y, axis=1, fused_activation_function="RELU"
    )
