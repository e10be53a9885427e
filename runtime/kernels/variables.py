"""VAR_HANDLE, ASSIGN_VARIABLE, READ_VARIABLE and CALL_ONCE: values that outlive an invoke.

A resource tensor holds a name; the interpreter's `resources` map that name to the variable's array.
"""

from __future__ import annotations

import math

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Host,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_inputs,
)


def require_host(ctx: NodeContext) -> Host:
    """The interpreter; KernelError where a node is evaluated without one (constant folding)."""
    if ctx.host is None:
        raise KernelError(f"{ctx.op.name} can only run inside an interpreter")
    return ctx.host


def prepare_handle(ctx: NodeContext) -> list[Shape | None]:
    """The handle's declared shape."""
    require_inputs(ctx, 0)
    require_host(ctx)
    return [ctx.outputs[0].shape]


def evaluate_handle(ctx: NodeContext) -> list[Array]:
    """The variable's name."""
    handle = np.empty(ctx.outputs[0].shape, object)
    container, name = ctx.option("container") or "", ctx.option("shared_name") or ""
    for index in np.ndindex(handle.shape):
        handle[index] = ("variable", container, name)
    return [handle]


def prepare_assign(ctx: NodeContext) -> list[Shape | None]:
    """Nothing."""
    require_inputs(ctx, 2)
    require_host(ctx)
    return []


def evaluate_assign(ctx: NodeContext) -> list[Array]:
    """Give the variable a value."""
    require_host(ctx).resources[ctx.data(0).flat[0]] = ctx.data(1).copy()
    return []


def prepare_read(ctx: NodeContext) -> list[Shape | None]:
    """The declared shape, whatever the signature says; of a scalar the shape of what is stored."""
    require_inputs(ctx, 1)
    require_host(ctx)
    return [tuple(ctx.outputs[0].tensor.shape) or None]


def evaluate_read(ctx: NodeContext) -> list[Array]:
    """The variable's value, or as much of it as a declared shape has room for."""
    name, y = ctx.data(0).flat[0], ctx.outputs[0]
    value = require_host(ctx).resources.get(name)
    if value is None:
        raise KernelError(
            f"READ_VARIABLE: variable {name[2]!r} is read before it has a value; "
            "run the signature that initialises it first"
        )
    require(
        value.dtype == y.dtype,
        ctx,
        f"variable {name[2]!r} holds {value.dtype}, {y.name!r} is {y.dtype}",
    )
    shape = tuple(y.tensor.shape) or value.shape
    size = math.prod(shape)
    require(
        value.size >= size,
        ctx,
        f"variable {name[2]!r} of shape {value.shape} is less than {y.name!r} of {shape} needs",
    )
    return [value.ravel()[:size].reshape(shape).copy()]


def prepare_call_once(ctx: NodeContext) -> list[Shape | None]:
    """Nothing."""
    require_inputs(ctx, 0)
    require_host(ctx)
    return []


def evaluate_call_once(ctx: NodeContext) -> list[Array]:
    """Run the initialisation subgraph, the first time only."""
    host, index = require_host(ctx), int(ctx.option("init_subgraph_index", 0))
    done = ("initialised", index)
    if done not in host.resources:
        host.run_subgraph(index, [])
        host.resources[done] = True
    return []


KERNELS = (
    Kernel("VAR_HANDLE", prepare_handle, evaluate_handle, stateful=True),
    Kernel("ASSIGN_VARIABLE", prepare_assign, evaluate_assign, stateful=True),
    Kernel("READ_VARIABLE", prepare_read, evaluate_read, stateful=True),
    Kernel("CALL_ONCE", prepare_call_once, evaluate_call_once, stateful=True),
)
