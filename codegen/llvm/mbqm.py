"""`arith.mbqm`, exactly: MultiplyByQuantizedMultiplier with double rounding, as short as what is
proved allows.

With e = max(-shift, 0), y = x << max(shift, 0) and q the multiplier, the definition (SRDHM, then
RDBP) is

    S = floor((y*q + 2^30) / 2^31)         rounds halves up; for all but INT_MIN twice
    r = floor((S + 2^(e-1) - (S < 0)) / 2^e)   for e > 0   rounds halves away from zero

and since floor(floor(u / m) / n) = floor(u / (m*n)), both roundings are one addition and one shift
of a 64-bit product:

    r = (y*q + 2^30 + [e > 0] * (2^(30+e) - [y < 0] * 2^31)) >> (31 + e)          for q >= 0

x86 has 32 x 32 -> 64 multiplication of even lanes only: odd lanes are moved down, and their result
is shifted so that it lands in the upper half, where a blend puts it in its place. All that depends
on q and shift alone is written as separate pure instructions, so it leaves the loop. The sign term
has three forms:

- positive: a clamp makes negative results irrelevant, so y is raised to 0;
- magnitude: |y| is multiplied, the sign is put back; exact unless S has a tie, for which y needs 30
- tz(q) bits;
- signed: the term itself.

NEON has both steps as instructions: sqrdmulh, then srshl with one added correction for negative
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from litefuse.codegen.llvm.dot import join
from litefuse.codegen.llvm.emit import Emitter
from litefuse.codegen.llvm.text import vector_name
from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.core import Operation, Value

_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of the operands; `low` and `high` bound the shift, `bound` is |x| after the
    left shift.
    """

    low: int
    high: int
    bound: int | None
    ties: bool
    positive: bool
    proved: bool  # the multiplier is not negative


def mbqm(e: Emitter, op: Operation) -> None:
    """Write one `arith.mbqm`."""
    lanes, _ = e.shape(op.result.type)
    x, q, shift = (e.value(v) for v in op.operands)
    facts = _facts(op, lanes)
    if lanes > 1 and e.target.arch == "aarch64":
        result = _neon(e, lanes, x, q, shift, facts)
    elif lanes > 1 and facts.proved:
        result = _paired(e, lanes, x, q, shift, facts)
    else:
        result = _plain(e, lanes, x, q, shift, facts)
    e.bind(op.result, result)


def _facts(op: Operation, lanes: int) -> _Facts:
    multipliers, shifts = (_numbers(v, lanes) for v in op.operands[1:])
    low, high = (min(shifts), max(shifts)) if shifts else op.get("shift_range") or (-31, 31)
    proved = min(multipliers) >= 0 if multipliers else op.get("shift_range") is not None
    zeros = op.get("max_trailing_zeros")
    if multipliers:
        zeros = max(((m & -m).bit_length() - 1 for m in multipliers if m), default=0)
    bound = op.get("x_bound")
    if bound is not None:
        bound <<= max(high, 0)
    ties = bound is None or zeros is None or bound >= 1 << max(0, 30 - zeros)
    return _Facts(low, high, bound, ties, bool(op.get("clamped_below")), proved)


def _numbers(v: Value, lanes: int) -> list[int] | None:
    """The lanes of a constant, or None."""
    op = v.op
    if op is not None and op.name == "loop.splat":
        op = op.operands[0].op
    if op is None or op.name != "arith.constant":
        return None
    value = op["value"]
    if isinstance(value, Dense):
        return [int(n) for n in value.array.reshape(-1)]
    if isinstance(value, (tuple, list)):
        return [int(n) for n in value]
    return [int(value)]


