from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, ints, reason, refuses

OP = "RESIZE_NEAREST_NEIGHBOR"


@given(st.tuples(*[st.integers(1, 6)] * 4), st.booleans())
def test_shapes_are_litert_s(sizes, corners):
    h, w, rows, columns = sizes
    agrees_with_litert(OP, [f32(1, h, w, 2), ints(rows, columns)], f32(1), align_corners=corners)


def test_int8_and_refusals():
    x, y, size = i8(1, 2, 2, 3), i8(1, 4, 6, 3), ints(4, 6)
    assert reason(OP, [x, size], y, half_pixel_centers=True) is None
    refuses("share scale", OP, [x, size], y.but(scale=0.1))
    refuses("the size must be constant", OP, [x, f32(2, kind="i32")], y)
    refuses("fit together", OP, [x, ints(0, 6)], y)
    refuses("rank 4", OP, [i8(2, 2, 3), size], y)
