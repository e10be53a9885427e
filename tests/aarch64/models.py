"""Models of one or two nodes for each kind of kernel, small enough for an emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.runtime.model.build import ModelBuilder

Quantised = tuple[float, int]


class _Net:
    """A builder whose tensors are all float32, or all int8."""

    def __init__(self, int8: bool, seed: int) -> None:
        self.int8 = int8
        self.builder = ModelBuilder()
        self.rng = np.random.default_rng(seed)
        self.inputs: list[int] = []
        self.scales: dict[int, float] = {}

    def tensor(self, shape: tuple[int, ...], quantised: Quantised = (0.05, -7)) -> int:
        if not self.int8:
            return self.builder.add_tensor("", shape, "FLOAT32")
        scale, zero = quantised
        index = self.builder.add_tensor("", shape, "INT8", scale=scale, zero_point=zero)
        self.scales[index] = scale
        return index

    def input(self, shape: tuple[int, ...], quantised: Quantised = (0.05, -7)) -> int:
        self.inputs.append(self.tensor(shape, quantised))
        return self.inputs[-1]

    def weights(self, shape: tuple[int, ...], axis: int, x: int) -> tuple[int, int]:
        """Weights with one scale a channel, and the bias for them."""
        n = shape[axis]
        if not self.int8:
            w = self.builder.add_tensor("", data=self.rng.normal(0, 0.3, shape).astype(np.float32))
            return w, self.builder.add_tensor("", data=self.rng.normal(0, 1, n).astype(np.float32))
        scales = self.rng.uniform(0.002, 0.01, n).astype(np.float32)
        zeros = np.zeros(n, np.int64)
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        w = self.builder.add_tensor(
            "", data=data, scale=scales, zero_point=zeros, quantized_dimension=axis
        )
        bias = self.rng.integers(-3000, 3000, n).astype(np.int32)
        b = self.builder.add_tensor(
            "", data=bias, scale=scales * np.float32(self.scales[x]), zero_point=zeros
        )
        return w, b

    def finish(self, *outputs: int) -> bytes:
        return self.builder.finish_bytes(self.inputs, list(outputs))


def _conv(net: _Net, kernel: int = 3, channels: tuple[int, int] = (5, 19), **options: Any) -> bytes:
    x = net.input((1, 11, 9, channels[0]))
    w, b = net.weights((channels[1], kernel, kernel, channels[0]), 0, x)
    stride = options.pop("stride", 1)
    padding = options.get("padding", "SAME")
    extent = (kernel - 1) * options.get("dilation_h_factor", 1) + 1
    size = [-(-n // stride) if padding == "SAME" else (n - extent) // stride + 1 for n in (11, 9)]
    y = net.tensor((1, *size, channels[1]))
    net.builder.add_op(
        "CONV_2D",
        [x, w, b],
        [y],
        stride_h=stride,
        stride_w=stride,
        **{"padding": padding, **options},
    )
    return net.finish(y)


def _depthwise(net: _Net, multiplier: int) -> bytes:
    x = net.input((1, 10, 7, 6))
    w, b = net.weights((1, 3, 3, 6 * multiplier), 3, x)
    y = net.tensor((1, 5, 4, 6 * multiplier))
    options = {
        "stride_h": 2,
        "stride_w": 2,
        "depth_multiplier": multiplier,
        "fused_activation_function": "RELU6",
    }
    net.builder.add_op("DEPTHWISE_CONV_2D", [x, w, b], [y], padding="SAME", **options)
    return net.finish(y)


def _dense(net: _Net) -> bytes:
    x = net.input((3, 37))
    w, b = net.weights((21, 37), 0, x)
    y = net.tensor((3, 21))
    net.builder.add_op("FULLY_CONNECTED", [x, w, b], [y], fused_activation_function="RELU")
    return net.finish(y)


def _binary(net: _Net, name: str) -> bytes:
    x, z = net.input((2, 3, 4, 13)), net.input((2, 3, 4, 13), (0.03, 11))
    y = net.tensor((2, 3, 4, 13), (0.09, 3))
    net.builder.add_op(name, [x, z], [y])
    return net.finish(y)


def _pool(net: _Net, name: str) -> bytes:
    x = net.input((1, 9, 9, 18))
    y = net.tensor((1, 5, 5, 18))
    net.builder.add_op(
        name, [x], [y], padding="SAME", stride_h=2, stride_w=2, filter_height=3, filter_width=3
    )
    return net.finish(y)


def _softmax(net: _Net) -> bytes:
    x = net.input((3, 27), (0.1, 4))
    y = net.tensor((3, 27), (1 / 256, -128))
    net.builder.add_op("SOFTMAX", [x], [y], beta=1.0)
    return net.finish(y)


def _mean(net: _Net) -> bytes:
    x = net.input((1, 6, 5, 20))
    axes = net.builder.add_tensor("", data=np.array([1, 2], np.int32))
    y = net.tensor((1, 20), (0.02, 1))
    net.builder.add_op("MEAN", [x, axes], [y], keep_dims=False)
    return net.finish(y)


def _moves(net: _Net) -> bytes:
    """PAD, then two maps side by side, then RESIZE_NEAREST_NEIGHBOR."""
    x, z = net.input((1, 4, 4, 5)), net.input((1, 7, 6, 3))
    cells = net.builder.add_tensor("", data=np.array([[0, 0], [1, 2], [2, 0], [0, 0]], np.int32))
    size = net.builder.add_tensor("", data=np.array([14, 12], np.int32))
    padded, joined, y = (
        net.tensor((1, 7, 6, 5)),
        net.tensor((1, 7, 6, 8)),
        net.tensor((1, 14, 12, 8)),
    )
    net.builder.add_op("PAD", [x, cells], [padded])
    net.builder.add_op("CONCATENATION", [padded, z], [joined], axis=3)
    net.builder.add_op("RESIZE_NEAREST_NEIGHBOR", [joined, size], [y])
    return net.finish(y)


def _rescale(net: _Net) -> bytes:
    """Between the types and between two scales."""
    f = net.builder.add_tensor("", (1, 77), "FLOAT32")
    net.inputs.append(f)
    net.int8 = True
    q, r = net.tensor((1, 77), (0.02, 5)), net.tensor((1, 77), (0.037, -9))
    back = net.builder.add_tensor("", (1, 77), "FLOAT32")
    net.builder.add_op("QUANTIZE", [f], [q])
    net.builder.add_op("QUANTIZE", [q], [r])
    net.builder.add_op("DEQUANTIZE", [r], [back])
    return net.finish(r, back)


def small_models() -> dict[str, bytes]:
    """{name: .tflite}, every kind of kernel in float32 and int8."""
    made: dict[str, bytes] = {}
    for int8 in (False, True):
        kind = "int8" if int8 else "float"
        relu6 = {"fused_activation_function": "RELU6"}
        dilated = {"dilation_h_factor": 2, "dilation_w_factor": 2, "padding": "VALID"}
        made |= {
            f"conv3x3_{kind}": _conv(_Net(int8, 1), **relu6),
            f"conv3x3_stride2_{kind}": _conv(_Net(int8, 2), stride=2),
            f"conv3x3_dilated_{kind}": _conv(_Net(int8, 3), **dilated),
            f"conv1x1_{kind}": _conv(_Net(int8, 4), kernel=1, channels=(24, 33)),
            f"depthwise_{kind}": _depthwise(_Net(int8, 5), 1),
            f"depthwise_multiplied_{kind}": _depthwise(_Net(int8, 6), 3),
            f"dense_{kind}": _dense(_Net(int8, 7)),
            f"add_{kind}": _binary(_Net(int8, 8), "ADD"),
            f"mul_{kind}": _binary(_Net(int8, 9), "MUL"),
            f"average_pool_{kind}": _pool(_Net(int8, 10), "AVERAGE_POOL_2D"),
            f"max_pool_{kind}": _pool(_Net(int8, 11), "MAX_POOL_2D"),
            f"softmax_{kind}": _softmax(_Net(int8, 12)),
            f"mean_{kind}": _mean(_Net(int8, 13)),
            f"moves_{kind}": _moves(_Net(int8, 14)),
        }
    return made | {"rescale": _rescale(_Net(False, 15))}