class _Vectors:
    """Instructions on one vector type, with literals folded: `op` of two literals is done here, not
    by LLVM.
    """

    def __init__(self, e: Emitter, lanes: int, element: str) -> None:
        self.e = e
        self.lanes = lanes
        self.element = element
        self.type = vector_name(lanes, element)

    def k(self, number: int) -> str:
        return self.e.splat(self.lanes, self.element, str(number))

    def op(self, word: str, a: str, b: str) -> str:
        return self.e.pure(f"{word} {self.type} {a}, {b}", a, b)

    def near(self, word: str, a: str, b: str) -> str:
        return self.e.near(f"{word} {self.type} {a}, {b}")

    def intrinsic(self, name: str, *operands: str) -> str:
        return self.e.call(self.type, name, [(self.type, o) for o in operands])

    def extreme(self, name: str, a: str, b: str) -> str:
        suffix = self.element if self.lanes == 1 else f"v{self.lanes}{self.element}"
        return self.intrinsic(f"llvm.{name}.{suffix}", a, b)


def _left(v: _Vectors, x: str, shift: str, f: _Facts) -> str:
    """x << max(shift, 0)."""
    if f.high <= 0:
        return x
    amount = v.extreme("smax", shift, v.k(0)) if f.low < 0 else shift
    if v.lanes > 1 and v.e.target.vector_bytes == 16 and v.e.target.arch == "x86_64":
        return v.op(
            "mul", x, v.op("shl", v.k(1), amount)
        )  # SSE shifts all lanes by one amount only
    return v.op("shl", x, amount)


def _right(v: _Vectors, shift: str, f: _Facts) -> str:
    """max(-shift, 0)."""
    if f.low >= 0:
        return v.k(0)
    negated = v.op("sub", v.k(0), shift)
    return v.extreme("smax", negated, v.k(0)) if f.high > 0 else negated


def _plain(e: Emitter, lanes: int, x: str, q: str, shift: str, f: _Facts) -> str:
    """Both steps as they are defined, for any operands."""
    v, w = _Vectors(e, lanes, "i32"), _Vectors(e, lanes, "i64")
    y = _left(v, x, shift, f)
    wide = [e.near(f"sext {v.type} {o} to {w.type}") for o in (y, q)]
    product = w.op("add", w.op("mul", *wide), w.k(1 << 30))
    s = e.pure(
        f"trunc {w.type} {w.op('lshr', product, w.k(31))} to {v.type}",
        w.op("lshr", product, w.k(31)),
    )
    if not f.proved:
        bits = vector_name(lanes, "i1")
        both = v.op("and", y, q), v.op("or", y, q)
        least = [v.op("icmp eq", o, v.k(-(1 << 31))) for o in both]
        c = e.pure(f"and {bits} {least[0]}, {least[1]}", *least)
        s = e.pure(f"select {bits} {c}, {v.type} {v.k((1 << 31) - 1)}, {v.type} {s}", c, s)
    if f.low >= 0:
        return s
    right = _right(v, shift, f)
    mask = v.op("sub", v.op("shl", v.k(1), right), v.k(1))
    threshold = v.op("add", v.op("lshr", mask, v.k(1)), v.op("lshr", s, v.k(31)))
    over = v.op("icmp sgt", v.op("and", s, mask), threshold)
    up = e.pure(f"zext {vector_name(lanes, 'i1')} {over} to {v.type}", over)
    return v.op("add", v.op("ashr", s, right), up)


def _neon(e: Emitter, lanes: int, x: str, q: str, shift: str, f: _Facts) -> str:
    parts = []
    for first in range(0, lanes, 4):
        take = [i if i < lanes else -1 for i in range(first, first + 4)]
        x4, q4, s4 = (_lanes(e, lanes, o, take) for o in (x, q, shift))
        parts.append(_neon_register(e, x4, q4, s4, f))
    return join(e, parts, [4] * len(parts), lanes)


