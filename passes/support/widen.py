"""A loop body written again for several iterations at once: lane l of each vector is iteration l.

A value of the body is one of four things:

- uniform: the same in all lanes, a scalar;
- affine: an index, `base + lane * stride` with a uniform base;
- apart: an index that is neither, one scalar a lane;
- wide: a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from litefuse.compiler.ir.attributes import Dense
from litefuse.compiler.ir.core import Block, Builder, IRError, Operation, Region, Value
from litefuse.compiler.ir.types import INDEX, PTR, Type, element_of, lanes_of, vector


class NotWidenableError(IRError):
    """The body has something that lanes cannot share; the loop stays scalar."""


@dataclass(frozen=True, slots=True)
class Affine:
    """An index that grows by `stride` from lane to lane."""

    base: Value
    stride: int


@dataclass(frozen=True, slots=True)
class Apart:
    """An index with a scalar of its own in each lane."""

    lanes: tuple[Value, ...]


Wide: TypeAlias = Value | Affine | Apart


class Widener:
    """Writes ops of a body for `lanes` iterations; the body's `counter` is `start` in the first of them.

    Every block that it opens is added to `blocks`, so that a failed attempt can be undone.
    """

    def __init__(
        self, builder: Builder, lanes: int, counter: Value, start: Value, blocks: list[Block]
    ) -> None:
        self.blocks = blocks
        self.builder = builder
        self.lanes = lanes
        self.values: dict[Value, Wide] = {counter: Affine(start, 1)}

    def run(self, block: Block) -> None:
        """Write all ops of a block but its terminator."""
        for op in block.ops[:-1]:
            self.widen(op)

    # -- operands

    def get(self, v: Value) -> Wide:
        """What a value of the body became; values from outside stand for themselves."""
        return self.values.get(v, v)

    def uniform(self, v: Value) -> bool:
        """Whether the value is the same in all lanes."""
        wide = self.get(v)
        return isinstance(wide, Value) and lanes_of(wide.type) == lanes_of(v.type)

    def scalar(self, v: Value) -> Value:
        """A uniform value."""
        wide = self.get(v)
        if not isinstance(wide, Value) or lanes_of(wide.type) != lanes_of(v.type):
            raise NotWidenableError("a value that differs between lanes is needed as one")
        return wide

    def vector(self, v: Value) -> Value:
        """A value as a vector with a lane an iteration."""
        wide = self.get(v)
        if isinstance(wide, Affine):
            base = self.splat(wide.base)
            steps = Dense(np.arange(self.lanes, dtype=np.int64) * wide.stride)
            return self.create(
                "arith.addi",
                [base, self.create("arith.constant", [], base.type, value=steps)],
                base.type,
            )
        if isinstance(wide, Apart):
            return self.gathered(wide.lanes)
        return self.splat(wide) if self.uniform(v) else wide

    def lane(self, v: Value, i: int) -> Value:
        """The scalar of one lane."""
        wide = self.get(v)
        if isinstance(wide, Apart):
            return wide.lanes[i]
        if isinstance(wide, Affine):
            return self.plus(wide.base, i * wide.stride)
        if self.uniform(v):
            return wide
        return self.create("loop.extract", [wide], element_of(wide.type), lane=i)

    def splat(self, v: Value) -> Value:
        """A scalar in all lanes."""
        if lanes_of(v.type) != 1:
            raise NotWidenableError("the body has vectors already")
        return self.create("loop.splat", [v], vector(self.lanes, v.type))

    def gathered(self, scalars: Sequence[Value]) -> Value:
        """A vector of scalars."""
        whole = self.splat(scalars[0])
        for i, s in enumerate(scalars[1:], 1):
            whole = self.create("loop.insert", [s, whole], whole.type, lane=i)
        return whole

    def create(
        self, name: str, operands: Sequence[Value], result: Type, **attributes: object
    ) -> Value:
        """A new op with one result."""
        return self.builder.create(name, operands, [result], attributes).result

    def plus(self, base: Value, constant: int) -> Value:
        """An index and a number."""
        if constant == 0:
            return base
        return self.create(
            "arith.addi", [base, self.create("arith.constant", [], INDEX, value=constant)], INDEX
        )

    # -- ops

    def widen(self, op: Operation) -> None:
        """Write one op for all lanes."""
        if op.name == "loop.for":
            self._for(op)
        elif op.name == "loop.if":
            self._if(op)
        elif op.name == "loop.store":
            self._store(op)
        elif op.name == "loop.scratch":
            raise NotWidenableError("each iteration has scratch memory of its own")
        elif all(self.uniform(v) for v in op.operands):
            self._copy(op)
        elif op.name == "loop.load":
            self._load(op)
        elif op.name == "loop.gather":
            self._gather(op)
        elif op.name.startswith("arith.") and op.result.type == INDEX:
            self._index(op)
        elif op.name == "arith.index_cast":
            self._from_index(op)
        elif op.name.startswith("arith."):
            self._elementwise(op)
        else:
            raise NotWidenableError(f"{op.name} has no form for lanes")

    def _copy(self, op: Operation) -> None:
        mapping = {v: self.scalar(v) for v in op.operands}
        self.builder.insert(op.clone(mapping))
        for r in op.results:
            self.values[r] = mapping[r]

    def _elementwise(self, op: Operation) -> None:
        operands = [self.vector(v) for v in op.operands]
        if lanes_of(op.result.type) != 1:
            raise NotWidenableError("the body has vectors already")
        self.values[op.result] = self.create(
            op.name, operands, vector(self.lanes, op.result.type), **op.attributes
        )

    def _index(self, op: Operation) -> None:
        """Index arithmetic: sums, differences and constant multiples stay affine."""
        a, *rest = op.operands
        if op.name in ("arith.addi", "arith.subi"):
            strides = [self._stride(v) for v in op.operands]
            if None not in strides:
                bases = [self._base(v) for v in op.operands]
                sign = 1 if op.name == "arith.addi" else -1
                self._affine(op, self.create(op.name, bases, INDEX), strides[0] + sign * strides[1])  # type: ignore[operator]
                return
        if op.name == "arith.muli":
            for x, y in ((a, rest[0]), (rest[0], a)):
                stride, factor = self._stride(x), self._constant(y)
                if stride is not None and factor is not None:
                    self._affine(
                        op,
                        self.create(op.name, [self._base(x), self.scalar(y)], INDEX),
                        stride * factor,
                    )
                    return
        if op.name == "arith.index_cast" and a.type == INDEX:
            self.values[op.result] = self.get(a)
            return
        apart = []
        for i in range(self.lanes):
            operands = [self.lane(v, i) for v in op.operands]
            apart.append(self.create(op.name, operands, INDEX, **op.attributes))
        self.values[op.result] = Apart(tuple(apart))

    def _affine(self, op: Operation, base: Value, stride: int) -> None:
        self.values[op.result] = Affine(base, stride) if stride else base

    def _stride(self, v: Value) -> int | None:
        wide = self.get(v)
        if isinstance(wide, Affine):
            return wide.stride
        return 0 if self.uniform(v) else None

    def _base(self, v: Value) -> Value:
        wide = self.get(v)
        return wide.base if isinstance(wide, Affine) else self.scalar(v)

    @staticmethod
    def _constant(v: Value) -> int | None:
        op = v.op
        return int(op["value"]) if op is not None and op.name == "arith.constant" else None

    def _from_index(self, op: Operation) -> None:
        """An index as numbers in lanes: the base and the steps are converted apart."""
        wide, t = self.get(op.operands[0]), op.result.type
        if isinstance(wide, Affine):
            base = self.splat(self.create(op.name, [wide.base], t))
            steps = self.create("loop.iota", [], base.type)
            if wide.stride != 1:
                factor = self.create("arith.constant", [], base.type, value=wide.stride)
                steps = self.create("arith.muli", [steps, factor], base.type)
            self.values[op.result] = self.create("arith.addi", [base, steps], base.type)
        elif isinstance(wide, Apart):
            self.values[op.result] = self.gathered(
                [self.create(op.name, [v], t) for v in wide.lanes]
            )
        else:
            self._elementwise(op)

    def _load(self, op: Operation) -> None:
        pointer, offset = op.operands
        p = self.scalar(pointer)
        if lanes_of(op.result.type) != 1:
            raise NotWidenableError("the body has vectors already")
        wide = self.get(offset)
        if isinstance(wide, Affine) and wide.stride == 1:
            result = self.create(
                "loop.load", [p, wide.base], vector(self.lanes, op.result.type), **op.attributes
            )
        else:
            parts = [
                self.create("loop.load", [p, self.lane(offset, i)], op.result.type, **op.attributes)
                for i in range(self.lanes)
            ]
            result = self.gathered(parts)
        self.values[op.result] = result

    def _gather(self, op: Operation) -> None:
        pointer, offset, indices = op.operands
        p, wide = self.scalar(pointer), self.get(offset)
        if lanes_of(op.result.type) != 1:
            raise NotWidenableError("the body has vectors already")
        i = self.vector(indices)
        if isinstance(wide, Apart):
            t = op.result.type
            parts = [
                self.create("loop.gather", [p, at, self.lane(indices, n)], t, **op.attributes)
                for n, at in enumerate(wide.lanes)
            ]
            self.values[op.result] = self.gathered(parts)
            return
        if isinstance(wide, Affine):
            steps = Dense(np.arange(self.lanes, dtype=np.int32) * np.int32(wide.stride))
            i = self.create(
                "arith.addi", [i, self.create("arith.constant", [], i.type, value=steps)], i.type
            )
        base = self._base(offset)
        self.values[op.result] = self.create(
            "loop.gather", [p, base, i], vector(self.lanes, op.result.type), **op.attributes
        )

    def _store(self, op: Operation) -> None:
        value, pointer, offset = op.operands
        p, wide = self.scalar(pointer), self.get(offset)
        if lanes_of(value.type) != 1:
            raise NotWidenableError("the body has vectors already")
        if isinstance(wide, Affine) and wide.stride == 1:
            self.builder.create("loop.store", [self.vector(value), p, wide.base], (), op.attributes)
        elif isinstance(wide, (Affine, Apart)):
            for i in range(self.lanes):
                self.builder.create(
                    "loop.store", [self.lane(value, i), p, self.lane(offset, i)], (), op.attributes
                )
        else:  # every iteration writes the same place: the last one remains
            last = self.lane(value, self.lanes - 1)
            self.builder.create("loop.store", [last, p, self.scalar(offset)], (), op.attributes)

    def _for(self, op: Operation) -> None:
        """A loop inside, with bounds that all lanes share; what it carries becomes vectors."""
        lower, upper, *inits = op.operands
        bounds = [self.scalar(lower), self.scalar(upper)]
        if any(v.type in (INDEX, PTR) for v in inits):
            raise NotWidenableError("an inner loop carries an index or a pointer")
        starts = [self.vector(v) for v in inits]
        block = Block([INDEX, *(v.type for v in starts)])
        self.blocks.append(block)
        outer, self.builder = self.builder, Builder(block, None, op.location)
        for old, new in zip(op.body.args, block.args, strict=True):
            self.values[old] = new
        self.run(op.body)
        self.builder.create("loop.yield", [self.vector(v) for v in op.body.terminator.operands])
        self.builder = outer
        copy = self.builder.create(
            "loop.for", [*bounds, *starts], [v.type for v in starts], op.attributes, [Region(block)]
        )
        for old, new in zip(op.results, copy.results, strict=True):
            self.values[old] = new

    def _if(self, op: Operation) -> None:
        condition = self.scalar(op.operands[0])
        block = Block()
        self.blocks.append(block)
        outer, self.builder = self.builder, Builder(block, None, op.location)
        self.run(op.body)
        self.builder.create("loop.yield")
        self.builder = outer
        self.builder.create("loop.if", [condition], (), op.attributes, [Region(block)])
