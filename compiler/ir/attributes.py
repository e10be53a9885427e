"""Attribute values. Plain Python values stand for themselves; the classes below are what Python
lacks.

| Python value            | MLIR text                                   |
|-------------------------|---------------------------------------------|
| `True`                  | `true`                                      |
| `3`                     | `3 : i64`                                   |
| `1.5`                   | `1.5 : f64`                                 |
| `np.float32(1.5)`       | `1.5 : f32`                                 |
| `"text"`                | `"text"`                                    |
| `(1, 2)` ints           | `array<i64: 1, 2>`                          |
| `(1.0, 2.0)` floats     | `array<f64: 1.0, 2.0>`                      |
| `[a, b]`                | `[a, b]` (any attributes)                   |
| `{"k": a}`              | `{k = a}`                                   |
| a `Type`                | the type                                    |
| `None`                  | `unit`                                      |
| `Symbol("f")`           | `@f`                                        |
| `Dense(array)`          | `dense<[...]> : tensor<...>`                |
| `Resource(name, array)` | `dense_resource<name> : tensor<...>`        |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.types import Type


@dataclass(frozen=True, slots=True)
class Symbol:
    """A reference to a named op of the module, such as a function."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """A small constant printed in full. Compared by type, shape and bytes."""

    array: npt.NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dense) and _same(self.array, other.array)

    def __hash__(self) -> int:
        return hash((self.array.dtype.str, self.array.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A weight: printed by name, its bytes stay where they are (a view into the mapped model)."""

    name: str
    array: npt.NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Resource)
            and self.name == other.name
            and (self.array is other.array or _same(self.array, other.array))
        )

    def __hash__(self) -> int:
        return hash(self.name)


def _same(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


Attribute: TypeAlias = (
    "bool | int | float | np.float32 | str | tuple[Any, ...] | list[Any] | dict[str, Any]"
    " | Type | Symbol | Dense | Resource | None"
)