def _lanes(e: Emitter, lanes: int, text: str, take: Sequence[int]) -> str:
    """Some lanes of a value or literal."""
    if text.startswith("%"):
        return e.shuffle(lanes, "i32", text, None, take)
    if not text.startswith("<"):
        return text  # a splat: the same in all lanes
    numbers = text.strip("<>").split(", ")
    return "<" + ", ".join(numbers[i] if i >= 0 else "i32 0" for i in take) + ">"


def _neon_register(e: Emitter, x: str, q: str, shift: str, f: _Facts) -> str:
    v = _Vectors(e, 4, "i32")
    s = v.intrinsic("llvm.aarch64.neon.sqrdmulh.v4i32", _left(v, x, shift, f), q)
    if f.low >= 0:
        return s
    right = (
        v.extreme("smin", shift, v.k(0)) if f.high > 0 else shift
    )  # srshl takes a negative number
    if not f.positive:
        minus = v.op("ashr", v.op("and", s, right), v.k(31))
        if f.bound is not None and f.bound < 1 << 31:
            s = v.op("add", s, minus)
        else:
            s = v.intrinsic("llvm.sadd.sat.v4i32", s, minus)
    return v.intrinsic("llvm.aarch64.neon.srshl.v4i32", s, right)


def _paired(e: Emitter, lanes: int, x: str, q: str, shift: str, f: _Facts) -> str:
    """Even and odd lanes as 64-bit products."""
    even = lanes + lanes % 2
    if even != lanes:
        take = [*range(lanes), -1]
        x, q, shift = (_lanes(e, lanes, o, take) for o in (x, q, shift))
    v = _Vectors(e, even, "i32")
    y = _left(v, x, shift, f)
    right = _right(v, shift, f)
    if f.positive:
        result = _unsigned(e, v, v.extreme("smax", y, v.k(0)), q, right, f)
    elif not f.ties:
        size = e.call(v.type, f"llvm.abs.v{even}i32", [(v.type, y), ("i1", "false")])
        size = _unsigned(e, v, size, q, right, f)
        result = _with_sign(e, v, size, y)
    else:
        result = _signed(e, v, y, q, right, f)
    return e.shuffle(even, "i32", result, None, range(lanes))


def _with_sign(e: Emitter, v: _Vectors, size: str, y: str) -> str:
    """`size`, negated where y is negative; `size` is 0 where y is 0."""
    bits = e.target.vector_bytes * 8
    if bits < 512 and v.lanes * 32 % bits == 0:
        name, n = {256: ("avx2.psign.d", 8), 128: ("ssse3.psign.d.128", 4)}[bits]
        t, parts = f"<{n} x i32>", []
        for first in range(0, v.lanes, n):
            pieces = [
                e.shuffle(v.lanes, "i32", o, None, range(first, first + n)) for o in (size, y)
            ]
            parts.append(e.call(t, f"llvm.x86.{name}", [(t, o) for o in pieces]))
        return join(e, parts, [n] * len(parts), v.lanes)
    negative = v.op("icmp slt", y, v.k(0))
    minus = v.op("sub", v.k(0), size)
    text = f"select <{v.lanes} x i1> {negative}, {v.type} {minus}, {v.type} {size}"
    return e.pure(text, negative, minus, size)


