"""`arith` ops as LLVM text, on scalars and vectors alike."""

from __future__ import annotations

from litefuse.codegen.llvm.emit import Emitter, Handler, constant_operand
from litefuse.codegen.llvm.half import extend_bfloat, extend_half, truncate_bfloat, truncate_half
from litefuse.codegen.llvm.mbqm import mbqm
from litefuse.codegen.llvm.text import suffix, vector_name
from litefuse.compiler.ir.core import Operation
from litefuse.compiler.ir.types import INDEX

_BINARY = {
    "addi": "add", "subi": "sub", "muli": "mul", "andi": "and", "ori": "or", "xori": "xor",
    "shli": "shl", "shrsi": "ashr", "shrui": "lshr",
    "addf": "fadd", "subf": "fsub", "mulf": "fmul", "divf": "fdiv",
}  # fmt: skip
_INTRINSIC = {
    "minsi": "smin", "maxsi": "smax", "copysignf": "copysign", "absf": "fabs", "sqrtf": "sqrt",
    "floorf": "floor",
    "ceilf": "ceil", "truncf_int": "trunc", "roundevenf": "roundeven",
}  # fmt: skip
_CAST = {
    "extsi": "sext",
    "extui": "zext",
    "trunci": "trunc",
    "sitofp": "sitofp",
    "fptosi": "fptosi",
}


def _binary(e: Emitter, op: Operation) -> None:
    a, b = (e.value(v) for v in op.operands)
    text = f"{_BINARY[op.name[6:]]} {e.type(op.result.type)} {a}, {b}"
    e.bind(op.result, e.pure(text, a, b))


def _index_sum(e: Emitter, op: Operation) -> None:
    """addi and subi: on index values the constants are kept apart."""
    if op.result.type != INDEX:
        _binary(e, op)
        return
    (a, m), (b, n) = (e.index(v) for v in op.operands)
    if op.name == "arith.subi":
        n = -n
    if b is None:
        e.bind_index(op.result, a, m + n)
    elif op.name == "arith.subi":
        e.bind_index(op.result, e.pure(f"sub nsw i64 {a or 0}, {b}", a or "0", b), m + n)
    elif a is None:
        e.bind_index(op.result, b, m + n)
    else:
        if e.depth.get(a, 0) < e.depth.get(b, 0):
            a, b = b, a
        e.bind_index(op.result, e.pure(f"add nsw i64 {a}, {b}", a, b), m + n)


def _index_product(e: Emitter, op: Operation) -> None:
    """muli: on index values a constant factor is distributed over the constant."""
    if op.result.type != INDEX:
        _binary(e, op)
        return
    (a, m), (b, n) = (e.index(v) for v in op.operands)
    if a is None:
        a, m, b, n = b, n, a, m
    if a is None:
        e.bind_index(op.result, None, m * n)
    elif b is None:
        base = None if n == 0 else a if n == 1 else e.pure(f"mul nsw i64 {a}, {n}", a)
        e.bind_index(op.result, base, m * n)
    else:
        x, y = e.sum(a, m), e.sum(b, n)
        e.bind_index(op.result, e.pure(f"mul nsw i64 {x}, {y}", x, y), 0)


def _divide(e: Emitter, op: Operation) -> None:
    """divsi and remsi: may trap, so they stay where they are unless the divisor is a nonzero
    literal.
    """
    name = "sdiv" if op.name == "arith.divsi" else "srem"
    if op.result.type == INDEX:
        a, b = (e.constant_index(v) for v in op.operands)
        if a is not None and b:
            q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            e.bind_index(op.result, None, q if name == "sdiv" else a - q * b)
            return
    x, y = (e.value(v) for v in op.operands)
    text = f"{name} {e.type(op.result.type)} {x}, {y}"
    literal = y.lstrip("-").isdigit() and int(y) != 0
    e.bind(op.result, e.pure(text, x, y) if literal else e.here(text))


def _intrinsic(e: Emitter, op: Operation) -> None:
    lanes, element = e.shape(op.result.type)
    t = vector_name(lanes, element)
    operands = [(t, e.value(v)) for v in op.operands]
    e.bind(
        op.result, e.call(t, f"llvm.{_INTRINSIC[op.name[6:]]}.{suffix(lanes, element)}", operands)
    )


def _extremum(e: Emitter, op: Operation) -> None:
    """maxf and minf. Comparison and select are one instruction on x86, and on Arm where a NaN
    cannot matter.
    """
    a, b = (e.value(v) for v in op.operands)
    predicate = "ogt" if op.name == "arith.maxf" else "olt"
    e.bind(op.result, choose(e, f"fcmp {predicate}", op, a, b))


def choose(e: Emitter, comparison: str, op: Operation, a: str, b: str) -> str:
    """`comparison(a, b) ? a : b` in the op's result type."""
    lanes, element = e.shape(op.result.type)
    t = vector_name(lanes, element)
    c = e.pure(f"{comparison} {t} {a}, {b}", a, b)
    return e.pure(f"select {vector_name(lanes, 'i1')} {c}, {t} {a}, {t} {b}", c, a, b)


