"""SOFTMAX and LOG_SOFTMAX over the last axis: float32, int8, uint8; SOFTMAX also float16 and int16.

SOFTMAX of float16 works in float32, but rounds what it divides by the sum (found by running it).

Float bounds.  The argument of exp is the same on both sides, exp within 2 ulp (4 roundings), and
the sum of n of them does not cancel: SOFTMAX is relative, n + 10 roundings.  In LOG_SOFTMAX the
sum's relative error becomes the logarithm's absolute one: n + 8 roundings of 1, and 4 of each of
|y| and the logarithm (at most log n).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_dtype,
)
from litefuse.runtime.kernels.bounds import gamma, relative, rounded
from litefuse.runtime.kernels.gemmlowp import log_softmax_rows, softmax_int8_table, softmax_rows
from litefuse.runtime.kernels.int16_tables import softmax_int16


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_rank(ctx, x, 1, 8)
    require_dtype(ctx, x, "float32", "float16", "int8", "uint8", "int16")
    kinds = (x.dtype, np.dtype(np.int16)) if x.dtype.itemsize == 1 else (x.dtype,)
    require(y.dtype in kinds, ctx, f"output type {y.dtype} does not go with input type {x.dtype}")
    if x.dtype.kind != "f":
        x.scale  # noqa: B018 - raises when absent
    if x.dtype.kind == "i" and x.dtype == y.dtype:
        point, step = (-128, 1 / 256) if x.dtype == np.int8 else (0, 1 / 32768)
        fits = y.zero_point == point and abs(y.scale - step) <= 1e-3 * step
        found = f"has {y.zero_point} and {y.scale}"
        require(fits, ctx, f"output needs zero point {point} and scale {step}, {found}")
        zero = x.dtype == np.int8 or x.zero_point == 0
        require(zero, ctx, f"int16 input needs zero point 0, has {x.zero_point}")
    return [x.shape]


# Elements that go through float64 at a time.
_CHUNK = 1 << 18


def _exponentials(x: Array, beta: float) -> tuple[Array, Array]:
    """exp(beta * (x - the row's largest)), and the sum of each row in its order."""
    e = (x - x.max(axis=-1, keepdims=True)) * np.float32(beta)
    flat = e.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        part[...] = accurate.exp(part)
    return e, accurate.ordered_sum(e, (e.ndim - 1,))[..., None]


def evaluate(ctx: NodeContext) -> list[Array]:
    """exp(beta * x) / sum(exp(beta * x)) along the last axis."""
    x, xv, yv = ctx.data(0), ctx.input(0), ctx.outputs[0]
    beta = float(ctx.option("beta", 0.0))
    if x.size == 0:
        return [np.zeros(x.shape, yv.dtype)]
    if x.dtype.kind == "f":
        e, total = _exponentials(x.astype(np.float32), beta)
        return [(e.astype(x.dtype) / total).astype(x.dtype)]
    if x.dtype == np.int16:
        return [softmax_int16(x, beta, xv.scale)]
    table = ctx.memo("table", lambda: softmax_int8_table(beta, xv.scale))
    diff = x.max(axis=-1, keepdims=True).astype(np.int32) - x
    return [softmax_rows(table[diff], yv.dtype)]


def prepare_log(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, x, "float32", "int8", "uint8")
    if x.dtype.kind != "f":
        x.scale  # noqa: B018 - raises when absent
        most = int(np.iinfo(x.dtype).max)
        fits = (y.scale, y.zero_point) == (1 / 16, most)
        found = f"has {y.scale} and {y.zero_point}"
        require(fits, ctx, f"output needs scale 1/16 and zero point {most}, {found}")
    return [x.shape]


def evaluate_log(ctx: NodeContext) -> list[Array]:
    """x - log(sum(exp(x))) along the last axis."""
    x = ctx.data(0)
    if x.size == 0:
        return [np.zeros(x.shape, x.dtype)]
    if x.dtype.kind != "f":
        return [log_softmax_rows(x, ctx.input(0).scale)]
    shifted = x - x.max(axis=-1, keepdims=True)
    return [shifted - accurate.log(_exponentials(x, 1.0)[1])]


def _allowed_log(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    n = max(ctx.input(0).shape[-1:], default=1)
    of_sum = 2.0 * gamma(n + 8)
    return [of_sum + rounded(4, np.abs(y) + np.log(max(n, 1))) for y in outputs]


# A rounding to float16 is 2**13 of float32.
_SOFTMAX = relative(
    "relative, n + 10 roundings, n = the last axis (float16: 2^14 more)",
    lambda ctx: ctx.input(0).shape[-1] + 10 + 2**14 * (ctx.input(0).dtype == np.float16),
)
_LOG_SOFTMAX = Bound(
    "(n + 8) roundings of 1 and 4 of abs(y) + log n, n = the last axis", _allowed_log
)

KERNELS = (
    Kernel("SOFTMAX", prepare, evaluate, bound=_SOFTMAX),
    Kernel("LOG_SOFTMAX", prepare_log, evaluate_log, bound=_LOG_SOFTMAX),
)
