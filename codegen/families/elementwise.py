"""Elementwise computations: one loop over what lies side by side, vectors inside."""

from __future__ import annotations

from collections.abc import Sequence

from litefuse.codegen.families.code import Index
from litefuse.codegen.families.epilogue import inline
from litefuse.codegen.families.image import Image
from litefuse.codegen.families.lowering import KernelWriter, Lowering, Step, split
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import TensorType

_CHUNK = 1024  # elements of a unit of a flat map


def lower(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.map`."""
    out = low.image(op.result)
    assert isinstance(op.result.type, TensorType)
    roles: list[str] = op.get("roles", ["pixel"] * len(op.operands))
    spec = low.name(out.dtype, f"map{len(op.operands)}", f"{low.lanes()}l")
    writer = low.begin(spec, op, [*((v, "in") for v in op.operands), (op.result, "out")])
    images = [low.image(v) for v in op.operands]
    if (
        all(r in ("pixel", "scalar") for r in roles)
        and out.dense
        and all(i.dense for i, r in zip(images, roles, strict=True) if r == "pixel")
    ):
        return [writer.done(_flat(op, low, writer, images, roles, out))]
    if any(r == "broadcast" for r in roles):
        return [writer.done(_broadcast(op, low, writer, images, out))]
    return [writer.done(_rows(op, low, writer, images, roles, out))]


def _flat(
    op: Operation, low: Lowering, w: KernelWriter, images: list[Image], roles: list[str], out: Image
) -> int:
    """Everything dense: one run of elements, cut into units of `_CHUNK`."""
    code, size = w.code, out.size

    def element(i: Index, _: list[Value]) -> Sequence[Value]:
        args = [
            im.load(code, w.pointers[v], i if r == "pixel" else 0, 1)
            for im, v, r in zip(images, op.operands, roles, strict=True)
        ]
        out.store(code, inline(code, op, args), w.pointers[op.result], i)
        return ()

    if size <= _CHUNK:
        code.loop(0, size, 1, (), element, vector=low.lanes())
        return 1
    chunk = _CHUNK
    while size % chunk and chunk > 16:
        chunk //= 2
    if size % chunk:
        code.loop(0, size, 1, (), element, vector=low.lanes())
        return 1

    def unit(u: Index, _: list[Value]) -> Sequence[Value]:
        base = code.mul(u, chunk)
        code.loop(0, chunk, 1, (), lambda i, c: element(code.add(base, i), c), vector=low.lanes())
        return ()

    code.loop(w.begin, w.end, 1, (), unit)
    return size // chunk


def _rows(
    op: Operation, low: Lowering, w: KernelWriter, images: list[Image], roles: list[str], out: Image
) -> int:
    """Rows of pixels; a run is a row where no operand goes by channel, else a pixel's channels."""
    code = w.code
    by_channel = "channel" in roles

    def run(image: Index, y: Index, x: Index, count: int) -> None:
        bases = [code.offset(im.origin, (image, im.image), (y, im.row), (x, im.c)) for im in images]
        base = code.offset(out.origin, (image, out.image), (y, out.row), (x, out.c))

        def element(i: Index, _: list[Value]) -> Sequence[Value]:
            args = []
            for im, v, r, b in zip(images, op.operands, roles, bases, strict=True):
                at = code.add(b, i) if r == "pixel" else (i if r == "channel" else 0)
                args.append(im.load(code, w.pointers[v], at, 1))
            out.store(code, inline(code, op, args), w.pointers[op.result], code.add(base, i))
            return ()

        code.loop(0, count, 1, (), element, vector=low.lanes())

    def unit(u: Index, _: list[Value]) -> Sequence[Value]:
        image, y = split(code, u, out.h)
        if not by_channel:
            run(image, y, 0, out.w * out.c)
            return ()

        def pixel(x: Index, _: list[Value]) -> Sequence[Value]:
            run(image, y, x, out.c)
            return ()

        code.loop(0, out.w, 1, (), pixel)
        return ()

    code.loop(w.begin, w.end, 1, (), unit)
    return out.n * out.h


def _broadcast(
    op: Operation, low: Lowering, w: KernelWriter, images: list[Image], out: Image
) -> int:
    """NumPy broadcasting in any rank: loops over all dimensions, each operand with its own strides
    (0 where it has one)."""
    code = w.code
    assert isinstance(op.result.type, TensorType)
    shape = op.result.type.shape
    rank = len(shape)
    strides = [element_strides(v, low.image(v), rank) for v in op.operands]
    out_strides = element_strides(op.result, out, rank)

    def nest(d: int, bases: list[Index], base: Index) -> None:
        def step(i: Index, _: list[Value]) -> Sequence[Value]:
            inner = [code.offset(b, (i, s[d])) for b, s in zip(bases, strides, strict=True)]
            at = code.offset(base, (i, out_strides[d]))
            if d == rank - 1:
                args = [
                    im.load(code, w.pointers[v], o, 1)
                    for im, v, o in zip(images, op.operands, inner, strict=True)
                ]
                out.store(code, inline(code, op, args), w.pointers[op.result], at)
            else:
                nest(d + 1, inner, at)
            return ()

        attributes = {"vector": low.lanes()} if d == rank - 1 else {}
        code.loop(0, shape[d], 1, (), step, **attributes)

    starts: list[Index] = [im.origin for im in images]
    if rank == 0:
        args = [
            im.load(code, w.pointers[v], o, 1)
            for im, v, o in zip(images, op.operands, starts, strict=True)
        ]
        out.store(code, inline(code, op, args), w.pointers[op.result], 0)
        return 1
    nest(0, starts, out.origin)
    return 1


def element_strides(value: Value, image: Image, rank: int) -> list[int]:
    """Element strides of a tensor's dimensions, padded in front to `rank`; 0 for dimensions of
    size one."""
    assert isinstance(value.type, TensorType)
    shape = value.type.shape
    if len(shape) == 4:
        strides = [image.image, image.row, image.c, 1]
    else:
        strides, step = [], 1
        for d in reversed(shape):
            strides.insert(0, step)
            step *= d
    strides = [0 if d == 1 else s for s, d in zip(strides, shape, strict=True)]
    return [0] * (rank - len(shape)) + strides
