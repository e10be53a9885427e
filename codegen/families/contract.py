"""Convolutions and dense layers: a register tile of pixels x channels over packed weights, the
epilogue in registers.

The tile walks the window's taps; along a row of the window, x and channel are adjacent in memory,
so a 3x3 window is three runs. Integer products go through the target's dot product
(`loop.dot4_us`, `dot4_ss` or `dot2`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from litefuse.codegen.families.code import Code, Index
from litefuse.codegen.families.epilogue import Extra, extras_of, init_of, inline
from litefuse.codegen.families.image import BYTES, Image
from litefuse.codegen.families.lowering import (
    KernelWriter,
    Lowering,
    Step,
    extra_operands,
    split,
)
from litefuse.codegen.names import tile_name
from litefuse.codegen.schedule import Blocks, ContractSchedule
from litefuse.compiler.ir.core import IRError, Operation, Value
from litefuse.compiler.ir.types import F32, I8, I16, I32, Type, vector

GROUP = {"f32": 1, "dot4_us": 4, "dot4_ss": 4, "dot2": 2}
_WHOLE = 320  # products up to which a window or run is written out without a loop


@dataclass(frozen=True)
class Geometry:
    """The shape of a contraction as the tile sees it: an outer list of taps, each a run of
    adjacent elements."""

    x: Image
    out: Image
    taps: tuple[
        tuple[int, int], ...
    ]  # (count, element stride in x) of each tap loop, outermost first
    run: int  # elements of x that lie side by side
    strides: tuple[int, int]
    start: int  # element offset in x of the window of output pixel (0, 0)
    groups: int
    depth_in: int  # input channels of a group
    flat: bool

    @property
    def tap_count(self) -> int:
        """Taps in all."""
        n = 1
        for count, _ in self.taps:
            n *= count
        return n


def geometry(op: Operation, x: Image, out: Image, extras: Sequence[Image]) -> Geometry:
    """The geometry of a `kern.contract` of kind conv or dense; `extras` are the tensors read pixel
    by pixel."""
    w_shape: tuple[int, ...] = op["w_shape"]
    if op["kind"] == "dense":
        if not all(i.dense for i in (x, out, *extras)):
            # A convolution beside or behind it has put cells around a tensor: row by row then.
            return Geometry(x, out, (), x.c, (1, 1), x.origin, 1, x.c, False)
        flat_x = Image(1, 1, x.n * x.h * x.w, x.c, x.dtype, x.bias)
        flat_out = Image(1, 1, out.n * out.h * out.w, out.c, out.dtype, out.bias)
        return Geometry(flat_x, flat_out, (), x.c, (1, 1), 0, 1, x.c, True)
    _, kh, kw, cin = w_shape
    (sh, sw), (dh, dw) = op["strides"], op["dilations"]
    top, _, left, _ = op["pad"]
    groups = x.c // cin
    start = x.origin - top * x.row - left * x.c
    if (
        "group" not in op.attributes
        and (kh, kw, sh, sw, groups) == (1, 1, 1, 1, 1)
        and x.dense
        and all(i.dense for i in (out, *extras))
    ):
        flat_x = Image(1, 1, x.n * x.h * x.w, x.c, x.dtype, x.bias)
        flat_out = Image(1, 1, out.n * out.h * out.w, out.c, out.dtype, out.bias)
        return Geometry(flat_x, flat_out, (), cin, (1, 1), 0, 1, cin, True)
    if groups == 1 and (dw == 1 or kw == 1):
        rows = ((kh, dh * x.row),) if kh > 1 else ()
        return Geometry(x, out, rows, kw * cin, (sh, sw), start, 1, cin, False)
    taps = tuple(t for t in ((kh, dh * x.row), (kw, dw * x.c)) if t[0] > 1)
    return Geometry(x, out, taps, cin, (sh, sw), start, groups, cin, False)


def lower(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a contraction."""
    x, w = op.operands[:2]
    schedule = ContractSchedule.of(op["schedule"]["tile"])
    product: str = op["schedule"]["product"]
    image_x, image_out = low.image(x), low.image(op.result)
    g = geometry(op, image_x, image_out, pixel_images(op, low))
    window = (
        "dense"
        if op["kind"] == "dense"
        else "conv{}x{}s{}".format(*op["w_shape"][1:3], op["strides"][0])
    )
    lanes = schedule.blocks.vectors or schedule.blocks.tail
    tile = tile_name(schedule.rows, schedule.columns, lanes)
    spec = low.name(low.image(x).dtype, window, tile, product)
    writer = low.begin(
        spec, op, [(x, "in"), (w, "weight"), *extra_operands(op, 2), (op.result, "out")]
    )
    written = _tile_of(op, low, writer)
    g = written.g
    trip = written.write(writer.begin, writer.end)
    macs = g.out.n * g.out.h * g.out.w * g.out.c * g.tap_count * g.run
    return [writer.done(trip, macs)]


