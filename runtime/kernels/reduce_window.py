"""REDUCE_WINDOW and STABLEHLO_REDUCE_WINDOW: a reduction over strided, dilated windows.

Exact: elements of a window are taken in row-major order, starting from the initial value.  Of the
body of STABLEHLO_REDUCE_WINDOW, which is one op, LiteRT reads no more than the name: ADD, MUL,
MINIMUM, MAXIMUM, LOGICAL_AND or LOGICAL_OR, or StableHLO's own of these, in any type.  Booleans are
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_dtype,
)
from litefuse.runtime.kernels.dilate import spread
from litefuse.runtime.kernels.variables import require_host

_TYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


def _truth(combine: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda a, b: combine(a != 0, b != 0).astype(a.dtype)


# By ReduceWindowFunction's number.
_FUNCTIONS: dict[int, Callable[[Array, Array], Array]] = {
    1: lambda a, b: np.asarray(a + b),
    2: lambda a, b: np.asarray(a * b),
    3: lambda a, b: np.where(a <= b, a, b),
    4: lambda a, b: np.where(a >= b, a, b),
    5: _truth(np.logical_and),
    6: _truth(np.logical_or),
}

_BODIES = {
    "ADD": 1,
    "STABLEHLO_ADD": 1,
    "MUL": 2,
    "STABLEHLO_MULTIPLY": 2,
    "MINIMUM": 3,
    "STABLEHLO_MINIMUM": 3,
    "MAXIMUM": 4,
    "STABLEHLO_MAXIMUM": 4,
    "LOGICAL_AND": 5,
    "STABLEHLO_AND": 5,
    "LOGICAL_OR": 6,
    "STABLEHLO_OR": 6,
}


def _taps(x: Array, shape: Shape, window: Shape, strides: Shape, steps: Shape) -> Iterator[Array]:
    for tap in product(*map(range, window)):
        begin = [t * s for t, s in zip(tap, steps, strict=True)]
        yield x[
            tuple(
                slice(b, b + (n - 1) * s + 1, s)
                for b, n, s in zip(begin, shape, strides, strict=True)
            )
        ]


def _output_shape(shape: Shape, window: Shape, strides: Shape, steps: Shape) -> Shape:
    return tuple(
        max(0, (d - (w - 1) * step - 1) // s + 1)
        for d, w, s, step in zip(shape, window, strides, steps, strict=True)
    )


def _vectors(ctx: NodeContext) -> tuple[Shape, Shape, Shape]:
    window, strides, steps = (tuple(int(v) for v in ctx.data(i)) for i in (2, 3, 4))
    return window, strides, steps


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """How often the dilated window fits each axis; its shape, strides and dilations are
    constants.
    """
    require_inputs(ctx, 5)
    x = ctx.input(0)
    require_rank(ctx, x, 1, 6)
    require_dtype(ctx, x, *_TYPES)
    require_same_dtype(ctx, x, ctx.input(1), ctx.outputs[0])
    for i in (2, 3, 4):
        value = ctx.input(i)
        require(value.data is not None, ctx, f"tensor {value.name!r} must be a constant")
        require_dtype(ctx, value, "int64")
        require(value.shape == (len(x.shape),), ctx, f"{value.shape} does not fit {x.shape}")
        require(bool((ctx.data(i) > 0).all()), ctx, f"tensor {value.name!r} must be positive")
    function = int(ctx.option("reduce_function", 0))
    require(function in _FUNCTIONS, ctx, f"reduce function {function} is not supported")
    return [_output_shape(x.shape, *_vectors(ctx))]


def _reduce(
    function: int, x: Array, start: Array, shape: Shape, vectors: tuple[Shape, Shape, Shape]
) -> Array:
    combine, bytewise = _FUNCTIONS[function], x.dtype == bool
    if bytewise:
        x, start = x.view(np.int8), start.view(np.int8)
    total: Array = np.full(shape, start.ravel()[0], x.dtype)
    if total.size:
        for tap in _taps(x, shape, *vectors):
            total = combine(total, tap)
    return total != 0 if bytewise else total


def evaluate(ctx: NodeContext) -> list[Array]:
    """The node's function from the initial value on."""
    function = int(ctx.option("reduce_function", 0))
    shape = ctx.outputs[0].shape
    return [_reduce(function, ctx.data(0), ctx.data(1), shape, _vectors(ctx))]


def _numbers(ctx: NodeContext, name: str, default: int, count: int) -> Shape:
    given = tuple(int(v) for v in (ctx.option(name) if ctx.option(name) is not None else ()))
    require(len(given) in (0, count), ctx, f"{name} {list(given)} has not {count} numbers")
    return given or (default,) * count


def _geometry(ctx: NodeContext) -> tuple[Shape, Shape, Shape, Shape, list[int], list[int]]:
    """Window, strides, window dilations, base dilations, padding before and after."""
    rank = len(ctx.input(0).shape)
    window = _numbers(ctx, "window_dimensions", 0, rank)  # LiteRT does without any other
    strides = _numbers(ctx, "window_strides", 1, rank)
    steps = _numbers(ctx, "window_dilations", 1, rank)
    base = _numbers(ctx, "base_dilations", 1, rank)
    pads = _numbers(ctx, "padding", 0, 2 * rank)
    for name, vector in (("window", window), ("strides", strides), ("dilations", steps + base)):
        require(min(vector) > 0, ctx, f"{name} {vector} must be positive")
    return window, strides, steps, base, list(pads[::2]), list(pads[1::2])


def prepare_stablehlo(ctx: NodeContext) -> list[Shape | None]:
    """How often the dilated window fits the dilated and padded input."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require_rank(ctx, x, 1, 6)
    require_dtype(ctx, x, *_TYPES)
    require_same_dtype(ctx, x, ctx.input(1), ctx.outputs[0])
    require_host(ctx)
    window, strides, steps, base, low, high = _geometry(ctx)
    inner = tuple((d - 1) * s + 1 for d, s in zip(x.shape, base, strict=True))
    sizes = tuple(d + a + b for d, a, b in zip(inner, low, high, strict=True))
    require(min(inner + sizes) >= 0, ctx, f"{x.shape}, dilated to {inner}, is cut to {sizes}")
    require(
        0 not in sizes or not any(low + high), ctx, f"dilated and padded to {sizes} it is empty"
    )
    return [_output_shape(sizes, window, strides, steps)]


def evaluate_stablehlo(ctx: NodeContext) -> list[Array]:
    """The body's op from the initial value on; dilation and padding give the initial value too."""
    y, host = ctx.outputs[0], require_host(ctx)
    window, strides, steps, base, low, high = _geometry(ctx)
    ops = host.subgraph_ops(int(ctx.option("body_subgraph_index")))
    require(
        len(ops) == 1 and ops[0] in _BODIES,
        ctx,
        f"its body {ops} must be one op of {', '.join(_BODIES)}",
    )
    start = ctx.data(1)
    wide = spread(ctx.data(0), low, high, list(base), start.ravel()[0])
    return [_reduce(_BODIES[ops[0]], wide, start, y.shape, (window, strides, steps))]


KERNELS = (
    Kernel("REDUCE_WINDOW", prepare, evaluate),
    Kernel("STABLEHLO_REDUCE_WINDOW", prepare_stablehlo, evaluate_stablehlo, stateful=True),
)
