from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiler.ops.tfl.one_node import agrees_with_litert, f32, i8, reason, refuses

X, Y = f32(1, 8, 8, 4), f32(1, 8, 8, 6)
W, B = f32(6, 3, 3, 4, const=True), f32(6, const=True)
QX, QY = i8(1, 8, 8, 4), i8(1, 8, 8, 6, scale=0.25)
QW = i8(6, 3, 3, 4, scale=[0.1] * 6, zero=[0] * 6, const=True)
QB = f32(6, kind="i32", scale=[0.05] * 6, zero=[0] * 6, const=True)
SAME = {"padding": "SAME", "stride_h": 1, "stride_w": 1}


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.sampled_from(["SAME", "VALID"]),
    st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]),
)
def test_shapes_are_litert_s(size, kernel, strides, dilations, padding, activation):
    agrees_with_litert(
        "CONV_2D",
        [f32(2, *size, 4), f32(6, *kernel, 4, const=True), B],
        f32(1),
        padding=padding,
        stride_h=strides[0],
        stride_w=strides[1],
        dilation_h_factor=dilations[0],
        dilation_w_factor=dilations[1],
        fused_activation_function=activation,
    )


def test_int8_and_groups_are_claimed():
    assert reason("CONV_2D", [QX, QW, QB], QY, **SAME) is None
    assert reason("CONV_2D", [QX, QW.but(scale=0.1, zero=0), QB], QY, **SAME) is None
    grouped = f32(6, 3, 3, 2, const=True)
    assert reason("CONV_2D", [X, grouped, None], Y, **SAME) is None


@pytest.mark.parametrize(
    ("rule", "inputs", "output", "options"),
    [
        ("weights must be constant", [X, W.but(const=False), B], Y, {}),
        ("the bias must be constant", [X, W, B.but(const=False)], Y, {}),
        ("must have the data's type", [X, QW, B], Y, {}),
        ("must have one type", [X, W, B], QY, {}),
        ("FLOAT32 or INT8", [QX.but(kind="u8"), QW.but(kind="u8"), QB], QY.but(kind="u8"), {}),
        ("zero point 0", [QX, QW.but(zero=[0, 0, 1, 0, 0, 0]), QB], QY, {}),
        ("along dimension 0", [QX, QW.but(axis=1, shape=(6, 6, 3, 4)), QB], QY, {}),
        ("1 or 6 scales", [QX, QW.but(scale=[0.1] * 3, zero=[0] * 3, axis=1), QB], QY, {}),
        ("one scale", [QX.but(scale=None), QW, QB], QY, {}),
        ("finite and positive", [QX.but(scale=0.0), QW, QB], QY, {}),
        ("the bias must be i32", [QX, QW, B], QY, {}),
        ("6 elements", [X, W, f32(5, const=True)], Y, {}),
        ("rank 4", [f32(8, 8, 4), W, B], Y, {}),
        ("activation", [X, W, B], Y, {"fused_activation_function": "TANH"}),
        ("the output must be [1, 8, 8, 6]", [X, W, B], f32(1, 8, 7, 6), {}),
        ("fit together", [f32(1, 8, 8, 5), W, B], Y, {}),
        ("must have elements", [f32(0, 8, 8, 4), W, B], Y, {}),
    ],
)
def test_refusals(rule, inputs, output, options):
    refuses(rule, "CONV_2D", inputs, output, **{**SAME, **options})


def test_dynamic_range_quantisation_is_named():
    w = QW.but(scale=0.1, zero=0)
    assert "dynamic-range" in refuses("data's type", "CONV_2D", [X, w, B], Y, **SAME).remedy


def test_scales_are_the_files_own():
    from litefuse.compiler.frontend.import_partition import import_partition
    from litefuse.compiler.frontend.plan import plan_subgraph
    from litefuse.runtime.model import read_model
    from litefuse.runtime.options import Options
    from tests.compiler.ops.tfl.one_node import build

    scale = np.float32(0.1)
    model = read_model(build("CONV_2D", [QX.but(scale=scale), QW, QB], QY, **SAME))
    module = import_partition(model, plan_subgraph(model, 0, Options()).partitions[0])
    function = module.find("main")
    assert function.body.args[0].type.element.scale == float(scale)
    conv = next(op for op in function.body.ops if op.name == "tfl.conv_2d")
    assert conv.operands[1].type.element.scales == (float(scale),) * 6
    assert conv.operands[1].type.element.axis == 0
    assert [n.op for n in conv.location.nodes] == ["CONV_2D"]
