"""The trained network as a .tflite model, float32 or int8, through litefuse's own writer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.network import CHANNELS, CLASSES, WIDE, Network
from digits.quantise import Scale, Weights, quantise_weights
from litefuse.runtime.model.enums import (
    ActivationFunctionType,
    BuiltinOperator,
    Padding,
    TensorType,
)
from litefuse.runtime.model.objects import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SignatureDef,
    SubGraph,
    Tensor,
)
from litefuse.runtime.model.records import record_class

TYPES = {"float32": TensorType.FLOAT32, "int8": TensorType.INT8, "int32": TensorType.INT32}
NONE, RELU, RELU6 = (ActivationFunctionType[name] for name in ("NONE", "RELU", "RELU6"))
# The converter's operator versions: (float32, int8). LiteRT picks the kernel's rules by them.
VERSIONS = {
    "CONV_2D": (1, 3),
    "DEPTHWISE_CONV_2D": (1, 3),
    "ADD": (1, 2),
    "MAX_POOL_2D": (1, 2),
    "AVERAGE_POOL_2D": (1, 2),
    "RESHAPE": (1, 1),
    "FULLY_CONNECTED": (1, 4),
    "SOFTMAX": (1, 2),
}


@dataclass
class _Builder:
    """Appends tensors and nodes to one subgraph."""

    int8: bool
    model: Model = field(default_factory=lambda: Model(buffers=[Buffer()]))
    graph: SubGraph = field(default_factory=lambda: SubGraph(name="main"))

    def constant(
        self, name: str, data: NDArray[Any], quantization: Quantization | None = None
    ) -> int:
        self.model.buffers.append(Buffer(np.ascontiguousarray(data).tobytes()))
        kind = TYPES[data.dtype.name]
        buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(Tensor(name, data.shape, kind, buffer, quantization))
        return len(self.graph.tensors) - 1

    def activation(self, name: str, shape: tuple[int, ...], scale: Scale | None) -> int:
        quantization = None
        if scale is not None:
            quantization = per_tensor(scale)
        kind = TensorType.INT8 if self.int8 else TensorType.FLOAT32
        self.graph.tensors.append(Tensor(name, shape, kind, 0, quantization))
        return len(self.graph.tensors) - 1

    def node(
        self, op: str, inputs: tuple[int, ...], output: int, table: str, **values: Any
    ) -> None:
        code = OperatorCode(BuiltinOperator[op], version=VERSIONS[op][self.int8])
        if code not in self.model.operator_codes:
            self.model.operator_codes.append(code)
        index = self.model.operator_codes.index(code)
        options = record_class(table)(**values)
        self.graph.operators.append(Operator(index, code, inputs, (output,), options))


def per_tensor(scale: Scale) -> Quantization:
    """One scale and zero point."""
    return Quantization(np.float32([scale.scale]), np.int64([scale.zero_point]))


def build(network: Network, scales: dict[str, Scale] | None) -> Model:
    """The model; float32 without ``scales``, else int8 with them (and 1/256 for the softmax)."""
    b = _Builder(int8=scales is not None)

    def scale(name: str) -> Scale | None:
        return None if scales is None else scales[name]

    def weights(layer: str, source: str, axis: int | None) -> tuple[int, int]:
        w, bias = (network.layers[layer].weights[key] for key in "wb")
        if scales is None:
            return b.constant(f"{layer}/w", w), b.constant(f"{layer}/b", bias)
        q: Weights = quantise_weights(w, bias, axis, scales[source].scale)
        zeros = np.zeros(len(q.scales), np.int64)
        sums = (q.scales * np.float32(scales[source].scale)).astype(np.float32)
        return (
            b.constant(f"{layer}/w", q.w, Quantization(q.scales, zeros, axis or 0)),
            b.constant(f"{layer}/b", q.b, Quantization(sums, zeros, 0)),
        )

    def conv(layer: str, source: str, x: int, name: str, shape: tuple[int, ...], act: Any) -> int:
        y = b.activation(name, shape, scale(name))
        unit = {"padding": Padding.SAME, "stride_w": 1, "stride_h": 1}
        b.node(
            "CONV_2D",
            (x, *weights(layer, source, 0)),
            y,
            "Conv2DOptions",
            fused_activation_function=act,
            **unit,
        )
        return y

    image = b.activation("image", (1, 8, 8, 1), scale("input"))
    stem = conv("stem", "input", image, "stem_relu", (1, 8, 8, CHANNELS), RELU)
    spatial = b.activation("depthwise_relu6", (1, 8, 8, CHANNELS), scale("depthwise_relu6"))
    b.node(
        "DEPTHWISE_CONV_2D",
        (stem, *weights("depthwise", "stem_relu", 3)),
        spatial,
        "DepthwiseConv2DOptions",
        padding=Padding.SAME,
        stride_w=1,
        stride_h=1,
        depth_multiplier=1,
        fused_activation_function=RELU6,
    )
    shape = (1, 8, 8, CHANNELS)
    mixed = conv("pointwise", "depthwise_relu6", spatial, "pointwise", shape, NONE)
    summed = b.activation("residual_relu", shape, scale("residual_relu"))
    b.node("ADD", (mixed, stem), summed, "AddOptions", fused_activation_function=RELU)
    half = {
        "padding": Padding.VALID,
        "stride_w": 2,
        "stride_h": 2,
        "filter_width": 2,
        "filter_height": 2,
    }
    pooled = b.activation("max_pool", (1, 4, 4, CHANNELS), scale("residual_relu"))
    b.node("MAX_POOL_2D", (summed,), pooled, "Pool2DOptions", **half)
    body = conv("body", "residual_relu", pooled, "body_relu", (1, 4, 4, WIDE), RELU)
    averaged = b.activation("average_pool", (1, 2, 2, WIDE), scale("body_relu"))
    b.node("AVERAGE_POOL_2D", (body,), averaged, "Pool2DOptions", **half)
    flat = b.activation("flatten", (1, 4 * WIDE), scale("body_relu"))
    wanted = np.array([1, 4 * WIDE], np.int32)
    b.node(
        "RESHAPE",
        (averaged, b.constant("flatten/shape", wanted)),
        flat,
        "ReshapeOptions",
        new_shape=(1, 4 * WIDE),
    )
    logits = b.activation("logits", (1, CLASSES), scale("dense"))
    dense = (flat, *weights("dense", "body_relu", None))
    b.node("FULLY_CONNECTED", dense, logits, "FullyConnectedOptions")
    fixed = None if scales is None else Scale(1 / 256, -128)
    digit = b.activation("digit", (1, CLASSES), fixed)
    b.node("SOFTMAX", (logits,), digit, "SoftmaxOptions", beta=1.0)

    b.graph.inputs, b.graph.outputs = (image,), (digit,)
    b.model.subgraphs.append(b.graph)
    b.model.description = f"litefuse digits, {'int8' if b.int8 else 'float32'}"
    b.model.signature_defs.append(
        SignatureDef("serving_default", {"image": image}, {"digit": digit})
    )
    return b.model
