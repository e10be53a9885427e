from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, ints, reason, refuses


@given(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=4), st.data())
def test_reshape_is_litert_s(shape, data):
    dims = data.draw(st.permutations(shape))
    if data.draw(st.booleans()):
        dims[data.draw(st.integers(0, len(dims) - 1))] = -1
    agrees_with_litert("RESHAPE", [f32(*shape), ints(*dims)], f32(1), new_shape=dims)


@given(st.lists(st.sampled_from([1, 3]), min_size=1, max_size=4), st.data())
def test_squeeze_is_litert_s(shape, data):
    ones = [i for i, d in enumerate(shape) if d == 1]
    dims = data.draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    agrees_with_litert("SQUEEZE", [f32(*shape)], f32(1), squeeze_dims=dims)


def test_shape_may_be_an_option_alone():
    assert reason("RESHAPE", [f32(2, 3)], f32(3, 2), new_shape=[3, 2]) is None
    assert reason("RESHAPE", [i8(2, 3), ints(6)], i8(6)) is None


def test_refusals():
    refuses("the shape must be constant", "RESHAPE", [f32(6), f32(2, kind="i32")], f32(3, 2))
    refuses("number of elements", "RESHAPE", [f32(6), ints(3, 3)], f32(3, 3))
    refuses("share scale", "RESHAPE", [i8(6), ints(3, 2)], i8(3, 2, scale=0.1))
    refuses("the output must be [3, 2]", "RESHAPE", [f32(6), ints(3, 2)], f32(2, 3))
    refuses("fit together", "SQUEEZE", [f32(2, 3)], f32(6), squeeze_dims=[0])
