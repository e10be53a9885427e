"""Lane ops of `loop` as LLVM text."""

from __future__ import annotations

from litefuse.codegen.llvm.emit import Emitter, Handler
from litefuse.codegen.llvm.text import literal, suffix, vector_name
from litefuse.compiler.ir.core import IRError, Operation
from litefuse.compiler.ir.types import INDEX

_INTEGER = {"add": "add", "max": "smax", "min": "smin"}
_COMPARE = {"maxf": "ogt", "minf": "olt"}


def _splat(e: Emitter, op: Operation) -> None:
    lanes, element = e.shape(op.result.type)
    e.bind(op.result, e.splat(lanes, element, e.value(op.operands[0])))


def _extract(e: Emitter, op: Operation) -> None:
    vector = op.operands[0]
    lanes, element = e.shape(vector.type)
    a = e.value(vector)
    if lanes > 1:
        a = e.pure(f"extractelement <{lanes} x {element}> {a}, i32 {_lane(op, lanes)}", a)
    e.bind(op.result, a)


def _insert(e: Emitter, op: Operation) -> None:
    scalar, vector = op.operands
    lanes, element = e.shape(op.result.type)
    s, a = e.value(scalar), e.value(vector)
    if lanes > 1:
        s = e.pure(
            f"insertelement <{lanes} x {element}> {a}, {element} {s}, i32 {_lane(op, lanes)}", a, s
        )
    e.bind(op.result, s)


def _lane(op: Operation, lanes: int) -> int:
    lane: int = op["lane"]
    if not 0 <= lane < lanes:
        raise IRError(f"{op.name}: there is no lane {lane} in a vector of {lanes}")
    return lane


def _shuffle(e: Emitter, op: Operation) -> None:
    lanes, element = e.shape(op.operands[0].type)
    a, b = (e.value(v) for v in op.operands)
    mask = op["mask"]
    if lanes == 1:  # LLVM has no vector of one lane here: both operands are scalars
        picked = [a if m <= 0 else b for m in mask]
        result = picked[0]
        if len(mask) > 1:
            result = "poison"
            for i, s in enumerate(picked):
                text = f"insertelement <{len(mask)} x {element}> {result}, {element} {s}, i32 {i}"
                result = e.pure(text, result, s)
        e.bind(op.result, result)
        return
    if len(mask) == 1:
        m = max(0, mask[0])
        source = a if m < lanes else b
        e.bind(
            op.result,
            e.pure(f"extractelement <{lanes} x {element}> {source}, i32 {m % lanes}", source),
        )
        return
    same = a == b or all(m < lanes for m in mask)
    if a == b:
        mask = tuple(m % lanes if m >= 0 else m for m in mask)
    e.bind(op.result, e.shuffle(lanes, element, a, None if same else b, mask))


def _reduce(e: Emitter, op: Operation) -> None:
    """Integers by LLVM's reduction; floats by halves: lane i with lane i + n/2, an odd last lane at
    the end.
    """
    lanes, element = e.shape(op.operands[0].type)
    a, kind = e.value(op.operands[0]), op["kind"]
    if lanes == 1:
        e.bind(op.result, a)
        return
    if kind in _INTEGER:
        vector = vector_name(lanes, element)
        e.bind(
            op.result,
            e.call(
                element,
                f"llvm.vector.reduce.{_INTEGER[kind]}.{suffix(lanes, element)}",
                [(vector, a)],
            ),
        )
        return
    if kind != "addf" and kind not in _COMPARE:
        raise IRError(f"loop.reduce: no kind {kind!r}; there are add, max, min, addf, maxf, minf")
    rest: list[str] = []
    while lanes > 1:
        if lanes % 2:
            rest.append(e.pure(f"extractelement <{lanes} x {element}> {a}, i32 {lanes - 1}", a))
        half = lanes // 2
        if half == 1:
            low = e.pure(f"extractelement <{lanes} x {element}> {a}, i32 0", a)
            high = e.pure(f"extractelement <{lanes} x {element}> {a}, i32 1", a)
        else:
            low = e.shuffle(lanes, element, a, None, range(half))
            high = e.shuffle(lanes, element, a, None, range(half, 2 * half))
        a, lanes = _combine(e, kind, half, element, low, high), half
    for scalar in reversed(rest):
        a = _combine(e, kind, 1, element, a, scalar)
    e.bind(op.result, a)


def _combine(e: Emitter, kind: str, lanes: int, element: str, a: str, b: str) -> str:
    t = vector_name(lanes, element)
    if kind == "addf":
        return e.pure(f"fadd {t} {a}, {b}", a, b)
    c = e.pure(f"fcmp {_COMPARE[kind]} {t} {a}, {b}", a, b)
    return e.pure(f"select {vector_name(lanes, 'i1')} {c}, {t} {a}, {t} {b}", c, a, b)


def _iota(e: Emitter, op: Operation) -> None:
    lanes, element = e.shape(op.result.type)
    if op.result.type == INDEX:
        e.bind_index(op.result, None, 0)
        return
    e.bind(op.result, literal(tuple(range(lanes)), lanes, element))


HANDLERS: dict[str, Handler] = {
    "loop.splat": _splat, "loop.extract": _extract, "loop.insert": _insert,
    "loop.shuffle": _shuffle,
    "loop.reduce": _reduce, "loop.iota": _iota,
}  # fmt: skip
