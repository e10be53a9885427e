"""Building and splicing the regions of `kern` ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litefuse.compiler.ir.core import UNKNOWN, Block, Location, Operation, Region, Value
from litefuse.compiler.ir.types import F32, F64, I1, I32, FloatType, Type, element_of


def scalar_of(t: Type) -> Type:
    """The scalar type that an element of this tensor type has inside a region: i32, f32, or f64 for f64."""
    element = element_of(t)
    if element == F64:
        return F64
    return F32 if isinstance(element, FloatType) else I32


class Body:
    """The region of a `kern` op under construction; every method appends one op and gives its value."""

    def __init__(self, arg_types: Sequence[Type], location: Location = UNKNOWN) -> None:
        self.block = Block(arg_types)
        self.location = location

    @property
    def args(self) -> list[Value]:
        """The block's arguments."""
        return self.block.args

    def append(
        self, name: str, operands: Sequence[Value], result: Type, **attributes: Any
    ) -> Value:
        """Any op with one result."""
        op = Operation(name, operands, [result], attributes, (), self.location)
        return self.block.append(op).result

    def op(self, name: str, *operands: Value, **attributes: Any) -> Value:
        """`arith.<name>` whose result has the first operand's type."""
        return self.append(f"arith.{name}", operands, operands[0].type, **attributes)

    def i32(self, value: int) -> Value:
        """An integer constant."""
        return self.append("arith.constant", (), I32, value=int(value))

    def f32(self, value: float) -> Value:
        """A float32 constant."""
        return self.append("arith.constant", (), F32, value=np.float32(value))

    def f64(self, value: float) -> Value:
        """A float64 constant."""
        return self.append("arith.constant", (), F64, value=float(value))

    def compare_float(self, predicate: str, a: Value, b: Value) -> Value:
        """An i1 from two floats."""
        return self.append("arith.cmpf", (a, b), I1, predicate=predicate)

    def compare_int(self, predicate: str, a: Value, b: Value) -> Value:
        """An i1 from two integers."""
        return self.append("arith.cmpi", (a, b), I1, predicate=predicate)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """`condition ? a : b`."""
        return self.append("arith.select", (condition, a, b), a.type)

    def to_float(self, x: Value, result: Type = F32) -> Value:
        """A signed integer as a float, to nearest."""
        return self.append("arith.sitofp", (x,), result)

    def to_int(self, x: Value) -> Value:
        """A float as i32, toward zero."""
        return self.append("arith.fptosi", (x,), I32)

    def round_to_int(self, x: Value) -> Value:
        """A float as i32, to nearest, ties away from zero, for |x| < 2**31.

        Adds the largest number below 0.5 and truncates: 0.5 itself would carry 0.49999997 up to 1, while with this one a tie
        still reaches the next integer, since that sum rounds to even.
        """
        if x.type == F64:
            half = self.f64(float(np.nextafter(0.5, 0.0)))
        else:
            half = self.f32(np.nextafter(np.float32(0.5), np.float32(0.0)))
        return self.to_int(self.op("addf", x, self.op("copysignf", half, x)))

    def clamp_int(self, x: Value, low: int, high: int) -> Value:
        """`min(max(x, low), high)`."""
        return self.op("minsi", self.op("maxsi", x, self.i32(low)), self.i32(high))

    def clamp_float(self, x: Value, low: float | None, high: float | None) -> Value:
        """`min(max(x, low), high)` where a bound is given.

        The bound is the first operand: `maxf(low, x)` is `low > x ? low : x`, so a NaN and a negative zero pass through as
        they do in the reference.
        """
        if low is not None:
            x = self.op("maxf", self.f32(low), x)
        if high is not None:
            x = self.op("minf", self.f32(high), x)
        return x

    def inline(self, block: Block, args: Sequence[Value]) -> Value:
        """Copy another region's ops with its arguments replaced; the value that it yields."""
        mapping: dict[Value, Value] = dict(zip(block.args, args, strict=True))
        for op in block.ops[:-1]:
            self.block.append(op.clone(mapping))
        result = block.terminator.operands[0]
        return mapping.get(result, result)

    def finish(self, result: Value) -> Region:
        """End with `kern.yield`."""
        self.block.append(Operation("kern.yield", (result,), location=self.location))
        return Region(self.block)


def identity(scalar: Type, location: Location = UNKNOWN) -> Region:
    """A region that yields its only argument."""
    body = Body([scalar], location)
    return body.finish(body.args[0])
