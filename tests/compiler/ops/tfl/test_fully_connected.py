from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses

X, W, Y = f32(2, 8), f32(5, 8, const=True), f32(2, 5)
QX, QY = i8(2, 8), i8(2, 5)
QW = i8(5, 8, scale=0.1, zero=0, const=True)


@given(st.lists(st.integers(1, 4), max_size=3), st.integers(1, 5), st.booleans(), st.booleans())
def test_shapes_are_litert_s(rows, k, keep, bias):
    agrees_with_litert(
        "FULLY_CONNECTED",
        [f32(*rows, k), f32(5, k, const=True), f32(5, const=True) if bias else None],
        f32(1),
        keep_num_dims=keep,
    )


def test_rows_may_span_dimensions():
    assert reason("FULLY_CONNECTED", [f32(2, 2, 4), W, None], Y) is None
    assert reason("FULLY_CONNECTED", [QX, QW, None], QY) is None
    assert reason("FULLY_CONNECTED", [QX, QW.but(scale=[0.1] * 5, zero=[0] * 5), None], QY) is None


@pytest.mark.parametrize(
    ("rule", "inputs", "output", "options"),
    [
        ("weights must be constant", [X, W.but(const=False), None], Y, {}),
        ("data's type", [X, QW, None], Y, {}),
        ("rank 2", [X, f32(5, 8, 1, const=True), None], Y, {}),
        ("format", [QX, QW, None], QY, {"weights_format": 1}),
        ("rescaled sums must fit", [i8(2, 8, scale=1e5), QW, None], i8(2, 5, scale=1e-5), {}),
        ("fit together", [f32(3, 5), W, None], Y, {}),
        ("fit together", [f32(2, 2, 4), W, None], Y, {"keep_num_dims": True}),
    ],
)
def test_refusals(rule, inputs, output, options):
    refuses(rule, "FULLY_CONNECTED", inputs, output, **options)
