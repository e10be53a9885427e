from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import T, agrees_with_litert, f32, i8, ints, reason, refuses

PAIR = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(st.tuples(st.integers(1, 3), PAIR), min_size=1, max_size=4), st.booleans())
def test_shapes_are_litert_s(dims, wide):
    widths = ints(*(p for _, p in dims), kind="i64" if wide else "i32")
    x = f32(*(d for d, _ in dims))
    agrees_with_litert("PAD", [x, widths], f32(1))
    agrees_with_litert("PADV2", [x, widths, T((1,), data=[2.5])], f32(1))


def test_int8():
    widths, x, y = ints((1, 0), (0, 2)), i8(2, 3), i8(3, 5)
    assert reason("PAD", [x, widths], y) is None
    value = i8(1, data=np.array([7]))
    assert reason("PADV2", [x, widths, value], y) is None
    refuses("share scale", "PADV2", [x, widths, value.but(zero=0)], y)
    refuses("share scale", "PAD", [x, widths], y.but(scale=0.1))


def test_refusals():
    x, y = f32(2, 3), f32(3, 5)
    refuses("paddings must be constant", "PAD", [x, f32(2, 2, kind="i32")], y)
    refuses("must not be negative", "PAD", [x, ints((1, 0), (3, -1))], y)
    refuses("fit together", "PAD", [x, ints((1, 0))], y)
    refuses("the value must be constant", "PADV2", [x, ints((1, 0), (0, 2)), f32(1)], y)
    two = T((2,), data=[1.0, 2.0])
    refuses("one number", "PADV2", [x, ints((1, 0), (0, 2)), two], y)
