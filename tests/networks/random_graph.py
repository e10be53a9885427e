"""Random graphs of the operators that litefuse compiles, drawn by Hypothesis so that they shrink."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder

ACTIVATIONS = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Made:
    """A tensor of the graph: its index, shape, and in an int8 graph its quantisation."""

    index: int
    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0


class RandomGraph:
    """A graph under construction, at first only its input: `made` are its tensors.

    Scales of int8 outputs are chosen so that random values seldom clip, which would hide errors.
    """

    def __init__(self, draw: Draw, int8: bool) -> None:
        self.draw = draw
        self.int8 = int8
        self.builder = ModelBuilder()
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.read: set[int] = set()
        batch = draw(st.sampled_from([1, 1, 1, 2]))
        shape = (batch, *(draw(st.integers(1, 9)) for _ in range(2)), draw(st.integers(1, 20)))
        self.made = [self.tensor(shape, 0.02, draw(st.integers(-20, 20)))]
        self.inputs = [self.made[0].index]

    def random(self, nodes: int) -> bytes:
        """The model after so many random nodes; what nobody reads is an output, and one more."""
        for _ in range(nodes):
            self.made.append(self.draw(st.sampled_from(OPERATORS))(self))
        outputs = [t.index for t in self.made[1:] if t.index not in self.read]
        also = self.draw(st.sampled_from(self.made[1:])).index
        return self.builder.finish_bytes(self.inputs, list(dict.fromkeys([*outputs, also])))

    def cells(self) -> bytes:
        """The model with every operator before a convolution whose padding may be memory around its
        operand, and every operator on a tensor that such a convolution also reads.
        """
        y = self.op("RELU", self.inputs, self.like(self.made[0]))
        outputs = [self.on(y, padded).index]
        for operator in dict.fromkeys(OPERATORS):
            out = self.on(y, operator)
            outputs.append((self.on(out, padded) if len(out.shape) == 4 else out).index)
        return self.builder.finish_bytes(self.inputs, outputs)

    def on(self, x: Made, operator: Callable[[RandomGraph], Made]) -> Made:
        """A node that reads this tensor."""
        self.made = [x]
        return operator(self)

    def tensor(self, shape: tuple[int, ...], scale: float, zero_point: int) -> Made:
        """A new tensor."""
        if not self.int8:
            return Made(self.builder.add_tensor("", shape, "FLOAT32"), shape)
        scale = float(np.float32(scale))
        index = self.builder.add_tensor("", shape, "INT8", scale=scale, zero_point=zero_point)
        return Made(index, shape, scale, zero_point)

    def pick(self, rank: int | None = None) -> Made:
        """A tensor made before; one of that rank, reshaped where there is none."""
        # Late tensors first: chains are what fuses.
        fitting = [t for t in reversed(self.made) if rank is None or len(t.shape) == rank]
        if not fitting:
            return reshape(self, rank)
        found: Made = self.draw(st.sampled_from(fitting))
        self.read.add(found.index)
        return found

    def op(self, name: str, inputs: list[int | None], out: Made, **options: Any) -> Made:
        """A node."""
        self.builder.add_op(name, inputs, [out.index], **options)
        return out

    def weights(self, shape: tuple[int, ...], axis: int, x: Made) -> tuple[int, Any]:
        """A constant filter, and its scales."""
        if not self.int8:
            data = self.rng.normal(0, 1 / math.sqrt(math.prod(shape) / shape[axis]), shape)
            return self.builder.add_tensor("w", data=data.astype(np.float32)), None
        scale = (self.rng.uniform(0.5, 1.0, shape[axis]) * 0.01).astype(np.float32)
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        index = self.builder.add_tensor(
            "w",
            data=data,
            scale=scale,
            zero_point=np.zeros(shape[axis]),
            quantized_dimension=axis,
        )
        return index, scale

    def bias(self, count: int, x: Made, scale: Any) -> list[int]:
        """A constant bias: the rest of a contraction's inputs."""
        if not self.int8:
            data = self.rng.normal(0, 1, count).astype(np.float32)
            return [self.builder.add_tensor("b", data=data)]
        made = self.builder.add_tensor(
            "b",
            data=self.rng.integers(-9000, 9000, count).astype(np.int32),
            scale=np.float32(x.scale) * scale,
            zero_point=np.zeros(count),
        )
        return [made]

    def summed(self, shape: tuple[int, ...], x: Made, scale: Any, terms: int) -> Made:
        """The output of a contraction over so many terms."""
        if scale is None:
            return self.tensor(shape, 0, 0)
        wide = x.scale * float(scale.mean()) * math.sqrt(terms) * 74 * 74 / 40
        return self.tensor(shape, wide * self.draw(st.floats(0.3, 2)), self.zero_point())

    def zero_point(self) -> int:
        return int(self.draw(st.integers(-128, 127)))

    def like(self, x: Made, shape: tuple[int, ...] | None = None) -> Made:
        """A tensor of the same quantisation."""
        return self.tensor(shape or x.shape, x.scale, x.zero_point)


