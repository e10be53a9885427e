"""Models of one node, drawn over shapes, strides, paddings, scales and activations: each pass keeps LiteRT's result."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.passes.oracle import check, imported, random_inputs

ACTIVATIONS = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
SCALES = st.floats(0.002, 0.9)
ZERO_POINTS = st.integers(-128, 127)
PADDINGS = st.sampled_from(["SAME", "VALID"])


class OneOp:
    """A model of one node, and the random numbers for its constants."""

    def __init__(self, draw: Any, int8: bool) -> None:
        self.draw = draw
        self.int8 = int8
        self.builder = ModelBuilder()
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.inputs: list[int] = []

    def quantization(self) -> dict[str, Any]:
        """A scale and a zero point for an int8 tensor, nothing for a float."""
        if not self.int8:
            return {}
        return {"scale": self.draw(SCALES), "zero_point": self.draw(ZERO_POINTS)}

    def tensor(self, shape: tuple[int, ...], **quantization: Any) -> int:
        return self.builder.add_tensor(
            "", shape, "INT8" if self.int8 else "FLOAT32", **quantization
        )

    def input(self, shape: tuple[int, ...], **quantization: Any) -> int:
        self.inputs.append(self.tensor(shape, **(quantization or self.quantization())))
        return self.inputs[-1]

    def weights(self, shape: tuple[int, ...], axis: int, per_channel: bool) -> tuple[int, Any]:
        if not self.int8:
            return self.builder.add_tensor(
                "w", data=self.rng.normal(0, 0.5, shape).astype(np.float32)
            ), None
        n = shape[axis] if per_channel else 1
        scale = self.rng.uniform(0.5, 1.0, n).astype(np.float32) * np.float32(self.draw(SCALES))
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        w = self.builder.add_tensor(
            "w", data=data, scale=scale, zero_point=np.zeros(n), quantized_dimension=axis
        )
        return w, scale

    def bias(self, n: int, x: int, scale: Any, needed: bool = False) -> int | None:
        if not needed and not self.draw(st.booleans()):
            return None
        if not self.int8:
            return self.builder.add_tensor("b", data=self.rng.normal(0, 1, n).astype(np.float32))
        sx = self.builder.graph.tensors[x].quantization.scale[0]
        data = self.rng.integers(-4000, 4000, n).astype(np.int32)
        return self.builder.add_tensor(
            "b", data=data, scale=scale * sx, zero_point=np.zeros(len(scale))
        )

    def check(
        self,
        name: str,
        inputs: list[int | None],
        shape: tuple[int, ...],
        quantization: Any = None,
        **options: Any,
    ) -> None:
        y = self.tensor(shape, **(self.quantization() if quantization is None else quantization))
        # A depthwise convolution's list ends before an absent bias; FULLY_CONNECTED marks it.
        given = inputs if name == "FULLY_CONNECTED" else [i for i in inputs if i is not None]
        self.builder.add_op(name, given, [y], **options)
        content = self.builder.finish_bytes(self.inputs, [y])
        check(content, [random_inputs(imported(content), self.rng)])


def out_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    extent = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else (size - extent) // stride + 1


@st.composite
def images(draw: Any, dilated: bool = True) -> dict[str, Any]:
    """Geometry of a window op whose result is not empty."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilations = (
        draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
        if dilated and strides == (1, 1)
        else (1, 1)
    )
    padding = draw(PADDINGS)
    least = [
        (k - 1) * d + 1 if padding == "VALID" else 1 for k, d in zip(kernel, dilations, strict=True)
    ]
    size = tuple(draw(st.integers(m, m + 7)) for m in least)
    out = tuple(
        out_size(n, k, s, d, padding)
        for n, k, s, d in zip(size, kernel, strides, dilations, strict=True)
    )
    return {"kernel": kernel, "strides": strides, "dilations": dilations, "padding": padding, "size": size, "out": out,
            "batch": draw(st.integers(1, 2))}  # fmt: skip


