"""HASHTABLE, HASHTABLE_IMPORT, HASHTABLE_FIND and HASHTABLE_SIZE: tables that outlive an invoke.

int64 keys with string values, or the other way round.  A resource tensor holds the table's number;
the interpreter's `resources` map it to the table, which is filled once: later imports do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_inputs,
)
from litefuse.runtime.kernels.variables import require_host
from litefuse.runtime.model import TensorType

_PAIRS = {("INT64", "STRING"), ("STRING", "INT64")}


@dataclass(slots=True)
class Table:
    """A table: its types (key, value), what it maps, and whether it was filled."""

    types: tuple[str, str]
    entries: dict[Any, Any] = field(default_factory=dict)
    filled: bool = False


def _require_types(ctx: NodeContext, key: str, value: str) -> None:
    require(
        (key, value) in _PAIRS,
        ctx,
        f"keys are {key} and values {value}; supported: INT64 to STRING, STRING to INT64",
    )


def _require_handle(ctx: NodeContext, value: TensorValue) -> None:
    kind = value.tensor.type.name
    require(kind == "RESOURCE", ctx, f"tensor {value.name!r} has type {kind}, needs RESOURCE")
    require(value.shape == (1,), ctx, f"tensor {value.name!r} has shape {value.shape}, needs (1,)")


def _table(ctx: NodeContext) -> Table:
    name = ctx.data(0).flat[0]
    table = require_host(ctx).resources.get(name)
    if not isinstance(table, Table):
        raise KernelError(f"{ctx.op.name}: tensor {ctx.input(0).name!r} holds no hash table")
    return table


def _check_table(ctx: NodeContext, table: Table, key: TensorValue, value: TensorValue) -> None:
    types = (key.tensor.type.name, value.tensor.type.name)
    require(types == table.types, ctx, f"the table maps {table.types}, the node {types}")


def prepare_table(ctx: NodeContext) -> list[Shape | None]:
    """One handle."""
    require_inputs(ctx, 0)
    require_host(ctx)
    require(len(ctx.outputs) == 1, ctx, f"has {len(ctx.outputs)} outputs, needs 1")
    key, value = (TensorType(int(ctx.option(n, 0))).name for n in ("key_dtype", "value_dtype"))
    _require_types(ctx, key, value)
    kind = ctx.outputs[0].tensor.type.name
    require(kind == "RESOURCE", ctx, f"its output has type {kind}, needs RESOURCE")
    return [(1,)]


def evaluate_table(ctx: NodeContext) -> list[Array]:
    """The table's number; the table is made, empty, the first time."""
    name = ("table", int(ctx.option("table_id", 0)))
    key, value = (TensorType(int(ctx.option(n, 0))).name for n in ("key_dtype", "value_dtype"))
    require_host(ctx).resources.setdefault(name, Table((key, value)))
    handle = np.empty((1,), object)
    handle[0] = name
    return [handle]


def prepare_import(ctx: NodeContext) -> list[Shape | None]:
    """Nothing."""
    require_inputs(ctx, 3)
    require_host(ctx)
    _require_handle(ctx, ctx.input(0))
    key, value = ctx.input(1), ctx.input(2)
    _require_types(ctx, key.tensor.type.name, value.tensor.type.name)
    require(key.shape == value.shape, ctx, f"{key.shape} keys for {value.shape} values")
    return []


def evaluate_import(ctx: NodeContext) -> list[Array]:
    """Fill the table, unless it was filled before; the first of equal keys counts."""
    table = _table(ctx)
    _check_table(ctx, table, ctx.input(1), ctx.input(2))
    if not table.filled:
        for key, value in zip(ctx.data(1).flat, ctx.data(2).flat, strict=True):
            table.entries.setdefault(key, value)
        table.filled = True
    return []


def prepare_find(ctx: NodeContext) -> list[Shape | None]:
    """The keys' shape."""
    require_inputs(ctx, 3)
    require_host(ctx)
    _require_handle(ctx, ctx.input(0))
    key, default, out = ctx.input(1), ctx.input(2), ctx.outputs[0]
    require(
        default.tensor.type == out.tensor.type,
        ctx,
        f"the default is {default.tensor.type.name}, the output {out.tensor.type.name}",
    )
    _require_types(ctx, key.tensor.type.name, out.tensor.type.name)
    return [key.shape]


def evaluate_find(ctx: NodeContext) -> list[Array]:
    """Each key's value, or the default's first element."""
    table, out = _table(ctx), ctx.outputs[0]
    _check_table(ctx, table, ctx.input(1), out)
    if not table.filled:
        raise KernelError(
            "HASHTABLE_FIND: the table is looked up before it is filled; run the signature that "
            "initialises it first"
        )
    default, keys = ctx.data(2), ctx.data(1)
    require(default.size > 0, ctx, "the default value is empty")
    found = np.empty(keys.shape, out.dtype)
    for index, key in np.ndenumerate(keys):
        found[index] = table.entries.get(key, default.flat[0])
    return [found]


def prepare_size(ctx: NodeContext) -> list[Shape | None]:
    """One number."""
    require_inputs(ctx, 1)
    require_host(ctx)
    _require_handle(ctx, ctx.input(0))
    kind = ctx.outputs[0].dtype.name
    require(kind == "int64", ctx, f"its output has type {kind}, needs int64")
    return [(1,)]


def evaluate_size(ctx: NodeContext) -> list[Array]:
    """How many keys the table has."""
    return [np.array([len(_table(ctx).entries)], np.int64)]


KERNELS = (
    Kernel("HASHTABLE", prepare_table, evaluate_table, stateful=True),
    Kernel("HASHTABLE_IMPORT", prepare_import, evaluate_import, stateful=True),
    Kernel("HASHTABLE_FIND", prepare_find, evaluate_find, stateful=True),
    Kernel("HASHTABLE_SIZE", prepare_size, evaluate_size, stateful=True),
)
