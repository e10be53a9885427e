"""Windows over images: output sizes, padding, and patches as views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from litefuse.runtime.kernels.base import Array, NodeContext, require

SAME, VALID = 0, 1


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis of a window op: how `out` positions of a dilated window fall on `size`."""

    size: int
    kernel: int
    stride: int
    dilation: int
    out: int
    before: int
    after: int

    @property
    def extent(self) -> int:
        """Input positions that the dilated window spans."""
        return (self.kernel - 1) * self.dilation + 1

    def taps(self, k: int) -> slice:
        """Where tap k of every output position lies on the *padded* axis."""
        start = k * self.dilation
        return slice(start, start + (self.out - 1) * self.stride + 1, self.stride)


@lru_cache(maxsize=1024)
def window_axis(size: int, kernel: int, stride: int, dilation: int, padding: int) -> Axis:
    """TFLite's output size and padding; an odd padding puts the extra element after.

    C's division: a VALID window that is up to a stride too large gives an empty output.
    """
    extent = (kernel - 1) * dilation + 1
    if padding == SAME:
        out = (size + stride - 1) // stride
    else:
        out = int((size + stride - extent) / stride)
    total = max((out - 1) * stride + extent - size, 0)
    return Axis(size, kernel, stride, dilation, out, total // 2, total - total // 2)


def conv_axes(ctx: NodeContext) -> tuple[Axis, Axis]:
    """Rows and columns of a node whose inputs 0 and 1 are an NHWC image and a [_, h, w, _]
    filter.
    """
    x, w = ctx.input(0), ctx.input(1)
    padding = int(ctx.option("padding", SAME))
    return (
        window_axis(
            x.shape[1],
            w.shape[1],
            int(ctx.option("stride_h", 1)),
            int(ctx.option("dilation_h_factor", 1)),
            padding,
        ),
        window_axis(
            x.shape[2],
            w.shape[2],
            int(ctx.option("stride_w", 1)),
            int(ctx.option("dilation_w_factor", 1)),
            padding,
        ),
    )


def pool_axes(ctx: NodeContext) -> tuple[Axis, Axis]:
    """Rows and columns of a pooling node.

    As LiteRT has it, there are no rows of output when a window is not positive or more than a
    stride too high, and neither rows nor columns when it is so wide.
    """
    x = ctx.input(0)
    padding = int(ctx.option("padding", SAME))

    def axis(size: int, letter: str, side: str) -> Axis:
        kernel = int(ctx.option(f"filter_{side}", 1))
        stride = int(ctx.option(f"stride_{letter}", 1))
        require(stride > 0, ctx, f"stride_{letter} {stride} must be positive")
        return window_axis(size, kernel, stride, 1, padding)

    rows, columns = axis(x.shape[1], "h", "height"), axis(x.shape[2], "w", "width")
    if columns.out < 0 or columns.kernel <= 0:
        return replace(rows, out=0), replace(columns, out=0)
    return rows if rows.out >= 0 and rows.kernel > 0 else replace(rows, out=0), columns


def require_output(ctx: NodeContext, *axes: Axis) -> None:
    """KernelError when a window does not fit its image or a stride or dilation is not positive."""
    for axis in axes:
        require(
            axis.stride > 0 and axis.dilation > 0,
            ctx,
            f"stride {axis.stride} and dilation {axis.dilation} must be positive",
        )
        require(
            axis.out > 0 or axis.size == 0,
            ctx,
            f"a window of {axis.extent} does not fit {axis.size} pixels with VALID padding",
        )


def require_window(ctx: NodeContext, *axes: Axis) -> None:
    """KernelError when a VALID window is more than a stride too large for its image, or a SAME one
    needs a padding beyond int16.
    """
    for axis in axes:
        require(axis.before <= 32767, ctx, f"a padding of {axis.before}, the most is 32767")
        require(
            axis.out >= 0,
            ctx,
            f"a window of {axis.extent} does not fit {axis.size} pixels with VALID padding",
        )


def pad_image(x: Array, rows: Axis, columns: Axis, fill: float = 0) -> Array:
    """NHWC with both spatial axes padded so that every tap of every output position exists."""

    def need(axis: Axis) -> tuple[int, int]:
        reach = (axis.out - 1) * axis.stride + axis.extent
        return axis.before, max(reach - axis.before - axis.size, 0)

    pads = ((0, 0), need(rows), need(columns), (0, 0))
    if not any(p for pair in pads for p in pair):
        return x
    return np.pad(x, pads, constant_values=fill)


def patches(x: Array, rows: Axis, columns: Axis, fill: float = 0) -> Array:
    """[n, out_h, out_w, kernel_h, kernel_w, c]: a read-only view of the padded NHWC image."""
    padded = pad_image(x, rows, columns, fill)
    n, _, _, c = padded.shape
    sn, sh, sw, sc = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (n, rows.out, columns.out, rows.kernel, columns.kernel, c),
        (
            sn,
            sh * rows.stride,
            sw * columns.stride,
            sh * rows.dilation,
            sw * columns.dilation,
            sc,
        ),
        writeable=False,
    )
