from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.model import BuiltinOperator, ModelError, Padding, TensorType, read_model
from litefuse.runtime.model.build import ModelBuilder, make_options, tensor_type


def test_a_convolution_runs_in_litert() -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 8, 8, 3), "FLOAT32")
    w = b.add_tensor("w", data=np.ones((4, 3, 3, 3), np.float32))
    bias = b.add_tensor("b", data=np.full(4, 0.5, np.float32))
    y = b.add_tensor("y", (1, 8, 8, 4), "FLOAT32")
    b.add_op("CONV_2D", [x, w, bias], [y], padding="SAME", stride_w=1, stride_h=1)
    content = b.finish_bytes([x], [y], {"serve": ({"image": x}, {"out": y})})
    interp = litert.Interpreter(model_content=content)
    interp.allocate_tensors()
    interp.set_tensor(x, np.ones((1, 8, 8, 3), np.float32))
    interp.invoke()
    assert interp.get_tensor(y)[0, 1, 1].tolist() == [27.5] * 4
    assert interp.get_tensor(y)[0, 0, 0].tolist() == [12.5] * 4
    assert interp.get_signature_list() == {"serve": {"inputs": ["image"], "outputs": ["out"]}}


def test_quantised_per_channel_in_litert() -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 2), "INT8", scale=0.5, zero_point=-3)
    w = b.add_tensor("w", data=np.int8([[1, 2], [3, 4]]), scale=[0.5, 0.25], quantized_dimension=0)
    y = b.add_tensor("y", (1, 2), "INT8", scale=1.0)
    b.add_op("FULLY_CONNECTED", [x, w, None], [y], fused_activation_function="RELU")
    interp = litert.Interpreter(model_content=b.finish_bytes([x], [y]))
    details = interp.get_tensor_details()
    assert details[0]["quantization"] == (0.5, -3)
    assert details[1]["quantization_parameters"]["scales"].tolist() == [0.5, 0.25]
    assert details[1]["quantization_parameters"]["zero_points"].tolist() == [0, 0]
    interp.allocate_tensors()
    interp.set_tensor(x, np.int8([[5, 1]]))
    interp.invoke()
    assert interp.get_tensor(y).tolist() == [[4, 5]]


def test_subgraphs_in_litert() -> None:
    """A loop that doubles until it passes 100."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    b = ModelBuilder()
    x, y = (b.add_tensor(n, (1,), "INT32") for n in "xy")
    b.add_op("WHILE", [x], [y], cond_subgraph_index=1, body_subgraph_index=2)
    b.set_io([x], [y])
    assert b.add_subgraph("cond") == 1
    a = b.add_tensor("a", (1,), "INT32")
    limit = b.add_tensor("limit", data=np.int32([100]))
    c = b.add_tensor("c", (1,), "BOOL")
    b.add_op("LESS", [a, limit], [c])
    b.set_io([a], [c])
    assert b.add_subgraph("body") == 2
    a = b.add_tensor("a", (1,), "INT32")
    d = b.add_tensor("d", (1,), "INT32")
    b.add_op("ADD", [a, a], [d])
    b.set_io([a], [d])
    interp = litert.Interpreter(model_content=b.finish_bytes())
    interp.allocate_tensors()
    interp.set_tensor(0, np.int32([3]))
    interp.invoke()
    assert interp.get_tensor(interp.get_output_details()[0]["index"]).tolist() == [192]


def test_what_the_arguments_become() -> None:
    b = ModelBuilder("about")
    t = b.add_tensor(data=np.zeros((2, 3), np.float16))
    u = b.add_tensor("u", (2, 3), np.int16, scale=0.5, shape_signature=(-1, 3))
    v = b.add_tensor("v", (2,), "INT4", data=[-8, 7])
    r = b.add_tensor("r", (3,), "INT8", data=b"\1\2\3", is_variable=False)
    s = b.add_tensor("s", (2,), "INT4", buffer=b.graph.tensors[v].buffer)
    b.add_op(BuiltinOperator.RELU, [t], [u])
    b.add_op("RELU", [t], [s])
    b.add_op("Custom", [t, -1], [r], version=3, custom_options=b"")
    model = read_model(b.finish_bytes([t], [u]))
    tensors = model.subgraphs[0].tensors
    assert (model.description, tensors[t].name, tensors[t].type) == (
        "about",
        "tensor_0",
        TensorType.FLOAT16,
    )
    q = tensors[u].quantization
    assert q is not None
    assert (tensors[u].shape_signature, q.zero_point.tolist()) == ((-1, 3), [0])
    for index in (v, s):
        data = model.tensor_data(tensors[index])
        assert data is not None
        assert data.tolist() == [-8, 7]
    assert model.raw_data(tensors[r]) == b"\1\2\3"
    ops = model.subgraphs[0].operators
    assert [op.code.version for op in ops] == [1, 1, 3]
    assert len(model.operator_codes) == 2
    assert (ops[2].name, ops[2].inputs) == ("Custom", (t, -1))
    assert ops[0].code is ops[1].code


def test_options_by_name_and_by_value() -> None:
    by_name = make_options("Conv2DOptions", {"padding": "valid", "stride_w": 2})
    assert by_name.padding is Padding.VALID
    assert by_name == make_options("Conv2DOptions", {"padding": 1, "stride_w": 2})
    assert (by_name.dilation_w_factor, by_name.stride_h) == (1, 0)
    assert make_options("ReshapeOptions", {"new_shape": [2, -1]}).new_shape == (2, -1)
    with pytest.raises(
        AttributeError, match="Conv2DOptions has no field 'stride'; it has padding, stride_w"
    ):
        by_name.stride  # noqa: B018


@pytest.mark.parametrize(
    "kind", ["float32", "FLOAT32", np.float32, np.dtype("f4"), TensorType.FLOAT32]
)
def test_tensor_types(kind: object) -> None:
    assert tensor_type(kind) is TensorType.FLOAT32  # type: ignore[arg-type]


def two() -> tuple[ModelBuilder, int, int]:
    b = ModelBuilder()
    return b, b.add_tensor("x", (2,)), b.add_tensor("y", (2,))


def test_mistakes_are_explained() -> None:
    b, x, y = two()
    with pytest.raises(ModelError, match="'complex512' is no tensor type; the types are FLOAT32, "):
        b.add_tensor("t", (1,), "complex512")
    with pytest.raises(ModelError, match=r"has shape \[3\] and data of shape \[2\]"):
        b.add_tensor("t", (3,), data=np.zeros(2))
    with pytest.raises(
        ModelError, match="Conv2DOptions has no field 'strides'; its fields are padding, "
    ):
        b.add_op("CONV_2D", [x, x], [y], strides=1)
    with pytest.raises(ModelError, match="'FULL' is no Padding; choose one of SAME, VALID"):
        b.add_op("CONV_2D", [x, x], [y], padding="FULL")
    with pytest.raises(ModelError, match="RELU takes no options, got alpha"):
        b.add_op("RELU", [x], [y], alpha=1)
    with pytest.raises(ModelError, match="RELU names tensor 9, there are 2"):
        b.add_op("RELU", [9], [y])
    b.add_op("RELU", [x], [y])
    with pytest.raises(ModelError, match="tensor 5 does not exist, there are 2"):
        b.finish([5], [y])