def window(
    g: RandomGraph, x: Made, dilated: bool = False
) -> tuple[int, int, dict[str, Any], tuple[int, int]]:
    """Height and width of a window that fits, its options, and the output's size."""
    kh, kw = g.draw(st.integers(1, 4)), g.draw(st.integers(1, 4))
    sh, sw = g.draw(st.integers(1, 3)), g.draw(st.integers(1, 3))
    dh = dw = 1
    if dilated:
        dh, dw = g.draw(st.sampled_from([1, 1, 1, 2, 3])), g.draw(st.sampled_from([1, 1, 1, 2, 3]))
    padding = g.draw(st.sampled_from(["SAME", "SAME", "VALID"]))
    h, w = x.shape[1:3]
    tall, wide = (kh - 1) * dh + 1, (kw - 1) * dw + 1
    if padding == "VALID" and (tall > h or wide > w):
        padding = "SAME"
    if padding == "SAME":
        size = -(-h // sh), -(-w // sw)
    else:
        size = (h - tall) // sh + 1, (w - wide) // sw + 1
    options = {"padding": padding, "stride_h": sh, "stride_w": sw}
    if dilated:
        options |= {"dilation_h_factor": dh, "dilation_w_factor": dw}
    return kh, kw, options, size


def padded(g: RandomGraph) -> Made:
    """A convolution with padding on all sides."""
    x = g.pick(4)
    options = {"padding": "SAME", "stride_h": 1, "stride_w": 1}
    if g.draw(st.booleans()):
        return _depthwise(g, x, (3, 3), options, 1, x.shape[1:3])
    return _conv(g, x, (3, 3), options, x.shape[1:3])


def conv(g: RandomGraph) -> Made:
    x = g.pick(4)
    kh, kw, options, size = window(g, x, dilated=True)
    return _conv(g, x, (kh, kw), options, size)


def _conv(
    g: RandomGraph, x: Made, kernel: tuple[int, int], options: dict[str, Any], size: Any
) -> Made:
    kh, kw = kernel
    groups = g.draw(st.sampled_from([1, 1, 1, *(n for n in (2, 3, 4) if x.shape[3] % n == 0)]))
    depth, count = x.shape[3] // groups, groups * g.draw(st.integers(1, 20 // groups))
    w, scale = g.weights((count, kh, kw, depth), 0, x)
    out = g.summed((x.shape[0], *size, count), x, scale, kh * kw * depth)
    inputs: list[int | None] = [x.index, w, *g.bias(count, x, scale)]
    options["fused_activation_function"] = g.draw(ACTIVATIONS)
    return g.op("CONV_2D", inputs, out, **options)


def depthwise(g: RandomGraph) -> Made:
    x = g.pick(4)
    kh, kw, options, size = window(g, x, dilated=True)
    multiplier = g.draw(st.sampled_from([1, 1, 1, 2]))
    return _depthwise(g, x, (kh, kw), options, multiplier, size)


def _depthwise(
    g: RandomGraph,
    x: Made,
    kernel: tuple[int, int],
    options: dict[str, Any],
    multiplier: int,
    size: Any,
) -> Made:
    kh, kw = kernel
    count = x.shape[3] * multiplier
    w, scale = g.weights((1, kh, kw, count), 3, x)
    out = g.summed((x.shape[0], *size, count), x, scale, kh * kw)
    inputs: list[int | None] = [x.index, w, *g.bias(count, x, scale)]
    options |= {"depth_multiplier": multiplier, "fused_activation_function": g.draw(ACTIVATIONS)}
    return g.op("DEPTHWISE_CONV_2D", inputs, out, **options)


def dense(g: RandomGraph) -> Made:
    x = g.pick()
    keep = g.draw(st.booleans())
    depth, count = x.shape[-1], g.draw(st.integers(1, 20))
    w, scale = g.weights((count, depth), 0, x)
    shape = (*x.shape[:-1], count) if keep else (math.prod(x.shape[:-1]), count)
    out = g.summed(shape, x, scale, depth)
    inputs: list[int | None] = [x.index, w]
    if g.draw(st.booleans()):  # convolutions cannot do without
        inputs += g.bias(count, x, scale)
    activation = g.draw(ACTIVATIONS)
    return g.op(
        "FULLY_CONNECTED", inputs, out, keep_num_dims=keep, fused_activation_function=activation
    )


def pool(g: RandomGraph) -> Made:
    x = g.pick(4)
    kh, kw, options, size = window(g, x)
    out = g.like(x, (x.shape[0], *size, x.shape[3]))
    name = g.draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    options["fused_activation_function"] = g.draw(ACTIVATIONS)
    return g.op(name, [x.index], out, filter_height=kh, filter_width=kw, **options)


def binary(g: RandomGraph) -> Made:
    x = g.pick()
    same = [t for t in g.made if t.shape == x.shape]
    name = g.draw(st.sampled_from(["ADD", "SUB", "MUL"]))
    shape = g.draw(st.sampled_from([None, None, x.shape, x.shape[-1:], ()]))
    if shape is None:
        y: Made = g.draw(st.sampled_from(same))
        g.read.add(y.index)
    else:
        y = constant(g, shape)
    scale = x.scale * y.scale * 80 if name == "MUL" else max(x.scale, y.scale) * 1.5
    out = g.tensor(x.shape, scale, g.zero_point())
    pair: list[int | None] = [x.index, y.index]
    if name != "SUB" and g.draw(st.booleans()):
        pair.reverse()
    return g.op(name, pair, out, fused_activation_function=g.draw(ACTIVATIONS))


def constant(g: RandomGraph, shape: tuple[int, ...]) -> Made:
    if not g.int8:
        data = g.rng.normal(0, 1, shape).astype(np.float32)
        return Made(g.builder.add_tensor("c", data=data), shape)
    data = g.rng.integers(-128, 128, shape).astype(np.int8)
    scale, zero_point = 0.015, g.zero_point()
    index = g.builder.add_tensor("c", data=data, scale=scale, zero_point=zero_point)
    return Made(index, shape, scale, zero_point)


def unary(g: RandomGraph) -> Made:
    x = g.pick()
    name = g.draw(st.sampled_from(["RELU", "RELU6", "RELU_N1_TO_1"]))
    out = g.like(x) if g.draw(st.booleans()) else g.tensor(x.shape, x.scale * 0.7, g.zero_point())
    return g.op(name, [x.index], out)


def softmax(g: RandomGraph) -> Made:
    x = g.pick()
    beta = g.draw(st.sampled_from([1.0, 0.5, 2.0]))
    return g.op("SOFTMAX", [x.index], g.tensor(x.shape, 1 / 256, -128), beta=beta)


def mean(g: RandomGraph) -> Made:
    x = g.pick(4)
    keep = g.draw(st.booleans())
    axes = g.builder.add_tensor("", data=np.array([1, 2], np.int32))
    shape = (x.shape[0], 1, 1, x.shape[3]) if keep else (x.shape[0], x.shape[3])
    terms = x.shape[1] * x.shape[2]
    out = g.tensor(shape, x.scale / math.sqrt(terms), g.zero_point())
    return g.op("MEAN", [x.index, axes], out, keep_dims=keep)


def pad(g: RandomGraph) -> Made:
    x = g.pick(4)
    amounts = [(0, 0), *((g.draw(st.integers(0, 2)), g.draw(st.integers(0, 2))) for _ in range(3))]
    shape = tuple(d + a + b for d, (a, b) in zip(x.shape, amounts, strict=True))
    index = g.builder.add_tensor("", data=np.array(amounts, np.int32))
    inputs: list[int | None] = [x.index, index]
    if not g.draw(st.booleans()):
        return g.op("PAD", inputs, g.like(x, shape))
    if g.int8:
        value = g.builder.add_tensor(
            "", data=np.int8([g.zero_point()]), scale=x.scale, zero_point=x.zero_point
        )
    else:
        value = g.builder.add_tensor("", data=np.float32([1.5]))
    return g.op("PADV2", [*inputs, value], g.like(x, shape))


def concatenation(g: RandomGraph) -> Made:
    x = g.pick(4)
    same = [t for t in g.made if len(t.shape) == 4 and t.shape[:3] == x.shape[:3]]
    parts = [x, *g.draw(st.lists(st.sampled_from(same), min_size=1, max_size=2))]
    goal = parts[0]
    inputs: list[int | None] = []
    for part in parts:
        g.read.add(part.index)
        alike = (part.scale, part.zero_point) == (goal.scale, goal.zero_point)
        if not alike:
            part = g.op("QUANTIZE", [part.index], g.like(goal, part.shape))
        inputs.append(part.index)
    depth = sum(part.shape[3] for part in parts)
    return g.op("CONCATENATION", inputs, g.like(goal, (*x.shape[:3], depth)), axis=3)


def reshape(g: RandomGraph, rank: int | None = None) -> Made:
    x = g.draw(st.sampled_from(g.made[::-1]))
    g.read.add(x.index)
    size = math.prod(x.shape)
    rank = rank or g.draw(st.sampled_from([2, 4]))
    divisors = [d for d in range(1, min(size, 24) + 1) if size % d == 0]
    depth = g.draw(st.sampled_from(divisors))
    shape = (size // depth, depth) if rank == 2 else (1, 1, size // depth, depth)
    if rank == 4 and g.draw(st.booleans()):
        shape = (1, size // depth, 1, depth)
    index = g.builder.add_tensor("", data=np.array(shape, np.int32))
    out = g.op("RESHAPE", [x.index, index], g.like(x, shape), new_shape=shape)
    if rank is not None:
        g.made.append(out)
        g.read.add(out.index)
    return out


def a_reshape(g: RandomGraph) -> Made:
    out = reshape(g)
    g.made.remove(out)
    g.read.discard(out.index)
    return out


def resize(g: RandomGraph) -> Made:
    x = g.pick(4)
    size = tuple(min(d * g.draw(st.sampled_from([1, 2, 3])), 18) for d in x.shape[1:3])
    index = g.builder.add_tensor("", data=np.array(size, np.int32))
    out = g.like(x, (x.shape[0], *size, x.shape[3]))
    return g.op("RESIZE_NEAREST_NEIGHBOR", [x.index, index], out)


OPERATORS = [conv, depthwise, conv, depthwise, dense, pool, binary, binary, unary, softmax, mean]
OPERATORS += [pad, concatenation, a_reshape, resize]
