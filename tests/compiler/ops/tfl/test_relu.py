from __future__ import annotations

import pytest

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses


@pytest.mark.parametrize("op", ["RELU", "RELU6", "RELU_N1_TO_1"])
def test_any_shape_and_scale(op):
    agrees_with_litert(op, [f32(2, 3, 4)], f32(1))
    assert reason(op, [i8(4)], i8(4, scale=0.1, zero=-128)) is None
    refuses("one type", op, [f32(4)], i8(4))
    refuses("the output must be [4]", op, [f32(4)], f32(5))
