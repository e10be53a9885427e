"""Windows over images and filters as matrix products, a tile at a time.

A whole image spread out by its windows, or int8 weights widened to floats, take many times the
memory of what they are made from.  Tiles keep each temporary within `BUDGET` bytes (or one row of
windows, if that takes more), whatever the image, and in the processor's caches besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import Array
from litefuse.runtime.kernels.geometry import Axis

# Less, and what a node frees exceeds what the C library keeps for the next (it hands back what lies
# beyond twice its largest block), whose pages are then faulted in anew; more is no faster.
BUDGET = 3 << 19


@dataclass(frozen=True, slots=True)
class Tile:
    """Output rows `top` up to `bottom` of images `first` up to `last`, ends not included."""

    first: int
    last: int
    top: int
    bottom: int

    def positions(self, rows: Axis, columns: Axis) -> slice:
        """Where its positions lie among those of all images."""
        start = (self.first * rows.out + self.top) * columns.out
        return slice(start, ((self.last - 1) * rows.out + self.bottom) * columns.out)


def image_tiles(images: int, rows: Axis, row_bytes: int, budget: int) -> Iterator[Tile]:
    """All output rows, in order, `budget` bytes at a time: several images whole if they are small,
    else bands of one.
    """
    image_bytes = max(rows.out * row_bytes, 1)
    if image_bytes <= budget:
        step = budget // image_bytes
        for first in range(0, images, step):
            yield Tile(first, min(first + step, images), 0, rows.out)
        return
    step = max(budget // row_bytes, 1)
    for image in range(images):
        for top in range(0, rows.out, step):
            yield Tile(image, image + 1, top, min(top + step, rows.out))


def padded(x: Array, tile: Tile, rows: Axis, columns: Axis, dtype: Any, zero_point: int) -> Array:
    """The part of the NHWC image that the tile's windows see, as `dtype` less the zero point,
    with 0 round it: [images, input rows, input columns, c].
    """
    begin = tile.top * rows.stride - rows.before
    end = (tile.bottom - 1) * rows.stride - rows.before + rows.extent
    low, high = min(max(begin, 0), rows.size), max(min(end, rows.size), 0)
    width = (columns.out - 1) * columns.stride + columns.extent
    used = min(columns.size, width - columns.before)
    part = x[tile.first : tile.last, low : max(high, low), :used]
    if part.shape[1:3] == (end - begin, width) and part.dtype == dtype and zero_point == 0:
        return part
    out = np.zeros((len(part), end - begin, width, x.shape[3]), dtype)
    inner = out[:, low - begin : low - begin + part.shape[1]]
    inner = inner[:, :, columns.before : columns.before + used]
    if zero_point == 0:
        np.copyto(inner, part, casting="unsafe")
    else:
        np.subtract(part, zero_point, out=inner, dtype=dtype, casting="unsafe")
    return out


def window_view(image: Array, out_rows: int, rows: Axis, columns: Axis) -> Array:
    """[n, out_rows, out columns, kernel_h, kernel_w, c] of a padded image, as a view."""
    if rows.kernel == columns.kernel == 1:
        return image[:, :: rows.stride, None, :: columns.stride, None].swapaxes(2, 3)
    sn, sh, sw, sc = image.strides
    return np.lib.stride_tricks.as_strided(
        image,
        (len(image), out_rows, columns.out, rows.kernel, columns.kernel, image.shape[3]),
        (sn, sh * rows.stride, sw * columns.stride, sh * rows.dilation, sw * columns.dilation, sc),
        writeable=False,
    )


def converted(w: Array, dtype: Any, zero_point: int) -> Array:
    """Weights as `dtype` less their zero point; themselves if they are that already."""
    if zero_point == 0:
        return w.astype(dtype, copy=False)
    return np.subtract(w, zero_point, dtype=dtype, casting="unsafe")


def matmul_into(out: Array, x: Array, w: Array, dtype: Any, zero_point: int = 0) -> None:
    """out[m, n] = x[m, k] @ (w[n, k] - zero_point).T in `dtype`, widening some rows of w at a
    time.
    """
    if w.dtype == dtype and zero_point == 0:
        np.matmul(x, w.T, out=out)
        return
    step = max(BUDGET // max(w.shape[1] * np.dtype(dtype).itemsize, 1), 1)
    for n in range(0, len(w), step):
        part = converted(w[n : n + step], dtype, zero_point)
        np.matmul(x, part.T, out=out[:, n : n + step])


def convolve(
    x: Array,
    w: Array,
    axes: tuple[Axis, Axis],
    dtype: Any,
    zero_points: tuple[int, int] = (0, 0),
    out: Array | None = None,
) -> Iterator[tuple[slice, Array]]:
    """Convolve x[n, h, w, c] with w[filters, kernel_h, kernel_w, c / groups], tile by tile.

    Yields (positions, sums): which of the n * out_h * out_w positions, and their sums as an array
    [positions, filters] of `dtype`, which is that part of out[all positions, filters] if `out` is
    given.  `zero_points` are those of x and w.
    """
    rows, columns = axes
    filters, depth = w.shape[0], w.shape[3]
    groups = x.shape[3] // depth
    share = filters // groups
    flat = w.reshape(filters, -1)
    item = np.dtype(dtype).itemsize
    # Widened once where that takes no more than a tile.
    if flat.size * item <= BUDGET:
        flat, zero_points = converted(flat, dtype, zero_points[1]), (zero_points[0], 0)
    row_bytes = columns.out * max(flat.shape[1] * groups, filters) * item
    for tile in image_tiles(len(x), rows, row_bytes, BUDGET):
        image = padded(x, tile, rows, columns, dtype, zero_points[0])
        windows = window_view(image, tile.bottom - tile.top, rows, columns)
        positions = tile.positions(rows, columns)
        count = positions.stop - positions.start
        sums = np.empty((count, filters), dtype) if out is None else out[positions]
        for g in range(groups):
            part = windows[..., g * depth : (g + 1) * depth].reshape(count, flat.shape[1])
            mine = slice(g * share, (g + 1) * share)
            matmul_into(sums[:, mine], part, flat[mine], dtype, zero_points[1])
        yield positions, sums


def convolve_depthwise(
    x: Array,
    w: Array,
    axes: tuple[Axis, Axis],
    zero_point: int = 0,
    out: Array | None = None,
) -> Iterator[tuple[slice, Array]]:
    """Convolve each channel of x[n, h, w, c] with its own w[kernel_h, kernel_w, c * multiplier].

    As `convolve`, in the type of w; the taps are added in their order.
    """
    rows, columns = axes
    channels = w.shape[2]
    multiplier = channels // x.shape[3]
    taps = w.reshape(*w.shape[:2], x.shape[3], multiplier) if multiplier > 1 else w
    row_bytes = columns.out * channels * w.itemsize
    for tile in image_tiles(len(x), rows, row_bytes, BUDGET // 2):
        image = padded(x, tile, rows, columns, w.dtype, zero_point)
        if multiplier > 1:
            image = image[..., None]
        positions = tile.positions(rows, columns)
        shape = (tile.last - tile.first, tile.bottom - tile.top, columns.out, *taps.shape[2:])
        count = positions.stop - positions.start
        sums = np.empty((count, channels), w.dtype) if out is None else out[positions]
        total, product = sums.reshape(shape), np.empty(shape, w.dtype)
        total[...] = 0
        for i in range(rows.kernel):
            start = i * rows.dilation
            band = image[:, start : start + (shape[1] - 1) * rows.stride + 1 : rows.stride]
            for j in range(columns.kernel):
                np.multiply(band[:, :, columns.taps(j)], taps[i, j], out=product)
                total += product
        yield positions, sums
