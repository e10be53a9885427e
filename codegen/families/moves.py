"""Moves: pad, concatenation, transpose, slice, nearest resize and border fill, all as strided
copies."""

from __future__ import annotations

from collections.abc import Sequence

from litefuse.codegen.families.code import Code, Index
from litefuse.codegen.families.elementwise import element_strides
from litefuse.codegen.families.image import Image
from litefuse.codegen.families.lowering import KernelWriter, Lowering, Step, split
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import TensorType


def _copy(
    code: Code,
    low: Lowering,
    shape: Sequence[int],
    source: tuple[Image, Value, Index, Sequence[int]],
    target: tuple[Image, Value, Index, Sequence[int]],
) -> None:
    """target[i] = source[i] for every index of the shape; images, pointers, base offsets and
    strides are given."""
    (s_image, s_ptr, s_base, s_strides), (t_image, t_ptr, t_base, t_strides) = source, target
    dims = [d for d in range(len(shape)) if shape[d] != 1]
    merged: list[
        tuple[int, int, int]
    ] = []  # adjacent dimensions that both sides walk without a gap become one
    for d in dims:
        if (
            merged
            and merged[-1][1] == s_strides[d] * shape[d]
            and merged[-1][2] == t_strides[d] * shape[d]
        ):
            merged[-1] = (merged[-1][0] * shape[d], s_strides[d], t_strides[d])
        else:
            merged.append((shape[d], s_strides[d], t_strides[d]))

    def nest(level: int, s_at: Index, t_at: Index) -> None:
        if level == len(merged):
            t_image.store(code, s_image.load(code, s_ptr, s_at, 1), t_ptr, t_at)
            return
        size, s_step, t_step = merged[level]
        lanes = low.lanes() if level == len(merged) - 1 and s_step == t_step == 1 else 0

        def body(i: Index, _: list[Value]) -> Sequence[Value]:
            nest(level + 1, code.offset(s_at, (i, s_step)), code.offset(t_at, (i, t_step)))
            return ()

        code.loop(0, size, 1, (), body, **({"vector": lanes} if lanes else {}))

    nest(0, s_base, t_base)


def _fill(
    code: Code,
    low: Lowering,
    image: Image,
    ptr: Value,
    base: Index,
    count: int,
    stored: int | float,
) -> None:
    """`count` adjacent cells of the number `stored` (already with the storage's bias)."""

    def body(i: Index, _: list[Value]) -> Sequence[Value]:
        code.store(code.constant(stored, image.scalar), ptr, code.add(base, i))
        return ()

    code.loop(0, count, 1, (), body, vector=low.lanes())


def _begin(op: Operation, low: Lowering, name: str) -> KernelWriter:
    image = low.image(op.result)
    operands = [(v, "in") for v in op.operands]
    return low.begin(
        low.name(image.dtype, name, f"{low.lanes()}l"),
        op,
        [*operands, (op.result, "out")],
    )


def _strides(low: Lowering, value: Value) -> list[int]:
    assert isinstance(value.type, TensorType)
    return element_strides(value, low.image(value), len(value.type.shape))


