"""RFFT2D, REAL, IMAG and COMPLEX_ABS.

Float tolerance: 1e-5 of the output's range for the transform, 2 ulp for the absolute value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    size = tuple(int(d) for d in ctx.data(1))
    return [np.fft.rfft2(ctx.data(0), s=size, axes=(-2, -1)).astype(np.complex64)]


def _prepare_part(ctx: NodeContext) -> list[Shape | None]:
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "complex64", "complex128")
    return [ctx.input(0).shape]


def _evaluate_part(ctx: NodeContext, part: Callable[[Array], Any]) -> list[Array]:
    return [np.array(part(ctx.data(0)), ctx.outputs[0].dtype)]


KERNELS = (
    Kernel("RFFT2D", prepare_rfft2d, evaluate_rfft2d, range_tolerance=1e-5),
    Kernel("REAL", _prepare_part, partial(_evaluate_part, part=np.real)),
    Kernel("IMAG", _prepare_part, partial(_evaluate_part, part=np.imag)),
    Kernel("COMPLEX_ABS", _prepare_part, partial(_evaluate_part, part=np.abs), ulp=2),
)
