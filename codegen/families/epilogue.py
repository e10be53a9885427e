"""Regions of kern ops written out as loop code, scalar or vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litefuse.codegen.families.code import Code, Index
from litefuse.codegen.families.image import Image
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import TensorType, lanes_of, vector


def inline(code: Code, region_op: Operation, args: Sequence[Value]) -> Value:
    """The value of an op's region for these arguments; vectors where the arguments are vectors.

    Scalar arguments among vectors are spread over the lanes. Ops are copied as they are, with the
    types widened.
    """
    lanes = max((lanes_of(a.type) for a in args), default=1)
    values: dict[Value, Value] = {}
    for formal, actual in zip(region_op.body.args, args, strict=True):
        values[formal] = code.splat(actual, lanes) if lanes_of(actual.type) == 1 else actual
    for op in region_op.body.ops:
        if op.name == "kern.yield":
            return values[op.operands[0]]
        if op.name == "arith.constant":
            values[op.result] = code.constant(op["value"], vector(lanes, op.result.type))
            continue
        operands = [values[v] for v in op.operands]
        copied = code.builder.create(
            op.name, operands, [vector(lanes, op.result.type)], op.attributes
        )
        values[op.result] = copied.result
    raise ValueError(f"the region of {region_op.name} has no kern.yield")


@dataclass(frozen=True)
class Extra:
    """An operand of an epilogue: how it is indexed, where it lies."""

    role: str
    image: Image
    ptr: Value
    constant: bool

    def load(self, code: Code, pixel: Index, channel: Index, lanes: int) -> Value:
        """The lanes for `lanes` channels from `channel` on; `pixel` is the element offset of the
        result's pixel in this operand."""
        if self.role == "pixel":
            return self.image.load(code, self.ptr, code.add(pixel, channel), lanes)
        if self.role == "channel":
            return self.image.load(code, self.ptr, channel, lanes, invariant=self.constant)
        scalar = self.image.load(code, self.ptr, self.image.origin, 1, invariant=self.constant)
        return code.splat(scalar, lanes)


def extras_of(
    op: Operation,
    first: int,
    buffers: Mapping[Value, dict[str, Any]],
    pointers: Mapping[Value, Value],
) -> list[Extra]:
    """The extras of an op from operand number `first` on."""
    found = []
    for role, value in zip(op.get("roles", []), op.operands[first:], strict=True):
        if role == "init":
            continue
        assert isinstance(value.type, TensorType)
        buffer = buffers[value]
        found.append(
            Extra(role, Image.of(value.type, buffer), pointers[value], buffer["space"] == "const")
        )
    return found


def init_of(op: Operation, pointers: Mapping[Value, Value]) -> Value | None:
    """The pointer to what the accumulators of a contraction start at; None where they start at
    zero."""
    for role, value in zip(op.get("roles", []), op.operands[2:], strict=True):
        if role == "init":
            return pointers[value]
    return None