def _shape(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.shape


def as_stored(number: int | float, image: Image) -> int | float:
    """A number as it lies in the buffer; eight-bit patterns as signed ones."""
    if image.dtype in ("f32", "f16"):
        return float(number)
    stored = int(number) + image.bias
    return stored - 256 if image.dtype == "u8" and stored > 127 else stored


def lower_pad(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.pad`: the border value everywhere, then the copy."""
    w = _begin(op, low, "pad")
    x, out = low.image(op.operands[0]), low.image(op.result)
    strides, inner = _strides(low, op.result), _strides(low, op.operands[0])
    shape = _shape(op.result)
    start = out.origin + sum(a * _full_stride(shape, out, d) for d, a in enumerate(op["low"]))
    if out.dense:
        _fill(w.code, low, out, w.pointers[op.result], 0, out.size, as_stored(op["value"], out))
    else:
        stored = as_stored(op["value"], out)

        def row(u: Index, _: list[Value]) -> Sequence[Value]:
            n, y = split(w.code, u, out.h)
            at = w.code.offset(out.origin, (n, out.image), (y, out.row))
            _fill(w.code, low, out, w.pointers[op.result], at, out.w * out.c, stored)
            return ()

        w.code.loop(0, out.n * out.h, 1, (), row)
    _copy(
        w.code,
        low,
        _shape(op.operands[0]),
        (x, w.pointers[op.operands[0]], x.origin, inner),
        (out, w.pointers[op.result], start, strides),
    )
    return [w.done(1)]


def _full_stride(shape: tuple[int, ...], image: Image, d: int) -> int:
    """The stride of a dimension even where its size is one."""
    if len(shape) == 4:
        return (image.image, image.row, image.c, 1)[d]
    step = 1
    for size in shape[d + 1 :]:
        step *= size
    return step


def lower_concat(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.concat`: operand after operand."""
    w = _begin(op, low, "concat")
    out = low.image(op.result)
    shape = _shape(op.result)
    axis = op["axis"] % len(shape)
    at = 0
    for v in op.operands:
        x = low.image(v)
        base = out.origin + at * _full_stride(shape, out, axis)
        _copy(
            w.code,
            low,
            _shape(v),
            (x, w.pointers[v], x.origin, _strides(low, v)),
            (
                out,
                w.pointers[op.result],
                base,
                [_full_stride(shape, out, d) for d in range(len(shape))],
            ),
        )
        at += _shape(v)[axis]
    return [w.done(1)]


def lower_transpose(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.transpose`."""
    w = _begin(op, low, "transpose")
    x, out = low.image(op.operands[0]), low.image(op.result)
    strides = _strides(low, op.operands[0])
    _copy(
        w.code,
        low,
        _shape(op.result),
        (x, w.pointers[op.operands[0]], x.origin, [strides[p] for p in op["permutation"]]),
        (out, w.pointers[op.result], out.origin, _strides(low, op.result)),
    )
    return [w.done(1)]


def lower_slice(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.slice`."""
    w = _begin(op, low, "slice")
    x, out = low.image(op.operands[0]), low.image(op.result)
    shape = _shape(op.operands[0])
    full = [_full_stride(shape, x, d) for d in range(len(shape))]
    base = x.origin + sum(b * s for b, s in zip(op["begin"], full, strict=True))
    _copy(
        w.code,
        low,
        _shape(op.result),
        (
            x,
            w.pointers[op.operands[0]],
            base,
            [s * k for s, k in zip(full, op["strides"], strict=True)],
        ),
        (out, w.pointers[op.result], out.origin, _strides(low, op.result)),
    )
    return [w.done(1)]


def lower_resize_nearest(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.resize_nearest`: one unit is an output row; runs of equal source
    distance become loops."""
    w = _begin(op, low, "resize")
    code = w.code
    x, out = low.image(op.operands[0]), low.image(op.result)
    rows, columns = op["rows"], op["columns"]

    def unit(u: Index, _: list[Value]) -> Sequence[Value]:
        image, y = split(code, u, out.h)
        source: Index = 0
        for i, row in enumerate(
            rows
        ):  # a chain of selects: the table is a handful of numbers known here
            if i == 0:
                source = rows[0]
            elif row != rows[i - 1]:
                later = code.compare("sge", code.value(y), code.value(i))
                source = code.select(later, code.value(row), code.value(source))
        base = code.offset(x.origin, (image, x.image), (source, x.row))
        at = code.offset(out.origin, (image, out.image), (y, out.row))
        for first, last, step in _runs(columns):
            _copy(
                code,
                low,
                (last - first, out.c),
                (
                    x,
                    w.pointers[op.operands[0]],
                    code.add(base, columns[first] * x.c),
                    (step * x.c, 1),
                ),
                (out, w.pointers[op.result], code.add(at, first * out.c), (out.c, 1)),
            )
        return ()

    code.loop(w.begin, w.end, 1, (), unit)
    return [w.done(out.n * out.h)]


def _runs(indices: Sequence[int]) -> list[tuple[int, int, int]]:
    """(first, last, step): maximal runs of indices with one step between neighbours."""
    found, first = [], 0
    while first < len(indices):
        last = first + 1
        step = indices[last] - indices[first] if last < len(indices) else 0
        while last < len(indices) and indices[last] - indices[last - 1] == step:
            last += 1
        found.append((first, last, step))
        first = last
    return found


def lower_border(value: Value, op: Operation, low: Lowering) -> Step:
    """The kernel that fills the physical cells around a tensor's images with the buffer's
    `fill`."""
    image = low.image(value)
    top, bottom, left, right = image.pad
    fill = low.buffers[value]["fill"]
    writer = low.begin(
        low.name(image.dtype, f"border{top}{bottom}{left}{right}"), op, [(value, "out")]
    )
    code, ptr = writer.code, writer.pointers[value]

    def each(n: Index, _: list[Value]) -> Sequence[Value]:
        base = code.mul(n, image.image)
        # the right cells of a row and the left ones of the next lie side by side, as do whole rows
        # above and below
        _fill(code, low, image, ptr, base, image.origin, fill)
        gap = (left + right) * image.c
        if gap:
            first = code.add(base, image.origin + image.w * image.c)

            def row(y: Index, _: list[Value]) -> Sequence[Value]:
                _fill(code, low, image, ptr, code.offset(first, (y, image.row)), gap, fill)
                return ()

            code.loop(0, image.h - 1, 1, (), row)
        tail = image.origin + (image.h - 1) * image.row + image.w * image.c
        _fill(code, low, image, ptr, code.add(base, tail), image.image - tail, fill)
        return ()

    code.loop(0, image.n, 1, (), each)
    return writer.done(1, role="border")
