"""`Code`: writes loop IR. Index arithmetic on Python numbers is done at once; only what is unknown
becomes an op."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from litefuse.compiler.ir.core import UNKNOWN, Block, Builder, Location, Operation, Region, Value
from litefuse.compiler.ir.types import (
    I1,
    I32,
    INDEX,
    PTR,
    FloatType,
    IndexType,
    IntegerType,
    Type,
    VectorType,
    element_of,
    lanes_of,
    vector,
)

Index: TypeAlias = int | Value
Body: TypeAlias = "Callable[[Index, list[Value]], Sequence[Value]]"


class Code:
    """A writer of ops at the end of a block; loop bodies move the end into themselves while they
    are written."""

    def __init__(self, block: Block, location: Location = UNKNOWN) -> None:
        self.builder = Builder(block, None, location)
        self._constants: list[dict[tuple[object, Type], Value]] = [{}]

    # -- constants and index arithmetic ------------------------------------------------------------

    def constant(self, value: int | float, kind: Type) -> Value:
        """A number of that type (all lanes the same for a vector); written once a scope."""
        key = (repr(value), kind)
        for scope in self._constants:
            if key in scope:
                return scope[key]
        op = self.builder.create("arith.constant", (), (kind,), {"value": value})
        self._constants[-1][key] = op.result
        return op.result

    def value(self, index: Index) -> Value:
        """An index as a value."""
        return index if isinstance(index, Value) else self.constant(index, INDEX)

    def add(self, a: Index, b: Index) -> Index:
        """a + b of indices."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if isinstance(a, int) and a == 0:
            return b
        if isinstance(b, int) and b == 0:
            return a
        return self.op("arith.addi", self.value(a), self.value(b))

    def sub(self, a: Index, b: Index) -> Index:
        """a - b of indices."""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        if isinstance(b, int) and b == 0:
            return a
        return self.op("arith.subi", self.value(a), self.value(b))

    def mul(self, a: Index, b: Index) -> Index:
        """a * b of indices."""
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        for x, y in ((a, b), (b, a)):
            if isinstance(x, int) and x == 0:
                return 0
            if isinstance(x, int) and x == 1:
                return y
        return self.op("arith.muli", self.value(a), self.value(b))

    def div(self, a: Index, b: int) -> Index:
        """a // b for a not negative."""
        if b == 1:
            return a
        if isinstance(a, int):
            return a // b
        return self.op("arith.divsi", a, self.value(b))

    def rem(self, a: Index, b: int) -> Index:
        """a % b for a not negative."""
        if b == 1:
            return 0
        if isinstance(a, int):
            return a % b
        return self.op("arith.remsi", a, self.value(b))

    def least(self, a: Index, b: Index) -> Index:
        """min(a, b)."""
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        return self.op("arith.minsi", self.value(a), self.value(b))

    def most(self, a: Index, b: Index) -> Index:
        """max(a, b)."""
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        return self.op("arith.maxsi", self.value(a), self.value(b))

    def offset(self, *terms: tuple[Index, int] | Index) -> Index:
        """The sum of indices and of (index, stride) products."""
        total: Index = 0
        fixed = 0
        for term in terms:
            product = self.mul(*term) if isinstance(term, tuple) else term
            if isinstance(product, int):
                fixed += product
            else:
                total = self.add(total, product)
        return self.add(total, fixed)

    # -- ops ---------------------------------------------------------------------------------------

    def op(
        self, name: str, *operands: Value, result: Type | None = None, **attributes: object
    ) -> Value:
        """An op with one result, of the first operand's type unless said otherwise."""
        return self.builder.create(name, operands, (result or operands[0].type,), attributes).result

    def load(
        self, ptr: Value, offset: Index, kind: Type, *, align: int = 0, invariant: bool = False
    ) -> Value:
        """ptr[offset] as a scalar or vector."""
        attributes: dict[str, object] = {}
        if align:
            attributes["align"] = align
        if invariant:
            attributes["invariant"] = True
        return self.builder.create(
            "loop.load", (ptr, self.value(offset)), (kind,), attributes
        ).result

    def store(self, value: Value, ptr: Value, offset: Index, *, align: int = 0) -> None:
        """ptr[offset] = value."""
        self.builder.create(
            "loop.store", (value, ptr, self.value(offset)), (), {"align": align} if align else None
        )

    def splat(self, scalar: Value, lanes: int) -> Value:
        """A scalar in all lanes (itself for one lane)."""
        if lanes == 1:
            return scalar
        return self.op("loop.splat", scalar, result=vector(lanes, scalar.type))

    def shuffle(self, a: Value, b: Value, mask: Sequence[int]) -> Value:
        """Lanes of (a, b) chosen by the mask."""
        return self.op(
            "loop.shuffle", a, b, result=vector(len(mask), element_of(a.type)), mask=tuple(mask)
        )

    def first_lanes(self, v: Value, lanes: int) -> Value:
        """The first lanes of a vector."""
        if lanes == lanes_of(v.type):
            return v
        if lanes == 1:
            return self.op("loop.extract", v, result=element_of(v.type), lane=0)
        return self.shuffle(v, v, range(lanes))

    def convert(self, v: Value, to: Type) -> Value:
        """A lane-wise conversion between integers (signed), floats and index, picking the cast by
        the types."""
        source, target = element_of(v.type), element_of(to)
        wanted = vector(lanes_of(v.type), target)
        if source == target:
            return v
        if isinstance(source, IndexType) or isinstance(target, IndexType):
            return self.op("arith.index_cast", v, result=wanted)
        if isinstance(source, IntegerType) and isinstance(target, IntegerType):
            return self.op(
                "arith.trunci" if target.width < source.width else "arith.extsi", v, result=wanted
            )
        if isinstance(source, IntegerType):
            return self.op("arith.sitofp", v, result=wanted)
        if isinstance(target, IntegerType):
            return self.op("arith.fptosi", v, result=wanted)
        assert isinstance(source, FloatType)
        assert isinstance(target, FloatType)
        return self.op(
            "arith.truncf" if target.width < source.width else "arith.extf", v, result=wanted
        )

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """A comparison of integers, indices or floats."""
        name = "arith.cmpf" if isinstance(element_of(a.type), FloatType) else "arith.cmpi"
        return self.op(name, a, b, result=vector(lanes_of(a.type), I1), predicate=predicate)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """`condition ? a : b`."""
        return self.op("arith.select", condition, a, b, result=a.type)

    # -- structure ---------------------------------------------------------------------------------

    def loop(
        self,
        lower: Index,
        upper: Index,
        step: int,
        inits: Sequence[Value],
        body: Body,
        **attributes: object,
    ) -> list[Value]:
        """A counted loop. Trips known to be zero or one leave no loop behind."""
        if isinstance(lower, int) and isinstance(upper, int):
            if lower >= upper:
                return list(inits)
            if lower + step >= upper:
                return list(body(lower, list(inits)))
        block = Block([INDEX, *(v.type for v in inits)])
        op = Operation(
            "loop.for",
            [self.value(lower), self.value(upper), *inits],
            [v.type for v in inits],
            {"step": step, **attributes},
            [Region(block)],
            self.builder.location,
        )
        self.builder.insert(op)
        outer = self.builder.block
        self.builder.block = block
        self._constants.append({})
        results = body(block.args[0], block.args[1:])
        self.builder.create("loop.yield", tuple(results))
        self._constants.pop()
        self.builder.block = outer
        return op.results

    def when(self, condition: Value, body: Callable[[], None]) -> None:
        """Run the body where the condition holds."""
        block = Block()
        op = Operation("loop.if", [condition], (), None, [Region(block)], self.builder.location)
        self.builder.insert(op)
        outer = self.builder.block
        self.builder.block = block
        self._constants.append({})
        body()
        self.builder.create("loop.yield")
        self._constants.pop()
        self.builder.block = outer


def kernel(
    name: str, pointers: Sequence[str], location: Location = UNKNOWN
) -> tuple[Operation, Code, list[Value], Value, Value]:
    """A new `loop.func`: the op, a writer at its body, the pointer arguments, begin and end. Close
    it with `finish`."""
    block = Block([PTR] * len(pointers) + [INDEX, INDEX], [*pointers, "begin", "end"])
    op = Operation("loop.func", (), (), {"sym_name": name}, [Region(block)], location)
    return op, Code(block, location), block.args[:-2], block.args[-2], block.args[-1]


def finish(code: Code) -> None:
    """End a kernel."""
    code.builder.create("loop.return")


__all__ = ["I32", "Code", "Index", "VectorType", "finish", "kernel"]
