"""What the integers of tensors can be, followed through a function: the base of proofs about regions."""

from __future__ import annotations

import math

import numpy as np

from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import IntegerType, QuantizedType, TensorType
from litefuse.passes.support.constants import constant
from litefuse.passes.support.intervals import Interval, region_intervals

# Number of operands that are not extras.
_FIRST_EXTRA = {"kern.contract": 2, "kern.window": 1, "kern.reduce": 1, "kern.map": 0}
_MOVES = (
    "kern.reshape",
    "kern.transpose",
    "kern.slice",
    "kern.resize_nearest",
    "kern.concat",
    "kern.pad",
)


class Ranges:
    """The ranges of a function's tensors; ops are to be visited in order."""

    def __init__(self) -> None:
        self.known: dict[Value, Interval] = {}

    def visit(self, op: Operation) -> dict[Value, Interval] | None:
        """Learn an op's result; for one with a region, the intervals of the region's i32 values."""
        if op.name in _MOVES:
            self._moved(op)
        if op.name not in _FIRST_EXTRA:
            return None
        inside = region_intervals(op.body, self._arguments(op))
        self._yielded(op, inside)
        return inside

    def of(self, value: Value) -> Interval | None:
        """What the stored elements can be; None where they are no integers of up to 32 bits."""
        return self.known.get(value) or storage_range(value)

    def of_x(self, contract: Operation) -> Interval | None:
        """What a contraction reads of x in stored form, its padding included."""
        x = self.of(contract.operands[0])
        if x is None or not any(contract.get("pad", ())):
            return x
        outside = int(contract.get("pad_value", contract.get("x_zero_point", 0)))
        return Interval.of(min(x.least, outside), max(x.most, outside))

    def _arguments(self, op: Operation) -> list[Interval | None]:
        first = _FIRST_EXTRA[op.name]
        x = self.of(op.operands[0])
        found: list[Interval | None] = []
        if op.name == "kern.contract":
            found.append(self._sums_of_products(op))
        elif op.name == "kern.window":
            taps = math.prod(op["window"])
            found += [x if op["kind"] == "max" else _sums(x, taps), Interval.of(1, taps)]
        elif op.name == "kern.reduce":
            shape = op.operands[0].type.shape  # type: ignore[attr-defined]
            count = math.prod(shape[a] for a in op["axes"])
            found.append(_sums(x, count) if op["kind"] == "sum" else x)
        for value, role in zip(op.operands[first:], op["roles"], strict=True):
            array = constant(value)
            if array is None or array.dtype.kind != "i" or not array.size:
                found.append(self.of(value))
            elif role == "channel" or array.size == 1:
                found.append(Interval.of(array.reshape(-1), array.reshape(-1)))
            else:
                found.append(Interval.of(array.min(), array.max()))
        return found

    def _sums_of_products(self, op: Operation) -> Interval | None:
        """A channel's sum is largest where x is largest under positive weights and least under negative ones."""
        x, w = self.of_x(op), constant(op.operands[1])
        if x is None or w is None or w.dtype.kind != "i":
            return None
        zero_point = int(op.get("x_zero_point", 0))
        low, high = x.least - zero_point, x.most - zero_point
        over = (0, 1, 2) if op["kind"] == "depthwise" else tuple(range(1, w.ndim))
        wide = w.astype(np.int64)
        positive = np.maximum(wide, 0).sum(axis=over)
        negative = np.minimum(wide, 0).sum(axis=over)
        return Interval.of(positive * low + negative * high, positive * high + negative * low)

    def _yielded(self, op: Operation, inside: dict[Value, Interval]) -> None:
        stored = storage_range(op.result)
        found = inside.get(op.body.terminator.operands[0])
        if stored is None or found is None:
            return
        if found.least >= stored.least and found.most <= stored.most:
            self.known[op.result] = Interval.of(found.least, found.most)

    def _moved(self, op: Operation) -> None:
        found = [x for x in map(self.of, op.operands) if x is not None]
        if len(found) != len(op.operands):
            return
        low, high = min(x.least for x in found), max(x.most for x in found)
        if op.name == "kern.pad":
            low, high = min(low, int(op["value"])), max(high, int(op["value"]))
        self.known[op.result] = Interval.of(low, high)


def storage_range(value: Value) -> Interval | None:
    """What the type alone allows; None where elements are no integers of up to 32 bits."""
    element = value.type.element if isinstance(value.type, TensorType) else value.type
    storage = element.storage if isinstance(element, QuantizedType) else element
    if not isinstance(storage, IntegerType) or storage.width > 32:
        return None
    if storage.signedness == "u":
        return Interval.of(0, 2**storage.width - 1)
    half = 2 ** (storage.width - 1)
    return Interval.of(-half, half - 1)


def _sums(x: Interval | None, taps: int) -> Interval | None:
    """The sum of at least one and at most `taps` elements."""
    if x is None:
        return None
    return Interval.of(min(x.least, x.least * taps), max(x.most, x.most * taps))
