"""The digit classifier: conv, a depthwise-separable residual block, pools, one dense layer."""

from __future__ import annotations

import numpy as np

from digits.layers import (
    Array,
    AveragePool,
    Clamp,
    Conv,
    Dense,
    Depthwise,
    Flatten,
    Layer,
    MaxPool,
)

CHANNELS, WIDE, CLASSES = 16, 32, 10


class Network:
    """8x8x1 images in 0..1 to ten logits. ``layers`` is in execution order, by name."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layers: dict[str, Layer] = {
            "stem": Conv(rng, 3, 1, CHANNELS),
            "stem_relu": Clamp(),
            "depthwise": Depthwise(rng, 3, CHANNELS),
            "depthwise_relu6": Clamp(6.0),
            "pointwise": Conv(rng, 1, CHANNELS, CHANNELS),
            "residual_relu": Clamp(),
            "max_pool": MaxPool(),
            "body": Conv(rng, 3, CHANNELS, WIDE),
            "body_relu": Clamp(),
            "average_pool": AveragePool(),
            "flatten": Flatten(),
            "dense": Dense(rng, WIDE * 4, CLASSES),
        }

    def forward(self, x: Array) -> dict[str, Array]:
        """Every layer's output by name, ``input`` and ``add`` (before its activation) included."""
        seen = {"input": x}
        for name, layer in self.layers.items():
            x = layer.forward(x)
            seen[name] = x
            if name == "pointwise":
                x = x + seen["stem_relu"]
                seen["add"] = x
        return seen

    def backward(self, dy: Array) -> None:
        """Fill each layer's gradients from the gradient of the logits."""
        skip: Array | None = None
        for name, layer in reversed(self.layers.items()):
            if name == "pointwise":
                skip = dy
            if name == "stem_relu" and skip is not None:
                dy = dy + skip
            dy = layer.backward(dy)


def softmax(logits: Array) -> Array:
    """Row-wise softmax, shifted by the row's maximum."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def train(network: Network, images: Array, labels: np.ndarray, epochs: int, seed: int) -> None:
    """Adam on cross-entropy with cosine decay; each image is shifted by up to a pixel each time."""
    rng = np.random.default_rng(seed)
    slots = [(layer, key) for layer in network.layers.values() for key in layer.weights]
    first = [np.zeros_like(layer.weights[key]) for layer, key in slots]
    second = [np.zeros_like(layer.weights[key]) for layer, key in slots]
    batch, step = 64, 0
    total = epochs * (len(images) // batch)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        loss = 0.0
        for start in range(0, len(order) - batch + 1, batch):
            pick = order[start : start + batch]
            x, y = _shifted(images[pick], rng), labels[pick]
            p = softmax(network.forward(x)["dense"])
            loss -= float(np.log(p[np.arange(batch), y] + 1e-12).mean())
            p[np.arange(batch), y] -= 1
            network.backward(p / batch)
            step += 1
            rate = 0.5 * 3e-3 * (1 + np.cos(np.pi * step / total))
            for (layer, key), m, v in zip(slots, first, second, strict=True):
                g = layer.gradients[key] + 1e-4 * layer.weights[key]
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                layer.weights[key] -= (
                    rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
                ).astype(np.float32)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss / (len(order) // batch):.4f}")


def _shifted(images: Array, rng: np.random.Generator) -> Array:
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    out = np.empty_like(images)
    for i, (dy, dx) in enumerate(rng.integers(0, 3, (len(images), 2))):
        out[i] = padded[i, dy : dy + 8, dx : dx + 8]
    return out