@given(st.data(), images(), st.booleans())
def test_conv_2d(data: Any, g: dict[str, Any], int8: bool) -> None:
    m = OneOp(data.draw, int8)
    groups, per_group, out = (data.draw(st.integers(1, n)) for n in (2, 4, 5))
    out *= groups
    x = m.input((g["batch"], *g["size"], groups * per_group))
    w, scale = m.weights((out, *g["kernel"], per_group), 0, data.draw(st.booleans()))
    # LiteRT refuses a convolution without a bias.
    m.check("CONV_2D", [x, w, m.bias(out, x, scale, needed=True)], (g["batch"], *g["out"], out), padding=g["padding"],
            stride_h=g["strides"][0], stride_w=g["strides"][1], dilation_h_factor=g["dilations"][0],
            dilation_w_factor=g["dilations"][1], fused_activation_function=data.draw(ACTIVATIONS))  # fmt: skip


@given(st.data(), images(), st.booleans())
def test_depthwise_conv_2d(data: Any, g: dict[str, Any], int8: bool) -> None:
    m = OneOp(data.draw, int8)
    channels, multiplier = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    out = channels * multiplier
    x = m.input((g["batch"], *g["size"], channels))
    w, scale = m.weights((1, *g["kernel"], out), 3, data.draw(st.booleans()))
    m.check("DEPTHWISE_CONV_2D", [x, w, m.bias(out, x, scale)], (g["batch"], *g["out"], out), padding=g["padding"],
            stride_h=g["strides"][0], stride_w=g["strides"][1], dilation_h_factor=g["dilations"][0],
            dilation_w_factor=g["dilations"][1], depth_multiplier=multiplier,
            fused_activation_function=data.draw(ACTIVATIONS))  # fmt: skip


@given(st.data(), st.booleans(), st.booleans())
def test_fully_connected(data: Any, int8: bool, keep: bool) -> None:
    m = OneOp(data.draw, int8)
    rows, depth, out = (data.draw(st.integers(1, n)) for n in (4, 24, 9))
    x = m.input((2, rows, depth) if keep else (rows, depth))
    w, scale = m.weights((out, depth), 0, data.draw(st.booleans()))
    m.check("FULLY_CONNECTED", [x, w, m.bias(out, x, scale)], (2, rows, out) if keep else (rows, out),
            keep_num_dims=keep, fused_activation_function=data.draw(ACTIVATIONS))  # fmt: skip


@given(st.data(), st.sampled_from(["ADD", "SUB", "MUL"]), st.booleans())
def test_binary(data: Any, name: str, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    shape = tuple(data.draw(st.integers(1, 4)) for _ in range(4))
    other = data.draw(
        st.sampled_from([shape, shape[3:], (1, 1, 1, shape[3]), (1,), (1, shape[1], 1, shape[3])])
    )
    a, b = m.input(shape), m.input(other)
    first, second = data.draw(st.sampled_from([(a, b), (b, a)]))
    m.check(name, [first, second], shape, fused_activation_function=data.draw(ACTIVATIONS))


@given(
    st.data(),
    images(dilated=False),
    st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]),
    st.booleans(),
)
def test_pool_2d(data: Any, g: dict[str, Any], name: str, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    channels = data.draw(st.integers(1, 5))
    q = m.quantization()
    x = m.input((g["batch"], *g["size"], channels), **q)
    m.check(name, [x], (g["batch"], *g["out"], channels), q, padding=g["padding"], stride_h=g["strides"][0],
            stride_w=g["strides"][1], filter_height=g["kernel"][0], filter_width=g["kernel"][1],
            fused_activation_function=data.draw(ACTIVATIONS))  # fmt: skip


@given(st.data(), st.booleans(), st.booleans(), st.booleans())
def test_mean(data: Any, int8: bool, keep: bool, same_scale: bool) -> None:
    m = OneOp(data.draw, int8)
    shape = tuple(data.draw(st.integers(1, 6)) for _ in range(4))
    axes = sorted(data.draw(st.sets(st.integers(0, 3), min_size=1, max_size=3)))
    left = tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)
    q = m.quantization()
    x = m.input(shape, **q)
    a = m.builder.add_tensor("axes", data=np.array(axes, np.int32))
    m.check("MEAN", [x, a], left, q if same_scale else None, keep_dims=keep)


