from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.floats(0.125, 4, width=32))
def test_shapes_are_litert_s(shape, beta):
    agrees_with_litert("SOFTMAX", [f32(*shape)], f32(1), beta=beta)


def test_int8_has_one_output_scale():
    y = i8(2, 5, scale=1 / 256, zero=-128)
    assert reason("SOFTMAX", [i8(2, 5)], y, beta=1.0) is None
    refuses("scale 1/256", "SOFTMAX", [i8(2, 5)], y.but(zero=0), beta=1.0)
    refuses("FLOAT32 or INT8", "SOFTMAX", [i8(2, 5)], y.but(kind="i16"), beta=1.0)


def test_refusals():
    refuses("beta", "SOFTMAX", [f32(4)], f32(4), beta=0.0)
    refuses("a dimension", "SOFTMAX", [f32()], f32(), beta=1.0)
