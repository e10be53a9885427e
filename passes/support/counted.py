"""Numbers in counted loops: what `unroll` and `vectorize` read from bounds and write for counters."""

from __future__ import annotations

from litefuse.compiler.ir.core import Builder, Value
from litefuse.compiler.ir.types import INDEX


def index_constant(b: Builder, number: int) -> Value:
    """A number as an index value."""
    return b.create("arith.constant", (), [INDEX], {"value": number}).result


def known_number(v: Value) -> int | None:
    """The number that a value is, or None where it is not known."""
    op = v.op
    return int(op["value"]) if op is not None and op.name == "arith.constant" else None
