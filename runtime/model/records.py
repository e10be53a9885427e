"""Plain objects for the schema's smaller tables: operator options, sparsity, block quantisation.

Each table has one class, made when first used, whose attributes are the schema's fields. Vectors
of numbers are tuples, of bytes `bytes`, of tables lists; sparse index vectors are NumPy arrays.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from litefuse.runtime.model.errors import ModelError
from litefuse.runtime.model.schema import Field, fields

# Tables whose number vectors become NumPy arrays (views into the file): they can be large.
ARRAY_TABLES = frozenset({"QuantizationParameters", "Int32Vector", "Uint16Vector", "Uint8Vector"})
ARRAY_DTYPES = {"i": "<i4", "H": "<u2", "B": "|u1", "f": "<f4", "q": "<i8"}


def default_of(table: str, field: Field) -> Any:
    """A fresh value for a field that is absent."""
    if field.form == "tables":
        return []
    if field.form == "vector":
        if table in ARRAY_TABLES:
            return np.empty(0, ARRAY_DTYPES[field.letter])
        if field.letter == "B":
            return b""
    return field.default


def equal(a: Any, b: Any) -> bool:
    """Equality of field values, arrays compared by type, shape and bits (so NaN equals itself)."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    return bool(a == b)


class Record:
    """Base of every class that `record_class` makes; use the subclasses.

    Built with keywords, absent ones taking the schema's defaults. ModelError names the valid
    fields when a keyword is not one.
    """

    TABLE: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        known = fields(self.TABLE)
        mine = self.__dict__
        for field in known:
            mine[field.name] = default_of(self.TABLE, field)
        for name, value in values.items():
            if name not in mine:
                raise ModelError(
                    f"{self.TABLE} has no field {name!r}",
                    table=self.TABLE,
                    field=name,
                    remedy="its fields are " + (", ".join(mine) or "none"),
                )
            mine[name] = value

    def __getattr__(self, name: str) -> Any:
        # Reached only for a name that is not a field: the text lists those that are.
        known = ", ".join(field.name for field in fields(self.TABLE)) if self.TABLE else ""
        raise AttributeError(f"{self.TABLE} has no field {name!r}; it has {known or 'none'}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(equal(value, other.__dict__[name]) for name, value in self.__dict__.items())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.TABLE, self.__dict__)  # its class has no module to be found in

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{field.name}={self.__dict__[field.name]!r}"
            for field in fields(self.TABLE)
            if not equal(self.__dict__[field.name], default_of(self.TABLE, field))
        )
        return f"{self.TABLE}({shown})"


@cache
def record_class(table: str) -> type[Record]:
    """The class of a table's objects, the same one at each call."""
    fields(table)  # KeyError for a name that is not a table
    return type(table, (Record,), {"TABLE": table, "__doc__": f"The schema's table {table}."})


def _restored(table: str, values: dict[str, Any]) -> Record:
    return record_class(table)(**values)
