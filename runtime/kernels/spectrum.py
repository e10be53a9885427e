"""RFFT2D, REAL, IMAG and COMPLEX_ABS.

Float bounds.  The transform is in double precision on both sides: 1 ulp of the rounding to float
and 4 log2(n) roundings (2**-53) of sum |x| over the n transformed elements, through as many levels
of butterflies.  The absolute value 1 ulp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
)


def prepare_rfft2d(ctx: NodeContext) -> list[Shape | None]:
    """The last two axes replaced by those of the transform, of which half the last is kept."""
    require_inputs(ctx, 2)
    x, size = ctx.input(0), ctx.input(1)
    require_dtype(ctx, x, "float32")
    require_dtype(ctx, ctx.outputs[0], "complex64")
    require_dtype(ctx, size, "int32")
    require(len(x.shape) >= 2, ctx, f"input shape {x.shape} has no two axes")
    require(size.shape == (2,), ctx, f"fft_length has shape {size.shape}, needs (2,)")
    if size.data is None:
        return [None]
    rows, columns = (int(d) for d in size.data)
    for d in (rows, columns):
        require(d > 0 and d & (d - 1) == 0, ctx, f"fft_length {d} is not a power of two")
    return [(*x.shape[:-2], rows, columns // 2 + 1)]


def evaluate_rfft2d(ctx: NodeContext) -> list[Array]:
    """The two-dimensional Fourier transform of real data, zero-padded or cut to fft_length."""
    rows, columns = (int(d) for d in ctx.data(1))
    x = ctx.data(0).astype(np.float64)
    if columns == 1:
        return [_one_column(x, rows).astype(np.complex64)]
    return [np.fft.rfft2(x, s=(rows, columns), axes=(-2, -1)).astype(np.complex64)]


def _one_column(x: Array, rows: int) -> Array:
    """What LiteRT's algorithm, which begins at two columns, makes of one (no transform)."""
    column = x[..., :rows, 0]
    out = np.zeros((*column.shape, 1), np.complex128)
    middle = rows // 2
    out[..., middle, 0] = column[..., middle]
    out[..., 0, 0] = column[..., 0] * (1 - 1j)
    i = np.arange(1, middle)
    mean = 0.5 * (column[..., i] + column[..., rows - i])
    out[..., i, 0], out[..., rows - i, 0] = mean * (1 - 1j), mean * (1 + 1j)
    return out


def _prepare_part(ctx: NodeContext) -> list[Shape | None]:
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "complex64", "complex128")
    return [ctx.input(0).shape]


def _evaluate_part(ctx: NodeContext, part: Callable[[Array], Any]) -> list[Array]:
    return [np.array(part(ctx.data(0)), ctx.outputs[0].dtype)]


def _absolute(x: Array) -> Array:
    wide = x.astype(np.complex128)  # NumPy's own in float32 is 2 ulp off
    return np.asarray(np.abs(wide))


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    rows, columns = (int(d) for d in ctx.data(1))
    kept = np.abs(ctx.data(0)[..., :rows, :columns]).astype(np.float64)
    levels = 4.0 * np.log2(max(rows * columns, 2))
    return [2 * levels * 2.0**-53 * kept.sum(axis=(-2, -1), keepdims=True)]


_BOUND = Bound("1 ulp + 4 log2(n) roundings of a double of sum abs(x)", _allowed)

KERNELS = (
    Kernel("RFFT2D", prepare_rfft2d, evaluate_rfft2d, ulp=1, bound=_BOUND),
    Kernel("REAL", _prepare_part, partial(_evaluate_part, part=np.real)),
    Kernel("IMAG", _prepare_part, partial(_evaluate_part, part=np.imag)),
    Kernel("COMPLEX_ABS", _prepare_part, partial(_evaluate_part, part=_absolute), ulp=1),
)
