"""The rows: each op in each type, and the specification that draws its cases."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from tests.conformance.case import Case
from tests.conformance.draw import PLAIN, Draw

Specification = Callable[[Draw, str], Case]


@dataclass(frozen=True)
class Row:
    """An op in one type; `refused` where LiteRT takes the op, but not in this type."""

    op: str
    type: str
    specification: Specification
    at_least: float = 0.5
    refused: bool = False

    @property
    def name(self) -> str:
        """How tests and the command name it."""
        return f"{self.op}-{self.type}"


_ROWS: list[Row] = []


def conforms(
    op: str, *types: str, others: tuple[str, ...] | None = None, at_least: float = 0.5
) -> Callable[[Specification], Specification]:
    """Register `specification(draw, type) -> Case` for an op in these types.

    `others` are types that LiteRT must refuse, as we must; by default all plain types that `types`
    does not name, or none when a label of `types` is no plain type. `at_least` is the part of the
    examples that both sides must have run, so that a specification cannot pass by refusals.
    """
    if others is None:
        plain = all(t in PLAIN for t in types)
        others = tuple(t for t in PLAIN if t not in types) if plain else ()

    def register(specification: Specification) -> Specification:
        _ROWS.extend(Row(op, t, specification, at_least) for t in types)
        _ROWS.extend(Row(op, t, specification, refused=True) for t in others)
        return specification

    return register


@cache
def rows() -> tuple[Row, ...]:
    """All rows, sorted by op; importing every module of `specs`."""
    import tests.conformance.specs as specs

    for module in pkgutil.iter_modules(specs.__path__):
        import_module(f"{specs.__name__}.{module.name}")
    names = [row.name for row in _ROWS]
    twice = {n for n in names if names.count(n) > 1}
    assert not twice, f"two specifications of {sorted(twice)}"
    return tuple(sorted(_ROWS, key=lambda row: (row.op, row.refused)))
