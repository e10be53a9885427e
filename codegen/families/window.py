"""Pooling: the window's valid cells by loops with exact bounds, so that padding needs no cells;
vectors over channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from litefuse.codegen.families.code import Index
from litefuse.codegen.families.epilogue import extras_of, inline
from litefuse.codegen.families.lowering import (
    KernelWriter,
    Lowering,
    Step,
    extra_operands,
    split,
)
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import F32, I32


def lower(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.window`: one unit is one row of the output."""
    x_value = op.operands[0]
    x, out = low.image(x_value), low.image(op.result)
    family = "{}pool{}x{}s{}".format(op["kind"], *op["window"], op["strides"][0])
    spec = low.name(x.dtype, family, f"{low.lanes()}l")
    operands = [(x_value, "in"), *extra_operands(op, 1), (op.result, "out")]
    writer = low.begin(spec, op, operands)
    row = _row_of(op, low, writer)

    def unit(u: Index, _: list[Value]) -> Sequence[Value]:
        row(*split(writer.code, u, out.h))
        return ()

    writer.code.loop(writer.begin, writer.end, 1, (), unit)
    return [writer.done(out.n * out.h)]


def rows(op: Operation, low: Lowering, writer: KernelWriter) -> Callable[[Index, Index], None]:
    """Writes code for output rows [first, last) of a single image into a kernel with other ops."""
    row = _row_of(op, low, writer)

    def write(first: Index, last: Index) -> None:
        def one(y: Index, _: list[Value]) -> Sequence[Value]:
            row(0, y)
            return ()

        writer.code.loop(first, last, 1, (), one)

    return write


def _row_of(op: Operation, low: Lowering, writer: KernelWriter) -> Callable[[Index, Index], None]:
    """Writes code for one row of an image: (image, y)."""
    x_value = op.operands[0]
    x, out = low.image(x_value), low.image(op.result)
    code = writer.code
    extras = extras_of(op, 1, low.buffers, writer.pointers)
    kind = x.compute
    (kh, kw), (sh, sw), (top, _, left, _) = op["window"], op["strides"], op["pad"]

    def valid(first: Index, size: int, limit: int) -> tuple[Index, Index]:
        return code.most(code.sub(0, first), 0), code.least(code.sub(limit, first), size)

    def write(image: Index, y: Index) -> None:
        iy = code.sub(code.mul(y, sh), top)
        y_bounds = valid(iy, kh, x.h) if _needs_bounds(sh, kh, top, out.h, x.h) else (0, kh)

        def pixel(px: Index, _: list[Value]) -> Sequence[Value]:
            ix = code.sub(code.mul(px, sw), left)
            x_bounds = valid(ix, kw, x.w) if _needs_bounds(sw, kw, left, out.w, x.w) else (0, kw)
            count = code.value(
                code.mul(code.sub(y_bounds[1], y_bounds[0]), code.sub(x_bounds[1], x_bounds[0]))
            )
            cells = code.op("arith.index_cast", count, result=I32)
            if len(op.body.args) > 1:  # the region may take the count as an integer or a float
                cells = code.convert(cells, op.body.args[1].type)
            base = code.offset(x.origin, (image, x.image), (iy, x.row), (ix, x.c))

            def channel(c: Index, _: list[Value]) -> Sequence[Value]:
                start = code.constant(_neutral(op["kind"], kind == F32), kind)

                def row(ky: Index, carried: list[Value]) -> Sequence[Value]:
                    def cell(kx: Index, inner: list[Value]) -> Sequence[Value]:
                        v = x.load(
                            code,
                            writer.pointers[x_value],
                            code.offset(base, (ky, x.row), (kx, x.c), c),
                            1,
                        )
                        return [code.op(_COMBINE[op["kind"], kind == F32], v, inner[0])]

                    return code.loop(x_bounds[0], x_bounds[1], 1, carried, cell)

                total = code.loop(y_bounds[0], y_bounds[1], 1, [start], row)[0]
                args = [total, cells]
                for e in extras:
                    at = code.offset(
                        e.image.origin, (image, e.image.image), (y, e.image.row), (px, e.image.c)
                    )
                    args.append(e.load(code, at, c, 1))
                value = inline(code, op, args)
                at = code.offset(out.origin, (image, out.image), (y, out.row), (px, out.c), c)
                out.store(code, value, writer.pointers[op.result], at)
                return ()

            code.loop(0, out.c, 1, (), channel, vector=low.lanes())
            return ()

        code.loop(0, out.w, 1, (), pixel)

    return write


_COMBINE = {
    ("max", True): "arith.maxf",
    ("max", False): "arith.maxsi",
    ("sum", True): "arith.addf",
    ("sum", False): "arith.addi",
}


def _neutral(kind: str, is_float: bool) -> float | int:
    if kind == "sum":
        return 0.0 if is_float else 0
    return -3.4028234663852886e38 if is_float else -(1 << 31)


def _needs_bounds(stride: int, size: int, before: int, outputs: int, inputs: int) -> bool:
    return before > 0 or (outputs - 1) * stride + size > inputs
