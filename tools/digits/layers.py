"""Layers of a small convolutional network, forward and backward, in plain NumPy (NHWC, float32)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass
class Layer:
    """A layer without parameters; those with some fill ``weights`` and ``gradients`` alike."""

    weights: dict[str, Array] = field(default_factory=dict, init=False)
    gradients: dict[str, Array] = field(default_factory=dict, init=False)

    def forward(self, x: Array) -> Array:
        raise TypeError(f"{type(self).__name__} has no forward")

    def backward(self, dy: Array) -> Array:
        raise TypeError(f"{type(self).__name__} has no backward")


def _windows(x: Array, k: int) -> Array:
    """SAME, stride 1: (n, h, w, c) -> (n, h, w, k, k, c), a view into a padded copy."""
    p = k // 2
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, (k, k), (1, 2)).transpose(
        0, 1, 2, 4, 5, 3
    )


def _scatter(d: Array) -> Array:
    """The transpose of ``_windows``: (n, h, w, k, k, c) -> (n, h, w, c)."""
    n, h, w, k, _, c = d.shape
    p = k // 2
    out = np.zeros((n, h + 2 * p, w + 2 * p, c), np.float32)
    for i in range(k):
        for j in range(k):
            out[:, i : i + h, j : j + w] += d[:, :, :, i, j]
    return out[:, p : p + h, p : p + w]


class Conv(Layer):
    """SAME convolution, stride 1; weights OHWI as TFLite stores them."""

    def __init__(self, rng: np.random.Generator, k: int, cin: int, cout: int) -> None:
        super().__init__()
        scale = np.sqrt(2.0 / (k * k * cin))
        self.weights["w"] = (rng.standard_normal((cout, k, k, cin)) * scale).astype(np.float32)
        self.weights["b"] = np.zeros(cout, np.float32)

    def forward(self, x: Array) -> Array:
        w = self.weights["w"]
        self.columns = np.ascontiguousarray(_windows(x, w.shape[1]))
        flat = self.columns.reshape(-1, w[0].size)
        return (flat @ w.reshape(len(w), -1).T + self.weights["b"]).reshape(*x.shape[:3], len(w))

    def backward(self, dy: Array) -> Array:
        w = self.weights["w"]
        flat = dy.reshape(-1, len(w))
        columns = self.columns.reshape(len(flat), -1)
        self.gradients["w"] = (flat.T @ columns).reshape(w.shape)
        self.gradients["b"] = flat.sum(0)
        return _scatter((flat @ w.reshape(len(w), -1)).reshape(self.columns.shape))


class Depthwise(Layer):
    """SAME depthwise convolution, stride 1, multiplier 1; weights 1HWC."""

    def __init__(self, rng: np.random.Generator, k: int, channels: int) -> None:
        super().__init__()
        scale = np.sqrt(2.0 / (k * k))
        self.weights["w"] = (rng.standard_normal((1, k, k, channels)) * scale).astype(np.float32)
        self.weights["b"] = np.zeros(channels, np.float32)

    def forward(self, x: Array) -> Array:
        self.columns = _windows(x, self.weights["w"].shape[1])
        return np.einsum("nhwijc,ijc->nhwc", self.columns, self.weights["w"][0]) + self.weights["b"]

    def backward(self, dy: Array) -> Array:
        w = self.weights["w"]
        self.gradients["w"] = np.einsum("nhwijc,nhwc->ijc", self.columns, dy)[None]
        self.gradients["b"] = dy.sum((0, 1, 2))
        return _scatter(dy[:, :, :, None, None, :] * w[0])


class Dense(Layer):
    """Fully connected; weights (out, in)."""

    def __init__(self, rng: np.random.Generator, cin: int, cout: int) -> None:
        super().__init__()
        scale = np.sqrt(1.0 / cin)
        self.weights["w"] = (rng.standard_normal((cout, cin)) * scale).astype(np.float32)
        self.weights["b"] = np.zeros(cout, np.float32)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.weights["w"].T + self.weights["b"]

    def backward(self, dy: Array) -> Array:
        self.gradients["w"] = dy.T @ self.x
        self.gradients["b"] = dy.sum(0)
        return dy @ self.weights["w"]


class Clamp(Layer):
    """RELU (no ``top``) or RELU6 (``top=6``)."""

    def __init__(self, top: float = np.inf) -> None:
        super().__init__()
        self.top = top

    def forward(self, x: Array) -> Array:
        self.open = (x > 0) & (x < self.top)
        return np.clip(x, 0, self.top)

    def backward(self, dy: Array) -> Array:
        return dy * self.open


class MaxPool(Layer):
    """2x2 windows, stride 2."""

    def forward(self, x: Array) -> Array:
        n, h, w, c = x.shape
        self.blocks = x.reshape(n, h // 2, 2, w // 2, 2, c)
        self.y = self.blocks.max((2, 4))
        return self.y

    def backward(self, dy: Array) -> Array:
        hit = self.blocks == self.y[:, :, None, :, None]
        share = hit / hit.sum((2, 4), keepdims=True)
        n, h, _, w, _, c = self.blocks.shape
        return (share * dy[:, :, None, :, None]).reshape(n, 2 * h, 2 * w, c).astype(np.float32)


class AveragePool(Layer):
    """2x2 windows, stride 2."""

    def forward(self, x: Array) -> Array:
        n, h, w, c = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2, c).mean((2, 4))

    def backward(self, dy: Array) -> Array:
        return (dy / 4).repeat(2, 1).repeat(2, 2)


class Flatten(Layer):
    """(n, ...) -> (n, everything else)."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)
