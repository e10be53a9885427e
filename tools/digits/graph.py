"""The trained network as a .tflite model, float32 or int8, through litefuse's own builder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digits.network import CHANNELS, CLASSES, WIDE, Network
from digits.quantise import Scale, quantise_weights
from litefuse.runtime.model.build import ModelBuilder

UNIT = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
HALF = {"padding": "VALID", "stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2}
SOFTMAX = Scale(1 / 256, -128)  # the only output scale that int8 SOFTMAX may have


@dataclass
class _Writer:
    """One way of writing the network: ``scales`` is None for float32."""

    builder: ModelBuilder
    network: Network
    scales: dict[str, Scale] | None

    def activation(self, name: str, shape: tuple[int, ...], like: str | None = None) -> int:
        """A tensor, with the scale measured for ``like`` (default: for its own name)."""
        if self.scales is None:
            return self.builder.add_tensor(name, shape, "float32")
        scale = SOFTMAX if name == "digit" else self.scales[like or name]
        return self.builder.add_tensor(
            name, shape, "int8", scale=scale.scale, zero_point=scale.zero_point
        )

    def weights(self, layer: str, source: str, axis: int | None) -> tuple[int, int]:
        """The constants of a layer that reads ``source``; int8 with scales along ``axis``."""
        w, bias = (self.network.layers[layer].weights[key] for key in "wb")
        add = self.builder.add_tensor
        if self.scales is None:
            return add(f"{layer}/w", data=w), add(f"{layer}/b", data=bias)
        read = self.scales[source].scale
        q = quantise_weights(w, bias, axis, read)
        return (
            add(f"{layer}/w", data=q.w, scale=q.scales, quantized_dimension=axis or 0),
            add(f"{layer}/b", data=q.b, scale=q.scales.astype(float) * read),
        )

    def conv(self, layer: str, source: str, x: int, out: str, shape: Any, act: str) -> int:
        """A convolution of stride 1 that writes the activation ``out``."""
        y = self.activation(out, shape)
        operands = [x, *self.weights(layer, source, 0)]
        self.builder.add_op("CONV_2D", operands, [y], fused_activation_function=act, **UNIT)
        return y


def build(network: Network, scales: dict[str, Scale] | None) -> bytes:
    """The .tflite file; float32 without ``scales``, else int8 with them."""
    kind = "float32" if scales is None else "int8"
    b = ModelBuilder(f"litefuse digits, {kind}")
    w = _Writer(b, network, scales)
    full, half = (1, 8, 8, CHANNELS), (1, 4, 4, CHANNELS)

    image = w.activation("image", (1, 8, 8, 1), "input")
    stem = w.conv("stem", "input", image, "stem_relu", full, "RELU")
    spatial = w.activation("depthwise_relu6", full)
    b.add_op(
        "DEPTHWISE_CONV_2D",
        [stem, *w.weights("depthwise", "stem_relu", 3)],
        [spatial],
        depth_multiplier=1,
        fused_activation_function="RELU6",
        **UNIT,
    )
    mixed = w.conv("pointwise", "depthwise_relu6", spatial, "pointwise", full, "NONE")
    summed = w.activation("residual_relu", full)
    b.add_op("ADD", [mixed, stem], [summed], fused_activation_function="RELU")
    pooled = w.activation("max_pool", half, "residual_relu")
    b.add_op("MAX_POOL_2D", [summed], [pooled], **HALF)
    body = w.conv("body", "residual_relu", pooled, "body_relu", (1, 4, 4, WIDE), "RELU")
    averaged = w.activation("average_pool", (1, 2, 2, WIDE), "body_relu")
    b.add_op("AVERAGE_POOL_2D", [body], [averaged], **HALF)
    flat = w.activation("flatten", (1, 4 * WIDE), "body_relu")
    wanted = b.add_tensor("flatten/shape", (2,), "int32", data=[1, 4 * WIDE])
    b.add_op("RESHAPE", [averaged, wanted], [flat], new_shape=(1, 4 * WIDE))
    logits = w.activation("logits", (1, CLASSES), "dense")
    b.add_op("FULLY_CONNECTED", [flat, *w.weights("dense", "body_relu", None)], [logits])
    digit = w.activation("digit", (1, CLASSES))
    b.add_op("SOFTMAX", [logits], [digit], beta=1.0)
    signature = ({"image": image}, {"digit": digit})
    return b.finish_bytes([image], [digit], {"serving_default": signature})
