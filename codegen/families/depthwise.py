"""Depthwise convolutions: each input vector is read once and used by every output of the tile that
it reaches.

Integers are multiplied and summed as float32: |x| <= 255 and |w| <= 127 keep every partial sum
below 2^24, so the sums are exact whatever their order (`exact_in_float` proves it from the actual
weights).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litefuse.codegen.families.code import Code, Index
from litefuse.codegen.families.epilogue import Extra, extras_of, init_of, inline
from litefuse.codegen.families.image import Image
from litefuse.codegen.families.lowering import (
    KernelWriter,
    Lowering,
    Step,
    extra_operands,
    split,
)
from litefuse.codegen.names import tile_name
from litefuse.codegen.schedule import DepthwiseSchedule
from litefuse.compiler.ir.core import IRError, Operation, Value
from litefuse.compiler.ir.types import F32, I32, vector


def exact_in_float(weights: npt.NDArray[np.generic], largest: int) -> bool:
    """Whether sums of x * w with |x| <= largest are exact in float32. `weights`: [1, kh, kw,
    channels]."""
    total = np.abs(weights.astype(np.int64)).sum(axis=(0, 1, 2))
    return int(total.max(initial=0)) * largest < 1 << 24


def lower(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a depthwise convolution."""
    x, w = op.operands[:2]
    schedule = DepthwiseSchedule.of(op["schedule"]["tile"])
    image_x, image_out = low.image(x), low.image(op.result)
    kh, kw = op["w_shape"][1:3]
    lanes = schedule.blocks.vectors or schedule.blocks.tail
    tile = tile_name(schedule.rows, schedule.columns, lanes)
    spec = low.name(image_x.dtype, f"depthwise{kh}x{kw}s{op['strides'][0]}", tile)
    writer = low.begin(
        spec, op, [(x, "in"), (w, "weight"), *extra_operands(op, 2), (op.result, "out")]
    )
    trip = _tile_of(op, low, writer).write(writer.begin, writer.end)
    return [writer.done(trip, image_out.n * image_out.h * image_out.w * image_out.c * kh * kw)]


def rows(op: Operation, low: Lowering, writer: KernelWriter) -> Callable[[Index, Index], None]:
    """Writes code for output rows [first, last) of a single image into a kernel with other ops."""
    return _tile_of(op, low, writer).write_rows


def _tile_of(op: Operation, low: Lowering, writer: KernelWriter) -> _Depthwise:
    x, w = op.operands[:2]
    return _Depthwise(
        writer.code,
        op,
        low.image(x),
        low.image(op.result),
        DepthwiseSchedule.of(op["schedule"]["tile"]),
        writer.pointers[x],
        writer.pointers[w],
        writer.pointers[op.result],
        extras_of(op, 2, low.buffers, writer.pointers),
        init_of(op, writer.pointers),
    )


