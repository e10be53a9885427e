"""Constant tensors: reading them, and making new ones with names that cannot clash."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import Builder, Value
from litefuse.compiler.ir.types import F16, F32, F64, SI8, SI16, SI32, SI64, Type, tensor

CONSTANTS = ("kern.const", "tfl.pseudo_const")
_IN_FULL = 16  # elements that are worth seeing in a dump
_ELEMENTS: dict[str, Type] = {
    "int8": SI8,
    "int16": SI16,
    "int32": SI32,
    "int64": SI64,
    "float16": F16,
    "float32": F32,
    "float64": F64,
}


def constant(value: Value) -> npt.NDArray[Any] | None:
    """The stored elements of a constant tensor, or None where the value is not one."""
    owner = value.owner
    if getattr(owner, "name", "") not in CONSTANTS:
        return None
    attribute = owner["value"]  # type: ignore[index]
    if not isinstance(attribute, (Dense, Resource)):
        return None
    shape = getattr(value.type, "shape", attribute.array.shape)
    return attribute.array.reshape(shape)


def constant_attribute(array: npt.NDArray[Any], hint: str) -> Dense | Resource:
    """The attribute for a new constant: written out when small, else named by hint and content."""
    array = np.ascontiguousarray(array).reshape(array.shape)  # it makes one dimension of none
    if array.size <= _IN_FULL:
        return Dense(array)
    digest = hashlib.sha256(array.tobytes()).hexdigest()[:10]
    return Resource(f"{hint}_{digest}", array)


def make_constant(
    builder: Builder, array: npt.NDArray[Any], hint: str, element: Type | None = None
) -> Value:
    """A `kern.const`; `element` is the tensor's element type, by default the array's own."""
    t = tensor(array.shape, element if element is not None else _ELEMENTS[array.dtype.name])
    value = builder.create("kern.const", (), [t], {"value": constant_attribute(array, hint)}).result
    value.name = hint
    return value