@given(st.data(), st.booleans())
def test_softmax(data: Any, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    shape = (data.draw(st.integers(1, 3)), data.draw(st.integers(1, 40)))
    q = {"scale": 1 / 256, "zero_point": -128} if int8 else {}
    m.check("SOFTMAX", [m.input(shape)], shape, q, beta=data.draw(st.sampled_from([1.0, 0.5, 2.0])))


@given(st.data(), st.sampled_from(["RELU", "RELU6", "RELU_N1_TO_1"]), st.booleans())
def test_relu(data: Any, name: str, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    shape = (3, data.draw(st.integers(1, 90)))
    m.check(name, [m.input(shape)], shape)


@given(st.data())
def test_quantize_floats(data: Any) -> None:
    m = OneOp(data.draw, True)
    n = data.draw(st.integers(1, 300))
    m.inputs.append(m.builder.add_tensor("x", (n,), "FLOAT32"))
    m.check("QUANTIZE", [m.inputs[0]], (n,))


@given(st.data())
def test_quantize_to_another_scale(data: Any) -> None:
    m = OneOp(data.draw, True)
    m.check("QUANTIZE", [m.input((200,))], (200,))


@given(st.data())
def test_dequantize(data: Any) -> None:
    m = OneOp(data.draw, True)
    x = m.input((200,))
    m.int8 = False
    m.check("DEQUANTIZE", [x], (200,))


@given(st.data(), st.booleans())
def test_pad(data: Any, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    shape = tuple(data.draw(st.integers(1, 4)) for _ in range(4))
    widths = np.array(
        [[data.draw(st.integers(0, 2)) for _ in range(2)] for _ in range(4)], np.int32
    )
    q = m.quantization()
    x = m.input(shape, **q)
    p = m.builder.add_tensor("paddings", data=widths)
    m.check("PAD", [x, p], tuple(int(v) for v in np.array(shape) + widths.sum(axis=1)), q)


@given(st.data(), st.booleans())
def test_concatenation(data: Any, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    axis = data.draw(st.integers(-3, 2))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    q = m.quantization()
    shapes = []
    for n in (*sizes, sum(sizes)):
        shape = [2, 3, 4]
        shape[axis] = n
        shapes.append(tuple(shape))
    m.check("CONCATENATION", [m.input(s, **q) for s in shapes[:-1]], shapes[-1], q, axis=axis)


@given(st.data(), st.booleans())
def test_reshape(data: Any, int8: bool) -> None:
    m = OneOp(data.draw, int8)
    q = m.quantization()
    x = m.input((2, 3, 4), **q)
    shape = data.draw(st.sampled_from([(24,), (4, 6), (2, 1, 12), (1, 2, 3, 4)]))
    m.check("RESHAPE", [x, m.builder.add_tensor("shape", data=np.array(shape, np.int32))], shape, q)


@given(st.data(), st.sampled_from([(False, False), (True, False), (False, True)]), st.booleans())
def test_resize_nearest_neighbor(data: Any, mode: tuple[bool, bool], int8: bool) -> None:
    m = OneOp(data.draw, int8)
    size = [data.draw(st.integers(1, 9)) for _ in range(2)]
    out = [data.draw(st.integers(1, 20)) for _ in range(2)]
    q = m.quantization()
    x = m.input((1, *size, 2), **q)
    s = m.builder.add_tensor("size", data=np.array(out, np.int32))
    m.check(
        "RESIZE_NEAREST_NEIGHBOR",
        [x, s],
        (1, *out, 2),
        q,
        align_corners=mode[0],
        half_pixel_centers=mode[1],
    )
