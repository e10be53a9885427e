"""Interval arithmetic on the i32 values of a region: what a value can be at least and at most, a channel at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.core import Block, Operation, Value
from litefuse.compiler.ir.types import I32
from litefuse.runtime.kernels.fixed_point import INT32_MAX, INT32_MIN, mbqm

Bounds: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """[low, high], both arrays that broadcast over the last dimension (or have no dimension)."""

    low: Bounds
    high: Bounds

    @classmethod
    def of(cls, low: Any, high: Any) -> Interval:
        """From numbers or arrays; what leaves the range of i32 may wrap, so it becomes all of i32."""
        lo, hi = np.asarray(low, np.int64), np.asarray(high, np.int64)
        lo, hi = np.broadcast_arrays(lo, hi)
        fits = (lo >= INT32_MIN) & (hi <= INT32_MAX)
        return cls(np.where(fits, lo, INT32_MIN), np.where(fits, hi, INT32_MAX))

    @property
    def least(self) -> int:
        """The least value over all channels."""
        return int(self.low.min())

    @property
    def most(self) -> int:
        """The largest value over all channels."""
        return int(self.high.max())

    @property
    def magnitude(self) -> int:
        """The largest absolute value over all channels."""
        return max(abs(self.least), abs(self.most))

    @property
    def exact(self) -> Bounds | None:
        """The values themselves where low equals high: a constant."""
        return self.low if np.array_equal(self.low, self.high) else None


ANYTHING = Interval.of(INT32_MIN, INT32_MAX)


def region_intervals(block: Block, args: list[Interval | None]) -> dict[Value, Interval]:
    """The interval of each i32 value in a region, given those of its arguments (None: not an i32, or unknown)."""
    known: dict[Value, Interval] = {}
    for arg, interval in zip(block.args, args, strict=True):
        if arg.type == I32:
            known[arg] = interval if interval is not None else ANYTHING
    for op in block.ops:
        if len(op.results) == 1 and op.result.type == I32:
            known[op.result] = _result(op, known)
    return known


def _result(op: Operation, known: dict[Value, Interval]) -> Interval:
    if op.name == "arith.constant":
        return Interval.of(op["value"], op["value"])
    values = op.operands[1:] if op.name == "arith.select" else op.operands
    rule = _RULES.get(op.name.partition(".")[2])
    if rule is None or any(v not in known for v in values):
        return ANYTHING
    return rule(*(known[v] for v in values))


def _corners(f: Callable[[Bounds, Bounds], Bounds]) -> Callable[[Interval, Interval], Interval]:
    """The rule of an operation that is monotone in each operand: its extremes lie at the corners."""

    def rule(a: Interval, b: Interval) -> Interval:
        corners = np.stack(
            np.broadcast_arrays(*(f(x, y) for x in (a.low, a.high) for y in (b.low, b.high)))
        )
        return Interval.of(corners.min(axis=0), corners.max(axis=0))

    return rule


def _divide(a: Interval, b: Interval) -> Interval:
    if b.least < 1:
        return ANYTHING
    return _corners(lambda x, y: np.sign(x) * (np.abs(x) // y))(a, b)


def _shift_left(a: Interval, b: Interval) -> Interval:
    if b.exact is None or b.least < 0 or b.most > 31:
        return ANYTHING
    return Interval.of(a.low << b.low, a.high << b.low)


def _shift_right(a: Interval, b: Interval) -> Interval:
    if b.exact is None or b.least < 0 or b.most > 31:
        return ANYTHING
    return Interval.of(a.low >> b.low, a.high >> b.low)


def _mbqm(x: Interval, multiplier: Interval, shift: Interval) -> Interval:
    q, s = multiplier.exact, shift.exact
    if q is None or s is None or multiplier.least < 0:
        return ANYTHING
    left = np.maximum(s, 0)
    wide = Interval.of(x.low << left, x.high << left)
    right = np.minimum(s, 0)
    return Interval.of(mbqm(wide.low, q, right), mbqm(wide.high, q, right))


_RULES: dict[str, Callable[..., Interval]] = {
    "addi": lambda a, b: Interval.of(a.low + b.low, a.high + b.high),
    "subi": lambda a, b: Interval.of(a.low - b.high, a.high - b.low),
    "muli": _corners(lambda x, y: x * y),
    "divsi": _divide,
    "minsi": lambda a, b: Interval.of(np.minimum(a.low, b.low), np.minimum(a.high, b.high)),
    "maxsi": lambda a, b: Interval.of(np.maximum(a.low, b.low), np.maximum(a.high, b.high)),
    "select": lambda a, b: Interval.of(np.minimum(a.low, b.low), np.maximum(a.high, b.high)),
    "shli": _shift_left,
    "shrsi": _shift_right,
    "mbqm": _mbqm,
}
