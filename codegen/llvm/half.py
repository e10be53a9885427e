"""Conversions of 16-bit floats by integer arithmetic, for machines whose LLVM lowering would call a
library.
"""

from __future__ import annotations

from litefuse.codegen.llvm.emit import Emitter
from litefuse.codegen.llvm.text import suffix, vector_name


class _Lanes:
    """Lane-wise instructions on one number of lanes."""

    def __init__(self, e: Emitter, lanes: int) -> None:
        self.e = e
        self.lanes = lanes

    def cast(self, word: str, a: str, source: str, target: str) -> str:
        s, t = vector_name(self.lanes, source), vector_name(self.lanes, target)
        return self.e.pure(f"{word} {s} {a} to {t}", a)

    def k(self, value: int) -> str:
        return self.e.splat(self.lanes, "i32", str(value))

    def op(self, word: str, a: str, b: str, element: str = "i32") -> str:
        return self.e.pure(f"{word} {vector_name(self.lanes, element)} {a}, {b}", a, b)

    def choose(self, c: str, a: str, b: str) -> str:
        t = vector_name(self.lanes, "i32")
        return self.e.pure(f"select {vector_name(self.lanes, 'i1')} {c}, {t} {a}, {t} {b}", c, a, b)


def extend_bfloat(e: Emitter, lanes: int, a: str) -> str:
    """bf16 -> f32: the same high bits."""
    n = _Lanes(e, lanes)
    bits = n.cast("zext", n.cast("bitcast", a, "bfloat", "i16"), "i16", "i32")
    return n.cast("bitcast", n.op("shl", bits, n.k(16)), "i32", "float")


def truncate_bfloat(e: Emitter, lanes: int, source: str, a: str) -> str:
    """f32 or f64 -> bf16, to nearest, ties to even; NaN stays NaN."""
    n = _Lanes(e, lanes)
    if source == "double":
        a = _odd_float(n, a)
    bits = n.cast("bitcast", a, "float", "i32")
    odd = n.op("and", n.op("lshr", bits, n.k(16)), n.k(1))
    rounded = n.op("add", bits, n.op("add", odd, n.k(0x7FFF)))
    quiet = n.op("or", bits, n.k(0x400000))
    nan = n.op("icmp ugt", n.op("and", bits, n.k(0x7FFFFFFF)), n.k(0x7F800000))
    high = n.op("lshr", n.choose(nan, quiet, rounded), n.k(16))
    return n.cast("bitcast", n.cast("trunc", high, "i32", "i16"), "i16", "bfloat")


def extend_half(e: Emitter, lanes: int, a: str) -> str:
    """f16 -> f32, exact, also where the processor flushes f32 denormals to zero."""
    n = _Lanes(e, lanes)
    bits = n.cast("zext", n.cast("bitcast", a, "half", "i16"), "i16", "i32")
    sign = n.op("shl", n.op("and", bits, n.k(0x8000)), n.k(16))
    magnitude = n.op("and", bits, n.k(0x7FFF))
    moved = n.op("shl", magnitude, n.k(13))
    normal = n.op("add", moved, n.k(112 << 23))
    step = e.splat(
        lanes, "float", "0x3E70000000000000"
    )  # 2^-24, the value of the last bit of a denormal
    tiny = n.op("fmul", n.cast("sitofp", magnitude, "i32", "float"), step, "float")
    body = n.choose(
        n.op("icmp ult", magnitude, n.k(0x400)), n.cast("bitcast", tiny, "float", "i32"), normal
    )
    body = n.choose(
        n.op("icmp uge", magnitude, n.k(0x7C00)), n.op("or", moved, n.k(0x7F800000)), body
    )
    return n.cast("bitcast", n.op("or", body, sign), "i32", "float")


def truncate_half(e: Emitter, lanes: int, source: str, a: str) -> str:
    """f32 or f64 -> f16, to nearest, ties to even."""
    n = _Lanes(e, lanes)
    if source == "double":
        a = _odd_float(n, a)
    bits = n.cast("bitcast", a, "float", "i32")
    sign = n.op("and", n.op("lshr", bits, n.k(16)), n.k(0x8000))
    x = n.op("and", bits, n.k(0x7FFFFFFF))
    # Denormal results: adding 0.5 leaves the rounded result in the low bits.
    half = e.splat(lanes, "float", "0x3FE0000000000000")
    pushed = n.op("fadd", n.cast("bitcast", x, "i32", "float"), half, "float")
    small = n.op("sub", n.cast("bitcast", pushed, "float", "i32"), n.k(0x3F000000))
    odd = n.op("and", n.op("lshr", x, n.k(13)), n.k(1))
    normal = n.op("add", n.op("add", x, n.k(0xFFF - (112 << 23))), odd)
    normal = n.op("lshr", normal, n.k(13))
    result = n.choose(n.op("icmp ult", x, n.k(113 << 23)), small, normal)
    result = n.choose(n.op("icmp uge", x, n.k(0x477FF000)), n.k(0x7C00), result)
    result = n.choose(n.op("icmp ugt", x, n.k(0x7F800000)), n.k(0x7E00), result)
    word = n.cast("trunc", n.op("or", result, sign), "i32", "i16")
    return n.cast("bitcast", word, "i16", "half")


def _odd_float(n: _Lanes, a: str) -> str:
    """f64 -> f32 rounded to odd, so that a second rounding to fewer bits is as if from f64."""
    near = n.cast("fptrunc", a, "double", "float")
    back = n.cast("fpext", near, "float", "double")
    exact = n.op("fcmp ueq", back, a, "double")
    bits = n.cast("bitcast", near, "float", "i32")
    # Step back to the truncated value where rounding went away from zero, then make the last bit
    # odd.
    name = f"llvm.fabs.{suffix(n.lanes, 'double')}"
    d = vector_name(n.lanes, "double")
    over = n.op("fcmp ogt", n.e.call(d, name, [(d, back)]), n.e.call(d, name, [(d, a)]), "double")
    cut = n.op("sub", bits, n.cast("zext", over, "i1", "i32"))
    return n.cast("bitcast", n.choose(exact, bits, n.op("or", cut, n.k(1))), "i32", "float")
