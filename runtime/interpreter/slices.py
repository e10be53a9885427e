"""Nodes that work element by element, or row by row, evaluated a slice at a time.

Kernels write their arithmetic down on whole arrays, and quantised arithmetic takes some ten
temporaries of eight bytes an element.  Where each element of the result depends on no element of
another row, the interpreter hands the kernel some rows at a time: the temporaries stay small, and
in the processor's caches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from litefuse.runtime.kernels import Kernel, NodeContext, TensorValue
from litefuse.runtime.kernels.base import Array, Shape

# Elements of a slice: about 2 MiB of int64 temporaries, or of a few of floats.
_INTEGERS, _FLOATS = 1 << 15, 1 << 17

# Result and inputs have one shape, or are broadcast to it.
_ELEMENTWISE = frozenset(
    {
        "ABS",
        "ADD",
        "CAST",
        "COS",
        "DEQUANTIZE",
        "DIV",
        "ELU",
        "EQUAL",
        "EXP",
        "FAKE_QUANT",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "GELU",
        "GREATER",
        "GREATER_EQUAL",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LESS",
        "LESS_EQUAL",
        "LOG",
        "LOGISTIC",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "NEG",
        "NOT_EQUAL",
        "PRELU",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "ROUND",
        "RSQRT",
        "SELECT_V2",
        "SIN",
        "SQRT",
        "SQUARE",
        "SQUARED_DIFFERENCE",
        "SUB",
        "TANH",
    }
)
# Each row along the last axis depends on that row of the input alone.
_ROWS = frozenset({"LOG_SOFTMAX", "SOFTMAX"})
ROW_BY_ROW = _ELEMENTWISE | _ROWS


@dataclass(frozen=True, slots=True)
class Slicing:
    """Slices of `step` along an axis of the output, which has `size`; an input is cut at the axis
    in `axes`, or taken whole where that is None.  `shapes` are the inputs' shapes.
    """

    axis: int
    size: int
    step: int
    axes: tuple[int | None, ...]
    shapes: tuple[Shape, ...]


def slicing(op: str, context: NodeContext) -> Slicing | None:
    """How to cut the node; None for an op that cannot be cut, and for a small result.

    All shapes must be known.
    """
    if op not in ROW_BY_ROW:
        return None
    if len(context.outputs) != 1 or None in context.inputs:
        return None
    output, inputs = context.outputs[0], [v for v in context.inputs if v is not None]
    integers = any(v.dtype.kind != "f" for v in (output, *inputs))
    limit = _INTEGERS if integers else _FLOATS
    count = math.prod(output.shape)
    if count <= limit or any(v.dtype.hasobject for v in (output, *inputs)):
        return None
    rank = len(output.shape)
    axis = next(i for i, d in enumerate(output.shape) if d > 1)
    if op in _ROWS and axis == rank - 1:
        return None
    axes: list[int | None] = []
    for value in inputs:
        own = axis - (rank - len(value.shape))
        axes.append(own if own >= 0 and value.shape[own] > 1 else None)
    size = output.shape[axis]
    step = max(limit // (count // size), 1)
    per_channel = any(_channels_at(v, a) for v, a in zip(inputs, axes, strict=True))
    if per_channel or _channels_at(output, axis):
        return None
    return Slicing(axis, size, step, tuple(axes), tuple(v.shape for v in inputs))


def _channels_at(value: TensorValue, axis: int | None) -> bool:
    """Whether the tensor has a scale for each index of that axis."""
    q = value.tensor.quantization
    many = q is not None and q.scale is not None and len(q.scale) > 1
    return many and axis is not None and axis == q.quantized_dimension  # type: ignore[union-attr]


def evaluate_slices(kernel: Kernel, context: NodeContext, how: Slicing) -> list[Array]:
    """What `kernel.run` gives for the whole node.

    Arrays of another shape than was planned (what follows a delegate's node may turn out so) go to
    the kernel whole.
    """
    found = tuple(None if v is None or v.data is None else v.data.shape for v in context.inputs)
    if found != how.shapes:
        return kernel.run(context)
    out = context.out()
    for begin in range(0, how.size, how.step):
        part = slice(begin, min(begin + how.step, how.size))
        inputs = [
            value if value is None or axis is None else _cut(value, axis, part)
            for value, axis in zip(context.inputs, how.axes, strict=True)
        ]
        target = out[(slice(None),) * how.axis + (part,)]
        result = TensorValue(context.outputs[0].tensor, target.shape, None, memory=target)
        some = NodeContext(context.op, inputs, [result], context.state, context.host)
        (made,) = kernel.run(some)
        if made is not target:
            np.copyto(target, made)
    return [out]


def _cut(value: TensorValue, axis: int, part: slice) -> TensorValue:
    assert value.data is not None
    data = value.data[(slice(None),) * axis + (part,)]
    return TensorValue(value.tensor, data.shape, data, value.constant, value.block_scales)
