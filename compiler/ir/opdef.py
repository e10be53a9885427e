"""How an op is declared: one `OpDef` constant an op, gathered in tuples by `compiler.ops`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from litefuse.compiler.ir.core import IRError, Operation

Verify = Callable[[Operation], None]


@dataclass(frozen=True, slots=True)
class OpDef:
    """Name, arity, attributes and rules of an op.

    `operands`, `results`, `regions`: an exact number, or (minimum, maximum or None). `required` and
    `optional` name attributes with the Python type that their value must have (see
    `attributes.py`); others are errors, unless they carry a dialect's prefix (`tool.note`).
    `terminated`: each region ends in a terminator. `verify` raises `IRError` (text: the rule that
    is broken; the caller adds op and location).
    """

    name: str
    summary: str
    operands: int | tuple[int, int | None] = 0
    results: int | tuple[int, int | None] = 0
    regions: int = 0
    required: dict[str, type | tuple[type, ...]] = field(default_factory=dict)
    optional: dict[str, type | tuple[type, ...]] = field(default_factory=dict)
    pure: bool = True
    terminator: bool = False
    terminated: bool = True
    verify: Verify | None = None


class Dialects:
    """The known ops by name. Built from explicit tuples; there is no global registry."""

    def __init__(self, *groups: Iterable[OpDef]) -> None:
        self._defs: dict[str, OpDef] = {}
        for group in groups:
            for d in group:
                if d.name in self._defs:
                    raise IRError(f"op {d.name} is declared twice")
                self._defs[d.name] = d

    def get(self, name: str) -> OpDef | None:
        """The declaration of an op, or None."""
        return self._defs.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._defs)


def require(condition: bool, rule: str) -> None:
    """Raise `IRError` with the rule's text unless the condition holds."""
    if not condition:
        raise IRError(rule)