def _negate(e: Emitter, op: Operation) -> None:
    a = e.value(op.operands[0])
    e.bind(op.result, e.pure(f"fneg {e.type(op.result.type)} {a}", a))


def _fma(e: Emitter, op: Operation) -> None:
    lanes, element = e.shape(op.result.type)
    t = vector_name(lanes, element)
    a, b, c = (e.value(v) for v in op.operands)
    if e.target.fma:
        e.bind(op.result, e.call(t, f"llvm.fma.{suffix(lanes, element)}", [(t, a), (t, b), (t, c)]))
        return
    product = e.pure(f"fmul {t} {a}, {b}", a, b)
    e.bind(op.result, e.pure(f"fadd {t} {product}, {c}", product, c))


def _compare(e: Emitter, op: Operation) -> None:
    a, b = (e.value(v) for v in op.operands)
    word = "icmp" if op.name == "arith.cmpi" else "fcmp"
    e.bind(
        op.result, e.pure(f"{word} {op['predicate']} {e.type(op.operands[0].type)} {a}, {b}", a, b)
    )


def _select(e: Emitter, op: Operation) -> None:
    c, a, b = (e.value(v) for v in op.operands)
    t = e.type(op.result.type)
    text = f"select {e.type(op.operands[0].type)} {c}, {t} {a}, {t} {b}"
    e.bind(op.result, e.pure(text, c, a, b))


def _cast(e: Emitter, op: Operation) -> None:
    a = e.value(op.operands[0])
    text = f"{_CAST[op.name[6:]]} {e.type(op.operands[0].type)} {a} to {e.type(op.result.type)}"
    e.bind(op.result, e.pure(text, a))


def _bitcast(e: Emitter, op: Operation) -> None:
    if e.bound(op.result):  # the load before it has read this type
        return
    a = e.value(op.operands[0])
    source, target = e.type(op.operands[0].type), e.type(op.result.type)
    e.bind(op.result, a if source == target else e.pure(f"bitcast {source} {a} to {target}", a))


def _index_cast(e: Emitter, op: Operation) -> None:
    value = op.operands[0]
    (lanes, source), (_, target) = e.shape(value.type), e.shape(op.result.type)
    if value.type == INDEX and op.result.type == INDEX:
        e.bind_index(op.result, *e.index(value))
        return
    a = e.value(value)
    have, want = int(source[1:]), int(target[1:])
    if have != want:
        word = "sext" if want > have else "trunc"
        a = e.pure(f"{word} {vector_name(lanes, source)} {a} to {vector_name(lanes, target)}", a)
    e.bind(op.result, a)


def _float_cast(e: Emitter, op: Operation) -> None:
    """extf and truncf. Conversions that LLVM would do by calling a library are written out."""
    a = e.value(op.operands[0])
    (lanes, source), (_, target) = e.shape(op.operands[0].type), e.shape(op.result.type)
    by_hand = e.target.arch == "x86_64" and "f16c" not in e.target.required
    if op.name == "arith.extf":
        if source == "bfloat":
            e.bind(op.result, widen(e, extend_bfloat(e, lanes, a), lanes, target))
            return
        if source == "half" and by_hand:
            e.bind(op.result, widen(e, extend_half(e, lanes, a), lanes, target))
            return
        word = "fpext"
    else:
        if target == "bfloat":
            e.bind(op.result, truncate_bfloat(e, lanes, source, a))
            return
        if target == "half" and (by_hand or source == "double"):
            e.bind(op.result, truncate_half(e, lanes, source, a))
            return
        word = "fptrunc"
    text = f"{word} {vector_name(lanes, source)} {a} to {vector_name(lanes, target)}"
    e.bind(op.result, e.pure(text, a))


def widen(e: Emitter, a: str, lanes: int, target: str) -> str:
    """An f32 operand as `target`, which is f32 or f64."""
    if target == "float":
        return a
    return e.pure(f"fpext {vector_name(lanes, 'float')} {a} to {vector_name(lanes, target)}", a)


HANDLERS: dict[str, Handler] = {
    "arith.constant": constant_operand,
    **{f"arith.{n}": _binary for n in _BINARY},
    "arith.addi": _index_sum, "arith.subi": _index_sum, "arith.muli": _index_product,
    "arith.divsi": _divide, "arith.remsi": _divide,
    **{f"arith.{n}": _intrinsic for n in _INTRINSIC},
    "arith.maxf": _extremum, "arith.minf": _extremum,
    "arith.negf": _negate, "arith.fma": _fma, "arith.cmpi": _compare, "arith.cmpf": _compare,
    "arith.select": _select,
    **{f"arith.{n}": _cast for n in _CAST},
    "arith.extf": _float_cast, "arith.truncf": _float_cast,
    "arith.index_cast": _index_cast, "arith.bitcast": _bitcast, "arith.mbqm": mbqm,
}  # fmt: skip