class _Halves:
    """The even and the odd lanes of i32 vectors as i64 vectors."""

    def __init__(self, e: Emitter, v: _Vectors) -> None:
        self.e = e
        self.v = v
        self.w = _Vectors(e, v.lanes // 2, "i64")

    def pairs(self, a: str) -> str:
        return self.e.pure(f"bitcast {self.v.type} {a} to {self.w.type}", a)

    def odd(self, a: str) -> str:
        """Odd lanes, moved down, zero extended."""
        return self.w.op("lshr", self.pairs(a), self.w.k(32))

    def both(self, a: str) -> tuple[str, str]:
        """Zero-extended even and odd lanes."""
        return self.w.op("and", self.pairs(a), self.w.k(_MASK)), self.odd(a)

    def unsigned_product(self, a: str, q: str, odd: bool) -> str:
        """The 64-bit product of the lower halves; `odd`: `a` has nothing in the upper ones."""
        w = self.w
        if not odd:
            a = w.near("and", a, w.k(_MASK))
        q = w.near("and", q, w.k(_MASK))
        return w.near("mul", a, q)

    def signed_product(self, a: str, q: str) -> str:
        """The 64-bit product of the lower halves as signed numbers."""
        w = self.w
        a, q = (w.near("ashr", w.near("shl", o, w.k(32)), w.k(32)) for o in (a, q))
        return w.near("mul", a, q)

    def merge(self, even: str, odd: str) -> str:
        """Lower halves of `even`, upper halves of `odd`."""
        n = self.v.lanes
        low, high = (
            self.e.pure(f"bitcast {self.w.type} {o} to {self.v.type}", o) for o in (even, odd)
        )
        return self.e.shuffle(n, "i32", low, high, [i + n * (i % 2) for i in range(n)])


def _rounding(w: _Vectors, right: str, unit: int, f: _Facts) -> str:
    """2^unit, plus 2^(unit + right) where right > 0."""
    one = w.k(1 << unit)
    if f.low >= 0:
        return one
    second = w.op("shl", one, right)
    if f.high >= 0:
        some = w.op("icmp ne", right, w.k(0))
        text = f"select <{w.lanes} x i1> {some}, {w.type} {second}, {w.type} {w.k(0)}"
        second = w.e.pure(text, some, second)
    return w.op("add", one, second)


def _unsigned(e: Emitter, v: _Vectors, a: str, q: str, right: str, f: _Facts) -> str:
    """For 0 <= a. The doubled multiplier puts odd results into the upper half with a shift that is
    never negative.
    """
    h = _Halves(e, v)
    w = h.w
    q2 = v.op("add", q, q)
    results = []
    for lanes, multiplier, r, extra in zip(
        (h.pairs(a), h.odd(a)), (h.pairs(q2), h.odd(q2)), h.both(right), (32, 0), strict=True
    ):
        total = w.op(
            "add", h.unsigned_product(lanes, multiplier, not extra), _rounding(w, r, 31, f)
        )
        amount = w.op("add", r, w.k(extra)) if extra else r
        results.append(total if f.low >= 0 and not extra else w.op("lshr", total, amount))
    return h.merge(*results)


def _signed(e: Emitter, v: _Vectors, y: str, q: str, right: str, f: _Facts) -> str:
    """The formula of this file's head. Without a 64-bit arithmetic shift, 2^62 is added before and
    taken off after.
    """
    h = _Halves(e, v)
    w = h.w
    arithmetic = e.target.vector_bytes == 64
    results = []
    for n, (lanes, multiplier, r) in enumerate(
        zip((h.pairs(y), h.odd(y)), (h.pairs(q), h.odd(q)), h.both(right), strict=True)
    ):
        start = _rounding(w, r, 30, f)
        if not arithmetic:
            start = w.op("add", start, w.k(1 << 62))
        total = w.op("add", h.signed_product(lanes, multiplier), start)
        if f.low < 0:
            sign = w.k(1 << 31)
            if f.high >= 0:
                some = w.op("icmp ne", r, w.k(0))
                sign = e.pure(
                    f"select <{w.lanes} x i1> {some}, {w.type} {sign}, {w.type} {w.k(0)}", some
                )
            total = w.op("sub", total, w.op("and", lanes, sign))
        word = "ashr" if arithmetic else "lshr"
        if n and f.high < 0:
            total = w.op(word, total, w.op("sub", r, w.k(1)))
        else:
            total = w.op(word, total, w.op("add", r, w.k(31)))
            if n:
                total = w.op("shl", total, w.k(32))
        results.append(total)
    result = h.merge(*results)
    if arithmetic:
        return result
    return v.op("sub", result, v.op("lshr", v.k(-(1 << 31)), right))
