"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: NHWC.

Nearest takes any type of 1, 2 or 4 bytes, and align_corners together with half_pixel_centers; so
does bilinear where the size is no constant, for LiteRT looks at them together with a constant size;
but it then reads pixels past the image's end, which we refuse.
Float results are equal: four products, added in the reference's order; nearest copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_inputs,
    require_rank,
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.fixed_point import round_half_away

_MOVED: Final = (
    *("float32", "float16", "bfloat16", "int8", "uint8", "int16", "uint16"),
    *("int32", "uint32", "bool"),
)
_ELEMENTS: Final = 1 << 16  # of the result, blended at a time


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[n, new_h, new_w, c] with the sizes that input 1 gives."""
    require_inputs(ctx, 2)
    x, size = ctx.input(0), ctx.input(1)
    require_rank(ctx, x, 4)
    require_rank(ctx, size, 1)
    require(size.shape == (2,), ctx, f"size has shape {size.shape}, needs (2,)")
    require_type(ctx, x, *_MOVED)
    require_same_type(ctx, x, ctx.outputs[0])
    require_type(ctx, size, "int32")
    if size.data is None:
        return [None]
    height, width = (int(d) for d in size.data)
    require(height >= 0 and width >= 0, ctx, f"size {height}x{width} must not be negative")
    return [(x.shape[0], height, width, x.shape[3])]


def _prepare_bilinear(ctx: NodeContext) -> list[Shape | None]:
    require_type(ctx, ctx.input(0), "float32", "int8", "uint8", "int16")
    both = ctx.option("align_corners", False) and ctx.option("half_pixel_centers", False)
    require(
        not (both and ctx.input(1).constant),
        ctx,
        "align_corners and half_pixel_centers exclude each other",
    )
    shapes = prepare(ctx)
    require(shapes[0] is None or 0 not in shapes[0][1:3], ctx, f"size {shapes[0]} is empty")
    return shapes


def _nearest(size: int, out: int, align: bool, half: bool) -> Array:
    """Source index of each output position, in float32 as the reference computes it."""
    f32 = np.float32
    scale = f32(size - 1) / f32(out - 1) if align and out > 1 else f32(size) / f32(out)
    position = (np.arange(out).astype(f32) + f32(0.5 if half else 0.0)) * scale
    index = round_half_away(position) if align else np.floor(position)
    return np.clip(index.astype(np.int64), 0, size - 1)


def evaluate_nearest(ctx: NodeContext) -> list[Array]:
    """Each output pixel copied from the nearest input pixel."""
    x = ctx.data(0)
    if 0 in ctx.outputs[0].shape:
        return [ctx.out()]
    require(x.size > 0, ctx, f"an image of shape {x.shape} has no pixels to take")
    _, height, width, _ = ctx.outputs[0].shape
    align = bool(ctx.option("align_corners", False))
    half = bool(ctx.option("half_pixel_centers", False))
    rows = _nearest(x.shape[1], height, align, half)
    columns = _nearest(x.shape[2], width, align, half)
    out = ctx.out()
    for part in _bands(out):
        out[:, part] = x[:, rows[part]][:, :, columns]
    return [out]


def _bands(out: Array) -> Iterator[slice]:
    """Bands of output rows, so that what a blend takes besides the result stays small."""
    step = max(_ELEMENTS // max(out[:, :1].size, 1), 1)
    return (slice(top, top + step) for top in range(0, out.shape[1], step))


@dataclass(frozen=True, slots=True)
class _Blend:
    """Per output position: the two source indices and the weight of each."""

    low: Array
    high: Array
    low_weight: Array
    high_weight: Array

    def part(self, positions: slice) -> _Blend:
        """Some of the positions."""
        low, high = self.low[positions], self.high[positions]
        return _Blend(low, high, self.low_weight[positions], self.high_weight[positions])


def _float_blend(size: int, out: int, align: bool, half: bool) -> _Blend:
    f32 = np.float32
    scale = f32(size - 1) / f32(out - 1) if align and out > 1 else f32(size) / f32(out)
    v = np.arange(out).astype(f32)
    p = (v + f32(0.5)) * scale - f32(0.5) if half else v * scale
    low = np.maximum(np.floor(p), 0).astype(np.int64)
    high = np.minimum(np.ceil(p).astype(np.int64), size - 1)
    return _Blend(low, high, f32(1) - (p - low.astype(f32)), p - low.astype(f32))


def _integer_blend(size: int, out: int, align: bool, half: bool) -> _Blend:
    """As `_float_blend`, in 10-bit fixed point."""
    scale = (1024 * size + out // 2) // out
    if align and out > 1:
        scale = (1024 * (size - 1) + (out - 1) // 2) // (out - 1)
    p = np.arange(out, dtype=np.int64) * scale
    if half:
        p = p + scale // 2 - 512
    low = np.maximum(np.trunc(p / 1024).astype(np.int64), 0)
    high = np.minimum(np.trunc((p + 1023) / 1024).astype(np.int64), size - 1)
    fraction = p - 1024 * low
    return _Blend(low, high, 1024 - fraction, fraction)


def _blend(x: Array, rows: _Blend, columns: _Blend) -> Array:
    """Each pixel times its row's weight, then its column's; four such added: the reference's order,
    which uint8 shows.
    """

    def weighted(row: Array, weight: Array) -> Array:
        picked = np.take(x, row, axis=1).astype(weight.dtype, copy=False)
        return np.asarray(picked * weight[:, None, None])

    def part(band: Array, column: Array, weight: Array) -> Array:
        picked = np.take(band, column, axis=2)
        picked *= weight[:, None]
        return picked

    low, high = weighted(rows.low, rows.low_weight), weighted(rows.high, rows.high_weight)
    total = part(low, columns.low, columns.low_weight)
    total += part(high, columns.low, columns.low_weight)
    total += part(low, columns.high, columns.high_weight)
    total += part(high, columns.high, columns.high_weight)
    return total


def evaluate_bilinear(ctx: NodeContext) -> list[Array]:
    """Each output pixel blended from four input pixels."""
    x = ctx.data(0)
    if 0 in ctx.outputs[0].shape:
        return [ctx.out()]
    require(x.size > 0, ctx, f"an image of shape {x.shape} has no pixels to take")
    _, height, width, _ = ctx.outputs[0].shape
    align = bool(ctx.option("align_corners", False))
    half = bool(ctx.option("half_pixel_centers", False))
    # The reference blends uint8 in float32 and rounds; int8 and int16 in 10-bit fixed point.
    in_float = x.dtype.kind == "f" or x.dtype == np.uint8
    make = _float_blend if in_float else _integer_blend
    rows = make(x.shape[1], height, align, half)
    columns = make(x.shape[2], width, align, half)
    for axis, blend in ((1, rows), (2, columns)):
        require(int(blend.low.max()) < x.shape[axis], ctx, "reads past the end of the image")
    out = ctx.out()
    for part in _bands(out):
        total = _blend(x, rows.part(part), columns)
        if x.dtype.kind == "f":
            out[:, part] = total
        elif in_float:
            out[:, part] = (total + np.float32(0.5)).astype(x.dtype)
        else:
            # C division truncates toward zero after half is added away from it.
            up, down = (total + (1 << 19)) >> 20, -((-total + (1 << 19)) >> 20)
            out[:, part] = np.where(total > 0, up, down)
    return [out]


KERNELS = (
    Kernel("RESIZE_NEAREST_NEIGHBOR", prepare, evaluate_nearest),
    Kernel("RESIZE_BILINEAR", _prepare_bilinear, evaluate_bilinear),
)
