from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses

DIM = st.sampled_from([1, 3])
SHAPE = st.lists(DIM, max_size=4).map(tuple)


@given(st.sampled_from(["ADD", "SUB", "MUL"]), SHAPE, SHAPE)
def test_shapes_are_litert_s(op, a, b):
    agrees_with_litert(op, [f32(*a), f32(*b)], f32(1))


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_int8_with_a_constant_is_claimed(op):
    assert reason(op, [i8(2, 3), i8(3, scale=0.1, const=True)], i8(2, 3, zero=-1)) is None


@pytest.mark.parametrize(
    ("rule", "inputs", "output"),
    [
        ("one type", [f32(2), i8(2)], f32(2)),
        ("FLOAT32 or INT8", [f32(2, kind="i32"), f32(2, kind="i32")], f32(2, kind="i32")),
        ("one scale", [i8(2, scale=[0.1, 0.2], zero=[0, 0]), i8(2)], i8(2)),
        ("below 2^-19", [i8(2, scale=1e3), i8(2)], i8(2, scale=1e-6)),
        ("fit together", [f32(2), f32(3)], f32(3)),
        ("at most 6", [f32(1, 1, 1, 1, 1, 1, 2), f32(2)], f32(1, 1, 1, 1, 1, 1, 2)),
    ],
)
def test_refusals(rule, inputs, output):
    refuses(rule, "ADD", inputs, output)


def test_a_product_may_have_any_scale():
    assert reason("MUL", [i8(2, scale=1e3), i8(2)], i8(2, scale=1e-6)) is None
