"""Structural equality: what `parse(print(m)) == m` means."""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.compiler.ir.core import Block, Module, Operation, Value


def equal(a: Module | Operation, b: Module | Operation, *, locations: bool = False) -> bool:
    """Whether two modules or ops agree in ops, types, attributes and data flow; names are hints and
    do not count.
    """
    return difference(a, b, locations=locations) is None


def difference(
    a: Module | Operation, b: Module | Operation, *, locations: bool = False
) -> str | None:
    """The first difference as a sentence, or None."""
    x = a.op if isinstance(a, Module) else a
    y = b.op if isinstance(b, Module) else b
    return _ops(x, y, {}, locations)


def same_attribute(a: Any, b: Any) -> bool:
    """Equality of attribute values that keeps True, 1 and 1.0 apart and lets NaN equal itself."""
    if isinstance(a, (list, tuple)):
        return (
            isinstance(b, list) == isinstance(a, list)
            and isinstance(b, (list, tuple))
            and len(a) == len(b)
            and all(map(same_attribute, a, b))
        )
    if isinstance(a, dict):
        return (
            isinstance(b, dict)
            and a.keys() == b.keys()
            and all(same_attribute(a[k], b[k]) for k in a)
        )
    if isinstance(a, np.float32) or isinstance(b, np.float32):
        return (
            isinstance(a, np.float32) and isinstance(b, np.float32) and a.tobytes() == b.tobytes()
        )
    for kind in (bool, int, float):
        if isinstance(_plain(a), kind) or isinstance(_plain(b), kind):
            p, q = _plain(a), _plain(b)
            same_kind = type(p) is type(q)
            return same_kind and (p == q if kind is not float else repr(p) == repr(q))
    return type(a) is type(b) and bool(a == b)


def _plain(x: Any) -> Any:
    if isinstance(x, (np.bool_, np.integer, np.float64)):
        return x.item()
    return x


def _ops(a: Operation, b: Operation, values: dict[Value, Value], locations: bool) -> str | None:
    if a.name != b.name:
        return f"{a.name} against {b.name}"
    if len(a.operands) != len(b.operands):
        return f"{a.name} has {len(a.operands)} operands against {len(b.operands)}"
    for i, (v, w) in enumerate(zip(a.operands, b.operands, strict=True)):
        if values.get(v, v) is not w:
            return f"operand {i} of {a.name} is another value"
    if [r.type for r in a.results] != [r.type for r in b.results]:
        return f"{a.name} gives other types: {_types(a)} against {_types(b)}"
    if a.attributes.keys() != b.attributes.keys():
        return f"{a.name} has attributes {sorted(a.attributes)} against {sorted(b.attributes)}"
    for key, value in a.attributes.items():
        if not same_attribute(value, b.attributes[key]):
            return f"attribute {key} of {a.name} is {value!r} against {b.attributes[key]!r}"
    if locations and a.location != b.location:
        return f"{a.name} is at {a.location} against {b.location}"
    if len(a.regions) != len(b.regions):
        return f"{a.name} has {len(a.regions)} regions against {len(b.regions)}"
    values.update(zip(a.results, b.results, strict=True))
    for r, s in zip(a.regions, b.regions, strict=True):
        found = _blocks(r.block, s.block, values, locations)
        if found:
            return found
    return None


def _blocks(a: Block, b: Block, values: dict[Value, Value], locations: bool) -> str | None:
    if [v.type for v in a.args] != [v.type for v in b.args]:
        return "a block takes other types"
    if len(a.ops) != len(b.ops):
        return f"a block has {len(a.ops)} ops against {len(b.ops)}"
    values.update(zip(a.args, b.args, strict=True))
    for x, y in zip(a.ops, b.ops, strict=True):
        found = _ops(x, y, values, locations)
        if found:
            return found
    return None


def _types(op: Operation) -> str:
    return ", ".join(str(r.type) for r in op.results)