@dataclass
class _Depthwise:
    code: Code
    op: Operation
    x: Image
    out: Image
    s: DepthwiseSchedule
    x_ptr: Value
    w_ptr: Value
    out_ptr: Value
    extras: list[Extra]
    init: Value | None

    def write(self, begin: Value, end: Value) -> int:
        code, s, out = self.code, self.s, self.out
        rows = -(-out.h // s.rows)

        def unit(u: Index, _: list[Value]) -> Sequence[Value]:
            image, t = split(code, u, rows)
            y = code.mul(t, s.rows)
            if out.h % s.rows:
                y = code.least(y, out.h - s.rows)
            self._row(image, y)
            return ()

        code.loop(begin, end, 1, (), unit)
        return out.n * rows

    def write_rows(self, first: Index, last: Index) -> None:
        """Output rows [first, last) of the only image, a row at a time."""
        if self.s.rows != 1 or self.out.n != 1:
            raise IRError("a contraction of a group is scheduled by single rows of one image")

        def row(y: Index, _: list[Value]) -> Sequence[Value]:
            self._row(0, y)
            return ()

        self.code.loop(first, last, 1, (), row)

    def _row(self, image: Index, y: Index) -> None:
        """One row of tiles."""
        code, s, out = self.code, self.s, self.out

        def column(c: Index, _: list[Value]) -> Sequence[Value]:
            first = code.mul(c, s.columns)
            if out.w % s.columns:
                first = code.least(first, out.w - s.columns)
            self._blocks(image, y, first)
            return ()

        code.loop(0, -(-out.w // s.columns), 1, (), column)

    def _blocks(self, image: Index, y: Index, x: Index) -> None:
        b = self.s.blocks

        def full(i: Index, _: list[Value]) -> Sequence[Value]:
            self._tile(image, y, x, self.code.mul(i, b.width), b.vectors, b.vectors)
            return ()

        self.code.loop(0, b.full, 1, (), full)
        if b.tail:
            self._tile(image, y, x, b.tail_start, b.tail, b.stored(True))

    def _tile(
        self,
        image: Index,
        y: Index,
        x: Index,
        channel: Index,
        lanes: Sequence[int],
        stored: Sequence[int],
    ) -> None:
        code, op, s = self.code, self.op, self.s
        kh, kw = op["w_shape"][1:3]
        (sh, sw), (dh, dw) = op["strides"], op["dilations"]
        top, _, left, _ = op["pad"]
        padded = s.blocks.padded
        base = code.offset(
            self.x.origin - top * self.x.row - left * self.x.c,
            (image, self.x.image),
            (y, sh * self.x.row),
            (x, sw * self.x.c),
        )
        at = 0
        for n, count in zip(lanes, stored, strict=True):
            first = code.add(channel, at)
            at += n
            if count == 0:
                continue
            start = (
                None
                if self.init is None
                else code.load(self.init, first, vector(n, F32), invariant=True)
            )
            acc: list[Value | None] = [start] * (s.rows * s.columns)
            weights: dict[tuple[int, int], Value] = {}
            reach: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
            for p in range(s.rows * s.columns):
                py, px = divmod(p, s.columns)
                for ky in range(kh):
                    for kx in range(kw):
                        reach.setdefault((py * sh + ky * dh, px * sw + kx * dw), []).append(
                            (p, ky, kx)
                        )
            for iy, ix in sorted(reach):
                value = self._input(
                    code.offset(base, iy * self.x.row + ix * self.x.c), first, n, count
                )
                for p, ky, kx in reach[iy, ix]:
                    if (ky, kx) not in weights:
                        offset = code.add(first, (ky * kw + kx) * padded)
                        weights[ky, kx] = code.load(
                            self.w_ptr, offset, vector(n, F32), invariant=True
                        )
                    old = acc[p]
                    new = weights[ky, kx]
                    acc[p] = (
                        code.op("arith.mulf", value, new)
                        if old is None
                        else code.op("arith.fma", value, new, old)
                    )
            self._finish(image, y, x, first, n, count, [a for a in acc if a is not None])

    def _input(self, base: Index, channel: Index, lanes: int, count: int) -> Value:
        """A vector of input channels as f32, for `lanes` output channels from `channel` on."""
        code = self.code
        multiplier = self.op.get("multiplier", 1)
        if multiplier == 1:
            loaded = self._load(code.add(base, channel), count)
            return self._fill(loaded, lanes)
        if multiplier % lanes == 0:  # all lanes lie inside one input channel
            return code.splat(self._load(code.add(base, code.div(channel, multiplier)), 1), lanes)
        groups = -(-count // multiplier)  # lanes hold whole groups
        loaded = self._load(code.add(base, code.div(channel, multiplier)), groups)
        if groups == 1:
            return code.splat(loaded, lanes)
        return code.shuffle(
            loaded, loaded, [min(i // multiplier, groups - 1) for i in range(lanes)]
        )

    def _load(self, offset: Index, lanes: int) -> Value:
        """Stored numbers (with the storage's bias, which the weights' fold accounts for) as f32."""
        code = self.code
        raw = Image(1, 1, 1, 1, self.x.dtype).load(code, self.x_ptr, offset, lanes)
        return code.convert(raw, F32)

    def _fill(self, v: Value, lanes: int) -> Value:
        count = v.type.lanes if hasattr(v.type, "lanes") else 1
        if count == lanes:
            return v
        if count == 1:
            return self.code.splat(v, lanes)
        return self.code.shuffle(v, v, [min(i, count - 1) for i in range(lanes)])

    def _finish(
        self,
        image: Index,
        y: Index,
        x: Index,
        channel: Index,
        lanes: int,
        count: int,
        acc: list[Value],
    ) -> None:
        code, s, out = self.code, self.s, self.out
        shared = [
            e.load(code, 0, channel, lanes) if e.role != "pixel" else None for e in self.extras
        ]
        for p, total in enumerate(acc):
            py, px = divmod(p, s.columns)
            if self.x.compute == I32:
                total = code.convert(total, I32)
            args = [total]
            for extra, common in zip(self.extras, shared, strict=True):
                if common is not None:
                    args.append(common)
                    continue
                e = extra.image
                at = code.offset(
                    e.origin, (image, e.image), (y, e.row), (x, e.c), py * e.row + px * e.c
                )
                args.append(self._fill(extra.load(code, at, channel, count), lanes))
            value = inline(code, self.op, args)
            at = code.offset(
                out.origin, (image, out.image), (y, out.row), (x, out.c), py * out.row + px * out.c
            )
            out.store(code, code.first_lanes(value, count), self.out_ptr, code.add(at, channel))
