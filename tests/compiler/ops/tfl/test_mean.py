from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, ints, reason, refuses


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.lists(st.integers(-4, 3), min_size=1, max_size=3),
    st.booleans(),
)
def test_shapes_are_litert_s(shape, axes, keep_dims):
    inside = [a for a in axes if -len(shape) <= a < len(shape)] or [0]
    agrees_with_litert("MEAN", [f32(*shape), ints(*inside)], f32(1), keep_dims=keep_dims)


def test_int8_is_claimed():
    assert reason("MEAN", [i8(1, 4, 4, 3), ints(1, 2)], i8(1, 3, scale=0.1)) is None


def test_refusals():
    axes = f32(2, kind="i32")
    refuses("the axes must be constant", "MEAN", [f32(1, 4, 4, 3), axes], f32(1, 3))
    refuses("fit together", "MEAN", [f32(1, 4), ints(2)], f32(1, 4))
    refuses("INT32 or INT64", "MEAN", [f32(1, 4), f32(1, const=True)], f32(1))
