"""One node on its way from `tfl` to `kern`: what it is given, the ops it may make, how it is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.core import Builder, IRError, Operation, Region, Value
from litefuse.compiler.ir.types import (
    F32,
    SI32,
    FloatType,
    IntegerType,
    NoneType,
    QuantizedType,
    TensorType,
    Type,
    tensor,
)
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.support.constants import constant, make_constant
from litefuse.runtime.kernels.fixed_point import activation_range

_CLAMPS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}


class LoweringError(IRError):
    """A node that has no `kern` form: the rule it breaks, the value that breaks it, and what to do about it."""

    def __init__(self, op: str, rule: str, value: object, remedy: str) -> None:
        super().__init__(f"{op}: {rule}, here {value}; {remedy}")
        self.rule = rule
        self.value = str(value)
        self.remedy = remedy


class Lowering:
    """One `tfl` op whose operands are `kern` values already."""

    def __init__(self, op: Operation, builder: Builder) -> None:
        self.op = op
        self.builder = builder

    # --- what the node is given ---------------------------------------------------------------

    def refuse(
        self, rule: str, value: object, remedy: str = "leave this node to LiteRT"
    ) -> NoReturn:
        """Raise the `LoweringError` of this node."""
        raise LoweringError(self.op.name, rule, value, remedy)

    def need(self, condition: bool, rule: str, value: object) -> None:
        """Refuse unless the condition holds."""
        if not condition:
            self.refuse(rule, value)

    def value(self, index: int) -> Value:
        """An operand that must be there."""
        found = self.optional(index)
        if found is None:
            self.refuse(f"operand {index} must be present", "absent", "repair the model")
        return found

    def optional(self, index: int) -> Value | None:
        """An operand, or None where it is absent."""
        if index >= len(self.op.operands):
            return None
        found = self.op.operands[index]
        return None if isinstance(found.type, NoneType) else found

    def constant(self, index: int, what: str) -> npt.NDArray[Any]:
        """The elements of an operand that must be constant."""
        array = constant(self.value(index))
        if array is None:
            self.refuse(f"{what} must be constant", "computed at run time")
        return array

    def type(self, value: Value) -> TensorType:
        """The type of a tensor."""
        if not isinstance(value.type, TensorType):
            self.refuse("operands must be tensors", value.type, "repair the model")
        return value.type

    @property
    def result(self) -> TensorType:
        """The type of the only result."""
        return self.type(self.op.result)

    def kind(self, *values: Value) -> str:
        """`"f32"` or `"i8"`: what all these tensors (and the result) hold; refused where they differ or hold others."""
        kinds = [element_kind(self.type(v).element) for v in (*values, self.op.result)]
        for kind, v in zip(kinds, (*values, self.op.result), strict=True):
            self.need(
                kind is not None, "tensors must be float32 or per-tensor quantised int8", v.type
            )
        self.need(len(set(kinds)) == 1, "tensors must have one type", ", ".join(map(str, kinds)))
        return str(kinds[0])

    def quant(self, value: Value) -> QuantizedType:
        """The quantisation of a tensor whose kind is i8."""
        element = self.type(value).element
        if not isinstance(element, QuantizedType):
            self.refuse("the tensor must be quantised", value.type)
        return element

    def activation(self) -> str:
        """The fused activation, one that only clamps."""
        name = str(self.op.get("fused_activation_function", "NONE"))
        self.need(name in _CLAMPS, f"fused activation must be one of {', '.join(_CLAMPS)}", name)
        return name

    def float_bounds(self) -> tuple[float | None, float | None]:
        """The fused activation's bounds on a float result."""
        return _CLAMPS[self.activation()]

    def int_bounds(self) -> tuple[int, int]:
        """The fused activation's bounds on a quantised result, in stored form."""
        q = self.quant(self.op.result)
        return activation_range(self.activation(), q.scale, q.zero_point, np.int8)

    # --- what it may make ---------------------------------------------------------------------

    def make(
        self,
        name: str,
        operands: Sequence[Value],
        result: Type,
        attributes: dict[str, Any] | None = None,
        region: Region | None = None,
    ) -> Value:
        """A `kern` op with one result."""
        regions = () if region is None else (region,)
        return self.builder.create(f"kern.{name}", operands, [result], attributes, regions).result

    def const(self, array: npt.NDArray[Any], hint: str, element: Type | None = None) -> Value:
        """A constant tensor; names get the result's name in front, so that a dump can be read."""
        prefix = self.op.result.name or self.op.name.partition(".")[2]
        return make_constant(self.builder, array, f"{prefix}_{hint}", element)

    def body(self, *types: Type) -> Body:
        """A region to fill, over these scalars."""
        return Body(types, self.builder.location)

    def map(
        self, values: Sequence[Value], result: TensorType, compute: Callable[..., Value]
    ) -> Value:
        """A `kern.map`: `compute(body, *elements)` gives the result's element. Roles follow from the shapes."""
        operands, roles = [], []
        for v in values:
            operand, role = self.with_role(v, result.shape)
            operands.append(operand)
            roles.append(role)
        body = self.body(*(scalar_of(v.type) for v in operands))
        region = body.finish(compute(body, *body.args))
        return self.make("map", operands, result, {"roles": roles}, region)

    def with_role(self, value: Value, shape: tuple[int, ...]) -> tuple[Value, str]:
        """How a tensor is read beside a result of this shape: reshaped as its role asks, and the role."""
        t = self.type(value)
        if t.shape == shape:
            return value, "pixel"
        if t.size == math.prod(shape) and tuple(d for d in t.shape if d != 1) == tuple(
            d for d in shape if d != 1
        ):
            return self.reshape(value, shape), "pixel"
        if t.size == 1:
            return self.reshape(value, (1,)), "scalar"
        if t.size == t.shape[-1] == shape[-1]:
            return self.reshape(value, (t.size,)), "channel"
        return value, "broadcast"

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """The same elements under another shape; nothing where it is the same."""
        t = self.type(value)
        if t.shape == tuple(shape):
            return value
        return self.make("reshape", [value], tensor(shape, t.element))


def element_kind(element: Type) -> str | None:
    """`"f32"`, `"i8"` (per-tensor quantised) or None."""
    if element == F32:
        return "f32"
    if isinstance(element, QuantizedType) and element.axis is None:
        s = element.storage
        return "i8" if s.width == 8 and s.signedness != "u" else None
    return None


def accumulator(kind: str, shape: Sequence[int]) -> TensorType:
    """The tensor of raw sums: i32 for int8 operands, f32 for float."""
    return tensor(shape, F32 if kind == "f32" else SI32)


def is_float(t: Type) -> bool:
    """Whether elements are of a float type."""
    return isinstance(t, TensorType) and isinstance(t.element, FloatType)


def is_int32(t: Type) -> bool:
    """Whether a tensor holds 32-bit integers, quantised (a bias) or not."""
    if not isinstance(t, TensorType):
        return False
    storage = t.element.storage if isinstance(t.element, QuantizedType) else t.element
    return isinstance(storage, IntegerType) and storage.width == 32
