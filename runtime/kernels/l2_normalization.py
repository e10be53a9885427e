"""L2_NORMALIZATION over the last axis: float32, int8 and uint8.

Float bound: a sum of n squares (nothing cancels), of which the root halves the relative error, a
root and a division: relative, n / 2 + 3 roundings.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.accurate import ordered_sum
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
from litefuse.runtime.kernels.bounds import relative
from litefuse.runtime.kernels.fixed_point import mbqm


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 1)
    x, y = ctx.input(0), ctx.outputs[0]
    require_rank(ctx, x, 1, 4)
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, x, "float32", "int8", "uint8")
    if x.dtype.kind != "f":
        zero = 0 if x.dtype == np.int8 else 128
        require(
            (y.scale, y.zero_point) == (1 / 128, zero),
            ctx,
            f"output needs scale 1/128 and zero point {zero}",
        )
    return [x.shape]


def inverse_square_root(value: int) -> tuple[int, int]:
    """(q, shift) of 1 / sqrt(value) in the reference's fixed point: five Newton steps in Q3."""
    if value <= 1:
        return (1 << 31) - 1, 0
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    headroom = 31 - value.bit_length()  # free bits below the sign
    pairs = headroom // 2 - 1
    shift -= pairs
    value <<= 2 * pairs

    def multiply(a: int, b: int) -> int:
        return (a * b + (1 << 30)) >> 31

    half = ((value >> 1) + 1) >> 1  # half of value / 2 in Q3, rounded
    x = 1 << 28  # one in Q3
    for _ in range(5):
        cube = _rescale(multiply(multiply(x, x), x), 6)
        x = _rescale(multiply(3 << 27, x) - multiply(half, cube), 3)
    x = multiply(x, 1518500250)  # sqrt(2) / 2
    if shift < 0:
        x <<= -shift
        shift = 0
    return x, shift


def _rescale(x: int, bits: int) -> int:
    return max(min(x << bits, (1 << 31) - 1), -(1 << 31))


def evaluate(ctx: NodeContext) -> list[Array]:
    """x / sqrt(sum(x * x)) along the last axis."""
    xv, yv, x = ctx.input(0), ctx.outputs[0], ctx.data(0)
    if x.dtype.kind == "f":
        norm = np.sqrt(ordered_sum(np.square(x), (x.ndim - 1,)))[..., None]
        return [x / np.maximum(norm, np.float32(1e-6))]
    if x.size == 0:
        return [np.empty(x.shape, x.dtype)]
    rows = (x.astype(np.int64) - xv.zero_point).reshape(-1, x.shape[-1])
    info = np.iinfo(x.dtype)
    out = np.empty(rows.shape, x.dtype)
    for row, target in zip(rows, out, strict=True):
        q, shift = inverse_square_root(int((row * row).sum()))
        # The factor of 128 is in the shift for int8 and in the data for uint8.
        scaled = mbqm(row, q, 7 - shift) if x.dtype == np.int8 else mbqm(row * 128, q, -shift)
        value = scaled + yv.zero_point
        target[:] = np.clip(value, info.min, info.max)
    return [out.reshape(x.shape)]


_BOUND = relative(
    "relative, n / 2 + 3 roundings, n = the last axis", lambda ctx: ctx.input(0).shape[-1] / 2 + 3
)

KERNELS = (Kernel("L2_NORMALIZATION", prepare, evaluate, bound=_BOUND),)
