"""The target's named multiply-accumulate instructions, and an exact expansion where a target lacks
one.

Vectors of any length: they are cut into registers, and the last one is padded.
"""

from __future__ import annotations

from collections.abc import Callable

from litefuse.codegen.llvm.emit import Emitter, Handler
from litefuse.codegen.llvm.text import vector_name
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import I32

# (emitter, lanes of the accumulator, accumulator, factor, factor) -> sum
Chunk = Callable[[Emitter, int, str, str, str], str]


def _pieces(lanes: int, widths: tuple[int, ...]) -> list[tuple[int, int]]:
    """(first lane, register lanes) of each register that together cover `lanes`; widths are
    descending.
    """
    pieces, first = [], 0
    while first < lanes:
        left = lanes - first
        width = next((w for w in widths if w <= left), widths[-1])
        if left > width and left < 2 * width and left <= widths[0]:
            width = next(w for w in reversed(widths) if w >= left)
        pieces.append((first, width))
        first += width
    return pieces


def _cut(e: Emitter, lanes: int, element: str, v: str, first: int, width: int, group: int) -> str:
    total = lanes * group
    mask = [i if i < total else -1 for i in range(first * group, (first + width) * group)]
    if total == 1:
        return e.pure(f"insertelement <{len(mask)} x {element}> poison, {element} {v}, i32 0", v)
    return e.shuffle(total, element, v, None, mask)


def _emit(e: Emitter, op: Operation, widths: tuple[int, ...], group: int, chunk: Chunk) -> None:
    acc, a, b = (e.value(v) for v in op.operands)
    lanes, _ = e.shape(op.result.type)
    element = "i8" if group == 4 else "i16"
    parts = []
    for first, width in _pieces(lanes, widths):
        parts.append(
            chunk(
                e, width,
                _cut(e, lanes, "i32", acc, first, width, 1),
                _cut(e, lanes, element, a, first, width, group),
                _cut(e, lanes, element, b, first, width, group),
            )
        )  # fmt: skip
    e.bind(op.result, join(e, parts, [w for _, w in _pieces(lanes, widths)], lanes))


def join(e: Emitter, parts: list[str], widths: list[int], lanes: int) -> str:
    """The first `lanes` lanes of several i32 vectors one after another."""
    whole, have = parts[0], widths[0]
    for part, width in zip(parts[1:], widths[1:], strict=True):
        grown = (
            e.shuffle(width, "i32", part, None, [*range(width), *([-1] * (have - width))])
            if width < have
            else part
        )
        whole = e.shuffle(have, "i32", whole, grown, [*range(have), *range(have, have + width)])
        have += width
    if lanes == 1:
        return e.pure(f"extractelement <{have} x i32> {whole}, i32 0", whole)
    return e.shuffle(have, "i32", whole, None, range(lanes))


def _dot4_us(e: Emitter, op: Operation) -> None:
    t = e.target
    if t.arch == "x86_64" and t.dot == "dot4_us":
        _emit(e, op, (16, 8, 4) if t.vector_bytes == 64 else (8, 4), 4, _vpdpbusd)
    elif "+i8mm" in t.features:
        _emit(e, op, (4,), 4, _usdot)
    elif "+dotprod" in t.features:
        _emit(e, op, (4,), 4, _us_by_sdot)
    else:
        _expand(e, op, 4, "zext", "sext")


def _dot4_ss(e: Emitter, op: Operation) -> None:
    t = e.target
    if t.arch == "x86_64" and t.dot == "dot4_us":
        _emit(e, op, (16, 8, 4) if t.vector_bytes == 64 else (8, 4), 4, _ss_by_vpdpbusd)
    elif "+dotprod" in t.features:
        _emit(e, op, (4,), 4, _sdot)
    else:
        _expand(e, op, 4, "sext", "sext")


def _dot2(e: Emitter, op: Operation) -> None:
    t = e.target
    if t.arch != "x86_64":
        _expand(e, op, 2, "sext", "sext")
    elif t.dot == "dot4_us":
        _emit(e, op, (16, 8, 4) if t.vector_bytes == 64 else (8, 4), 2, _vpdpwssd)
    else:
        widths = {64: (16, 8, 4), 32: (8, 4), 16: (4,)}[t.vector_bytes]
        _emit(e, op, widths, 2, _pmaddwd)