def rows(op: Operation, low: Lowering, writer: KernelWriter) -> Callable[[Index, Index], None]:
    """Writes code for output rows [first, last) of a single image into a kernel with other ops."""
    return _tile_of(op, low, writer).write_rows


def _tile_of(op: Operation, low: Lowering, writer: KernelWriter) -> _Tile:
    x, w = op.operands[:2]
    return _Tile(
        writer.code,
        op,
        geometry(op, low.image(x), low.image(op.result), pixel_images(op, low)),
        ContractSchedule.of(op["schedule"]["tile"]),
        op["schedule"]["product"],
        writer.pointers[x],
        writer.pointers[w],
        writer.pointers[op.result],
        extras_of(op, 2, low.buffers, writer.pointers),
        init_of(op, writer.pointers),
    )


def pixel_images(op: Operation, low: Lowering) -> list[Image]:
    """The views of the extras that are read pixel by pixel."""
    return [
        low.image(v)
        for v, role in zip(op.operands[2:], op.get("roles", []), strict=True)
        if role == "pixel"
    ]


@dataclass
class _Tile:
    code: Code
    op: Operation
    g: Geometry
    s: ContractSchedule
    product: str
    x: Value
    w: Value
    out: Value
    extras: list[Extra]
    init: Value | None

    @property
    def block_align(self) -> int:
        """Bytes that divide the start of every block of packed weights."""
        g, b = self.g, self.s.blocks
        depth = 4 * g.tap_count * -(-g.run // GROUP[self.product])  # bytes of weights of one lane
        return math.gcd(depth * b.width, depth * b.padded if g.groups > 1 else 0, 64)

    def write(self, begin: Value, end: Value) -> int:
        """All loops; the number of units that are split among threads."""
        code, s = self.code, self.s
        units = self._units()
        blocks = s.blocks.full + (1 if s.blocks.tail else 0)

        if s.parallel == "blocks":

            def over_blocks(group: Index) -> None:
                self._blocks(
                    group,
                    begin,
                    end,
                    lambda block, tail: self._over_units(0, units, group, block, tail),
                )

            self._groups(over_blocks)
            return blocks
        if s.outer == "blocks":

            def over_all(group: Index) -> None:
                self._blocks(
                    group,
                    0,
                    blocks,
                    lambda block, tail: self._over_units(begin, end, group, block, tail),
                )

            self._groups(over_all)
        else:

            def unit(u: Index, _: list[Value]) -> Sequence[Value]:
                def each(group: Index) -> None:
                    self._blocks(
                        group, 0, blocks, lambda block, tail: self._unit(u, group, block, tail)
                    )

                self._groups(each)
                return ()

            code.loop(begin, end, 1, (), unit)
        return units

    def write_rows(self, first: Index, last: Index) -> None:
        """Output rows [first, last) of the only image, a row at a time."""
        if self.g.flat or self.s.rows != 1 or self.g.out.n != 1:
            raise IRError("a contraction of a group is scheduled by single rows of one image")
        blocks = self.s.blocks.full + (1 if self.s.blocks.tail else 0)

        def row(y: Index, _: list[Value]) -> Sequence[Value]:
            def each(group: Index) -> None:
                self._blocks(
                    group, 0, blocks, lambda block, tail: self._row(0, y, group, block, tail)
                )

            self._groups(each)
            return ()

        self.code.loop(first, last, 1, (), row)

    def _groups(self, inner: Callable[[Index], None]) -> None:
        def one(group: Index, _: list[Value]) -> Sequence[Value]:
            inner(group)
            return ()

        self.code.loop(0, self.g.groups, 1, (), one)

    def _units(self) -> int:
        g, s = self.g, self.s
        if g.flat:
            return -(-g.out.w // s.columns)
        return g.out.n * -(-g.out.h // s.rows)

    def _blocks(self, group: Index, begin: Index, end: Index, body: object) -> None:
        """Full channel blocks of [begin, end) in a loop, the tail block after them."""
        assert callable(body)
        code, b = self.code, self.s.blocks
        if b.full:
            code.loop(begin, code.least(end, b.full), 1, (), lambda i, _: body(i, False) or ())
        if b.tail:
            if isinstance(end, int):
                body(b.full, True)
            else:
                code.when(code.compare("sgt", end, code.value(b.full)), lambda: body(b.full, True))

    def _over_units(self, begin: Index, end: Index, group: Index, block: Index, tail: bool) -> None:
        def body(u: Index, _: list[Value]) -> Sequence[Value]:
            self._unit(u, group, block, tail)
            return ()

        self.code.loop(begin, end, 1, (), body)

    def _unit(self, u: Index, group: Index, block: Index, tail: bool) -> None:
        code, g, s = self.code, self.g, self.s
        if g.flat:
            self._tile(
                0, 0, code.least(code.mul(u, s.columns), g.out.w - s.columns), group, block, tail
            )
            return
        image, t = split(code, u, -(-g.out.h // s.rows))
        y = (
            code.least(code.mul(t, s.rows), g.out.h - s.rows)
            if g.out.h % s.rows
            else code.mul(t, s.rows)
        )
        self._row(image, y, group, block, tail)

    def _row(self, image: Index, y: Index, group: Index, block: Index, tail: bool) -> None:
        """One row of tiles."""
        code, g, s = self.code, self.g, self.s

        def column(c: Index, _: list[Value]) -> Sequence[Value]:
            first = code.mul(c, s.columns)
            if g.out.w % s.columns:
                first = code.least(first, g.out.w - s.columns)
            self._tile(image, y, first, group, block, tail)
            return ()

        code.loop(0, -(-g.out.w // s.columns), 1, (), column)

    def _tile(
        self, image: Index, y: Index, x: Index, group: Index, block: Index, tail: bool
    ) -> None:
        code, g, s = self.code, self.g, self.s
        lanes = s.blocks.tail if tail else s.blocks.vectors
        stored = s.blocks.stored(tail)
        unit = GROUP[self.product]
        depth = g.tap_count * (-(-g.run // unit))
        per_step = sum(lanes) * unit
        group_size = s.blocks.padded * depth * unit
        w_base = code.offset((group, group_size), (block, s.blocks.width * depth * unit))
        if tail:
            w_base = code.offset((group, group_size), s.blocks.tail_start * depth * unit)
        x_base = code.offset(
            g.start,
            (image, g.x.image),
            (y, g.strides[0] * g.x.row),
            (x, g.strides[1] * g.x.c),
            (group, g.depth_in),
        )
        kind: Type = F32 if self.product == "f32" else I32
        first = s.blocks.tail_start if tail else code.mul(block, s.blocks.width)
        accumulators = self._start(code.offset((group, s.blocks.padded), first), lanes, kind) * (
            s.rows * s.columns
        )
        accumulators = self._taps(0, x_base, w_base, per_step, lanes, accumulators)
        self._finish(image, y, x, group, block, tail, lanes, stored, accumulators)

    def _start(self, channel: Index, lanes: Sequence[int], kind: Type) -> list[Value]:
        """What the accumulators of one pixel start at."""
        code, found, at = self.code, [], 0
        for n in lanes:
            if self.init is None:
                found.append(code.constant(0.0 if kind == F32 else 0, vector(n, kind)))
            else:
                found.append(
                    code.load(self.init, code.add(channel, at), vector(n, kind), invariant=True)
                )
            at += n
        return found

    def _taps(
        self, level: int, x: Index, w: Index, per_step: int, lanes: Sequence[int], acc: list[Value]
    ) -> list[Value]:
        """The loops over taps from `level` inward; written out whole where the window is small."""
        code, g = self.code, self.g
        if level == len(g.taps):
            return self._run(x, w, per_step, lanes, acc)
        count, stride = g.taps[level]
        inner = 1
        for c, _ in g.taps[level + 1 :]:
            inner *= c
        steps = inner * -(-g.run // GROUP[self.product])
        w_stride = steps * per_step
        products = self.s.rows * self.s.columns * len(lanes)
        if g.tap_count * -(-g.run // GROUP[self.product]) * products <= _WHOLE:
            for i in range(count):
                acc = self._taps(
                    level + 1,
                    code.add(x, i * stride),
                    code.add(w, i * w_stride),
                    per_step,
                    lanes,
                    acc,
                )
            return acc
        return code.loop(
            0,
            count,
            1,
            acc,
            lambda i, carried: self._taps(
                level + 1,
                code.offset(x, (i, stride)),
                code.offset(w, (i, w_stride)),
                per_step,
                lanes,
                carried,
            ),
        )

    def _run(
        self, x: Index, w: Index, per_step: int, lanes: Sequence[int], acc: list[Value]
    ) -> list[Value]:
        """One run of adjacent elements: a loop unrolled a few steps, and the steps that are
        left."""
        code = self.code
        unit = GROUP[self.product]
        steps = -(-self.g.run // unit)
        unroll = self.s.unroll
        main = steps - steps % unroll
        whole = steps * self.s.rows * self.s.columns * len(lanes) <= _WHOLE
        if whole or main <= unroll:
            main = 0

        def body(i: Index, carried: list[Value]) -> Sequence[Value]:
            xi, wi = code.offset(x, (i, unit)), code.offset(w, (i, per_step))
            for u in range(unroll):
                carried = self._step(
                    code.add(xi, u * unit), code.add(wi, u * per_step), lanes, carried
                )
            return carried

        if main:
            acc = code.loop(0, main, unroll, acc, body)
        for i in range(main, steps):
            acc = self._step(code.add(x, i * unit), code.add(w, i * per_step), lanes, acc)
        return acc

    def _step(self, x: Index, w: Index, lanes: Sequence[int], acc: list[Value]) -> list[Value]:
        """One step of depth for every pixel and vector of the tile."""
        code, g, s = self.code, self.g, self.s
        unit = GROUP[self.product]
        scalar: Type = {1: F32, 4: I8, 2: I16}[unit]
        weights, at = [], 0
        item = {1: 4, 4: 1, 2: 2}[unit]
        for n in lanes:
            together = math.gcd(sum(lanes) * unit * item, at * item, self.block_align, 64)
            weights.append(
                code.load(
                    self.w,
                    code.add(w, at),
                    vector(n * unit, scalar),
                    align=together,
                    invariant=True,
                )
            )
            at += n * unit
        result = []
        for p in range(s.rows * s.columns):
            dy, dx = divmod(p, s.columns)
            offset = code.add(x, dy * g.strides[0] * g.x.row + dx * g.strides[1] * g.x.c)
            if unit == 1:
                a = code.load(self.x, offset, F32)
            else:
                a = code.op(
                    "arith.bitcast", code.load(self.x, offset, vector(unit, scalar)), result=I32
                )
            for j, n in enumerate(lanes):
                spread = code.splat(a, n)
                old = acc[p * len(lanes) + j]
                if unit == 1:
                    result.append(code.op("arith.fma", spread, weights[j], old))
                else:
                    factors = code.op("arith.bitcast", spread, result=vector(n * unit, scalar))
                    result.append(
                        code.op(f"loop.{self.product}", old, factors, weights[j], result=old.type)
                    )
        return result

    def _finish(
        self,
        image: Index,
        y: Index,
        x: Index,
        group: Index,
        block: Index,
        tail: bool,
        lanes: Sequence[int],
        stored: Sequence[int],
        acc: list[Value],
    ) -> None:
        """The epilogue region on every accumulator, then the stores."""
        code, g, s, b = self.code, self.g, self.s, self.s.blocks
        first = b.tail_start if tail else code.mul(block, b.width)
        packed = code.offset((group, b.padded), first)  # channel extras are padded like the weights
        real = code.offset((group, b.channels), first)
        channel_loads: dict[tuple[int, int], Value] = {}
        at = 0
        starts = []
        for n in lanes:
            starts.append(at)
            at += n
        for j, n in enumerate(lanes):
            for e, extra in enumerate(self.extras):
                if extra.role == "channel":
                    channel_loads[e, j] = extra.load(code, 0, code.add(packed, starts[j]), n)
        for p in range(s.rows * s.columns):
            dy, dx = divmod(p, s.columns)
            at_out = code.offset(
                g.out.origin,
                (image, g.out.image),
                (y, g.out.row),
                (x, g.out.c),
                dy * g.out.row + dx * g.out.c,
            )
            for j, n in enumerate(lanes):
                count = stored[j]
                if count == 0:
                    continue
                args = [acc[p * len(lanes) + j]]
                for e, extra in enumerate(self.extras):
                    if extra.role == "channel":
                        args.append(channel_loads[e, j])
                    elif extra.role == "pixel":
                        args.append(
                            self._pixel(
                                extra, image, y, x, dy, dx, code.add(real, starts[j]), n, count
                            )
                        )
                    else:
                        args.append(extra.load(code, 0, 0, n))
                value = inline(code, self.op, args)
                g.out.store(
                    code,
                    code.first_lanes(value, count),
                    self.out,
                    code.offset(at_out, real, starts[j]),
                )

    def _pixel(
        self,
        extra: Extra,
        image: Index,
        y: Index,
        x: Index,
        dy: int,
        dx: int,
        channel: Index,
        lanes: int,
        count: int,
    ) -> Value:
        code, e = self.code, extra.image
        if self.g.flat:
            at = code.offset((x, e.c), dx * e.c)
        else:
            at = code.offset(
                e.origin, (image, e.image), (y, e.row), (x, e.c), dy * e.row + dx * e.c
            )
        loaded = extra.load(code, at, channel, count)
        if count == lanes:
            return loaded
        if count == 1:
            return code.splat(loaded, lanes)
        return code.shuffle(loaded, loaded, [i if i < count else -1 for i in range(lanes)])


def weight_bytes(product: str, blocks: Blocks, taps: int, run: int, groups: int) -> int:
    """Size of the packed weights."""
    unit = GROUP[product]
    return (
        groups
        * blocks.padded
        * taps
        * -(-run // unit)
        * unit
        * BYTES["f32" if unit == 1 else ("i8" if unit == 4 else "i16")]
    )
