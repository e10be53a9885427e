"""Builds one-op `kern` functions for tests: ops by hand, regions by `passes.support.body`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from litefuse.compiler.ir.attributes import Resource
from litefuse.compiler.ir.core import Block, Builder, Module, Operation, Region, Value
from litefuse.compiler.ir.types import F32, F64, SI8, SI32, QuantizedType, TensorType, Type, tensor
from litefuse.passes.support.body import Body, scalar_of

Array = np.ndarray[Any, Any]
Q8 = QuantizedType(SI8, (0.05,), (3,))


class Function:
    """A `kern.func` under construction."""

    def __init__(self, *inputs: TensorType) -> None:
        self.module = Module()
        self.block = Block(list(inputs))
        self.module.block.append(
            Operation("kern.func", (), (), {"sym_name": "main"}, [Region(self.block)])
        )
        self.builder = Builder(self.block)
        self.count = 0

    @property
    def inputs(self) -> list[Value]:
        """The arguments."""
        return self.block.args

    def constant(self, array: Array, element: Type | None = None) -> Value:
        """A constant tensor."""
        self.count += 1
        kinds: dict[str, Type] = {"f": F32, "d": F64, "b": SI8, "i": SI32}
        kind = element or kinds[array.dtype.char]
        return self.builder.create(
            "kern.const",
            (),
            (tensor(array.shape, kind),),
            {"value": Resource(f"c{self.count}", array)},
        ).result

    def op(
        self,
        name: str,
        operands: Sequence[Value],
        result: TensorType,
        attributes: Mapping[str, Any] | None = None,
        body: Body | None = None,
    ) -> Value:
        """An op with one result."""
        regions = [Region(body.block)] if body else []
        return self.builder.create(name, operands, (result,), attributes, regions).result

    def returns(self, *values: Value) -> Module:
        """Close the function."""
        self.builder.create("kern.return", values)
        return self.module


def body_of(types: Sequence[Type], write: Callable[[Body], Value]) -> Body:
    """A region with these argument types, ending in a yield of what `write` gives."""
    body = Body([scalar_of(t) for t in types])
    body.block.append(Operation("kern.yield", [write(body)]))
    return body