def _vpdpbusd(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    v, bytes_ = f"<{n} x i32>", f"<{4 * n} x i8>"
    return e.call(v, f"llvm.x86.avx512.vpdpbusd.{32 * n}", [(v, acc), (bytes_, a), (bytes_, b)])


def _ss_by_vpdpbusd(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    """a + 128 is unsigned; 128 times the sum of b is taken off again (hoisted where b stays)."""
    flip = f"splat (i8 {-128})"
    unsigned = e.pure(f"xor <{4 * n} x i8> {a}, {flip}", a)
    extra = _vpdpbusd(e, n, "zeroinitializer", flip, b)
    start = e.pure(f"sub <{n} x i32> {acc}, {extra}", acc, extra)
    return _vpdpbusd(e, n, start, unsigned, b)


def _vpdpwssd(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    v, words = f"<{n} x i32>", f"<{2 * n} x i16>"
    return e.call(v, f"llvm.x86.avx512.vpdpwssd.{32 * n}", [(v, acc), (words, a), (words, b)])


def _pmaddwd(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    name = {
        4: "llvm.x86.sse2.pmadd.wd",
        8: "llvm.x86.avx2.pmadd.wd",
        16: "llvm.x86.avx512.pmaddw.d.512",
    }[n]
    v, words = f"<{n} x i32>", f"<{2 * n} x i16>"
    product = e.call(v, name, [(words, a), (words, b)])
    return e.pure(f"add {v} {acc}, {product}", acc, product)


def _usdot(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    return e.call("<4 x i32>", "llvm.aarch64.neon.usdot.v4i32.v16i8",
                  [("<4 x i32>", acc), ("<16 x i8>", a), ("<16 x i8>", b)])  # fmt: skip


def _sdot(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    return e.call("<4 x i32>", "llvm.aarch64.neon.sdot.v4i32.v16i8",
                  [("<4 x i32>", acc), ("<16 x i8>", a), ("<16 x i8>", b)])  # fmt: skip


def _us_by_sdot(e: Emitter, n: int, acc: str, a: str, b: str) -> str:
    """a - 128 is signed; twice 64 times the sum of b is added back (hoisted where b stays)."""
    signed = e.pure(f"xor <16 x i8> {a}, splat (i8 -128)", a)
    extra = _sdot(e, n, _sdot(e, n, "zeroinitializer", "splat (i8 64)", b), "splat (i8 64)", b)
    start = e.pure(f"add <4 x i32> {acc}, {extra}", acc, extra)
    return _sdot(e, n, start, signed, b)


def _expand(e: Emitter, op: Operation, group: int, extend_a: str, extend_b: str) -> None:
    """Every n-th lane apart, widened, multiplied and added.

    On NEON this is the good sequence for dot2: the lanes that are picked apart are shared by all
    products that use the same factor, and each product then is one `smlal`.
    """
    acc = e.value(op.operands[0])
    lanes, _ = e.shape(op.result.type)
    element = "i8" if group == 4 else "i16"
    vector = vector_name(lanes, "i32")

    def part(v: Value, k: int, word: str) -> str:
        spread = _spread(v)
        if lanes == 1:
            narrow = _extract(e, group, element, e.value(v), k)
        elif spread is not None:
            # One group for all lanes: "multiply by element" reads it from a register as it lies.
            scalar = e.value(spread)
            one = e.pure(f"insertelement <4 x i32> poison, i32 {scalar}, i32 0", scalar)
            whole = e.pure(f"bitcast <4 x i32> {one} to <{4 * group} x {element}>", one)
            narrow = e.shuffle(4 * group, element, whole, None, [k] * lanes)
        else:
            narrow = e.shuffle(
                group * lanes, element, e.value(v), None, range(k, group * lanes, group)
            )
        source = vector_name(lanes, element)
        # Written next to the product: instruction selection only sees one block at a time.
        return e.near(f"{word} {source} {narrow} to {vector}")

    _, a, b = op.operands
    for k in range(group):
        x, y = part(a, k, extend_a), part(b, k, extend_b)
        product = e.pure(f"mul {vector} {x}, {y}", x, y)
        acc = e.pure(f"add {vector} {acc}, {product}", acc, product)
    e.bind(op.result, acc)


def _spread(v: Value) -> Value | None:
    """The i32 scalar that `v` is in all lanes, or None."""
    cast = v.op
    if cast is None or cast.name != "arith.bitcast":
        return None
    splat = cast.operands[0].op
    if splat is None or splat.name != "loop.splat" or splat.operands[0].type != I32:
        return None
    return splat.operands[0]


def _extract(e: Emitter, lanes: int, element: str, v: str, k: int) -> str:
    return e.pure(f"extractelement <{lanes} x {element}> {v}, i32 {k}", v)


HANDLERS: dict[str, Handler] = {
    "loop.dot4_us": _dot4_us,
    "loop.dot4_ss": _dot4_ss,
    "loop.dot2": _dot2,
}
