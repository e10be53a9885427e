"""DILATE and STABLEHLO_PAD: elements moved apart, edges padded or cut."""

from __future__ import annotations

from typing import Any

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
    require_same_type,
)


def spread(x: Array, low: list[int], high: list[int], steps: list[int], fill: Any) -> Array:
    """`x` with `steps[i] - 1` fills between two elements of axis i and `low`, `high` at its ends.

    Negative ends cut off what is there, fills between elements included.
    """
    inner = np.full([max(0, (d - 1) * s + 1) for d, s in zip(x.shape, steps, strict=True)], fill)
    inner = inner.astype(x.dtype)
    inner[tuple(slice(None, None, s) for s in steps)] = x
    padded = np.pad(
        inner,
        [(max(0, a), max(0, b)) for a, b in zip(low, high, strict=True)],
        constant_values=fill,
    )
    cut = tuple(
        slice(max(0, -a), n - max(0, -b)) for a, b, n in zip(low, high, padded.shape, strict=True)
    )
    return np.ascontiguousarray(padded[cut])


def _dilations(ctx: NodeContext) -> list[int]:
    x, steps = ctx.input(0), ctx.input(1)
    require_dtype(ctx, steps, "int32")
    require(steps.shape == (len(x.shape),), ctx, f"{steps.shape} dilations for input {x.shape}")
    found = [int(s) for s in ctx.data(1)]
    require(min(found) >= 1, ctx, f"dilations {found} must be at least 1")
    return found


def prepare_dilate(ctx: NodeContext) -> list[Shape | None]:
    """(d - 1) * dilation + 1 for each axis."""
    require_inputs(ctx, 3)
    x = ctx.input(0)
    require(len(x.shape) > 0, ctx, "needs a rank of at least 1")
    require_same_type(ctx, x, ctx.input(2), ctx.outputs[0])
    require(not x.dtype.hasobject, ctx, f"tensor {x.name!r} holds strings")
    if ctx.input(1).data is None:
        return [None]
    shape = tuple((d - 1) * s + 1 for d, s in zip(x.shape, _dilations(ctx), strict=True))
    require(min(shape) >= 0, ctx, f"an empty axis of {x.shape} cannot be dilated")
    return [shape]


def evaluate_dilate(ctx: NodeContext) -> list[Array]:
    """The padding value between the elements."""
    x, rank = ctx.data(0), ctx.data(0).ndim
    zero = [0] * rank
    return [spread(x, zero, zero, _dilations(ctx), ctx.data(2).ravel()[0])]


def _pads(ctx: NodeContext) -> tuple[list[int], list[int], list[int]]:
    rank = len(ctx.input(0).shape)
    names = ("edge_padding_low", "edge_padding_high", "interior_padding")
    low, high, interior = ([int(v) for v in ctx.option(name, ())] for name in names)
    for name, pads in zip(names, (low, high, interior), strict=True):
        require(len(pads) == rank, ctx, f"{name} {pads} does not fit rank {rank}")
    require(min(interior, default=0) >= 0, ctx, f"interior padding {interior} is negative")
    return low, high, interior


def prepare_pad(ctx: NodeContext) -> list[Shape | None]:
    """Each axis with its edges and interior; all zero when one is not positive."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require_rank(ctx, x, 1, 8)
    require_same_type(ctx, x, ctx.input(1), ctx.outputs[0])
    require(not x.dtype.hasobject, ctx, f"tensor {x.name!r} holds strings")
    low, high, interior = _pads(ctx)
    sizes = tuple(
        d + max(d - 1, 0) * i + a + b
        for d, a, b, i in zip(x.shape, low, high, interior, strict=True)
    )
    return [sizes if min(sizes) > 0 else (0,) * len(sizes)]


def evaluate_pad(ctx: NodeContext) -> list[Array]:
    """The padding value at the edges and between the elements."""
    x, y = ctx.data(0), ctx.outputs[0]
    if 0 in y.shape:
        return [np.zeros(y.shape, x.dtype)]
    low, high, interior = _pads(ctx)
    return [spread(x, low, high, [i + 1 for i in interior], ctx.data(1).ravel()[0])]


KERNELS = (
    Kernel("DILATE", prepare_dilate, evaluate_dilate),
    Kernel("STABLEHLO_PAD", prepare_pad, evaluate_pad),
)
