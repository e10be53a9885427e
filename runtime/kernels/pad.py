"""PAD, PADV2 and MIRROR_PAD: a quantised PAD fills with the zero point."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.arrange import require_same_quantization
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
    require_same_type,
    require_type,
)

_TYPES: tuple[str, ...] = ("float32", "float16", "bfloat16", "int8", "uint8", "int16", "int32")
_TYPES += ("int64", "bool")


def _amounts(ctx: NodeContext) -> list[tuple[int, int]]:
    rows = ctx.data(1).reshape(-1, 2).tolist()
    return [(int(before), int(after)) for before, after in rows]


def _prepared(ctx: NodeContext) -> list[Shape | None]:
    x, paddings = ctx.input(0), ctx.input(1)
    require_same_type(ctx, x, ctx.outputs[0])
    require(
        paddings.shape == (len(x.shape), 2),
        ctx,
        f"paddings have shape {paddings.shape}, need ({len(x.shape)}, 2)",
    )
    if paddings.data is None:
        return [None]
    shape = tuple(d + b + a for d, (b, a) in zip(x.shape, _amounts(ctx), strict=True))
    require(min(shape, default=0) >= 0, ctx, f"paddings leave shape {shape}")
    return [shape]


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Each axis longer by its two amounts."""
    require_inputs(ctx, 2, 3)
    x, y, value = ctx.input(0), ctx.outputs[0], ctx.optional(2)
    require_type(ctx, x, *_TYPES)
    require_rank(ctx, x, 0, 5)
    require_dtype(ctx, ctx.input(1), "int32", "int64", "int16", "int8", "bool")
    if value is not None:
        require_same_type(ctx, x, value)
        require(int(np.prod(value.shape)) == 1, ctx, f"the value's shape is {value.shape}")
        if x.dtype == np.uint8 or (x.dtype.name in ("int8", "int16") and x.quantized):
            require_same_quantization(ctx, value, y)
    if ctx.input(1).data is not None:
        amounts = _amounts(ctx)
        low = min((min(pair) for pair in amounts), default=0)
        require(low >= 0, ctx, f"paddings {amounts} must not be negative")
    return _prepared(ctx)


def evaluate(ctx: NodeContext) -> list[Array]:
    """The input inside a border of 0 (as a real number), or of the value in input 2."""
    xv, yv = ctx.input(0), ctx.outputs[0]
    if ctx.optional(2) is not None:
        fill = ctx.data(2).ravel()[0]
    elif xv.dtype == np.uint8 or (xv.dtype.name in ("int8", "int16") and xv.quantized):
        fill = yv.dtype.type(yv.zero_point)
    else:
        fill = yv.dtype.type(0)
    if not xv.shape:
        return [ctx.data(0).copy()]
    return [np.pad(ctx.data(0), _amounts(ctx), constant_values=fill)]


def prepare_mirror(ctx: NodeContext) -> list[Shape | None]:
    """As PAD, in any type and rank; an amount may not exceed what the axis can mirror."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require(not x.dtype.hasobject, ctx, f"tensor {x.name!r} holds strings")
    require_dtype(ctx, ctx.input(1), "int32", "int64")
    if x.tensor.type.name in ("INT8", "UINT8", "INT16"):
        require_same_quantization(ctx, x, ctx.outputs[0])
    if x.dtype == np.int16:
        require(x.zero_point == 0, ctx, f"zero point {x.zero_point} must be 0")
    shapes = _prepared(ctx)
    if shapes[0] is not None:
        edge = 1 if int(ctx.option("mode", 0)) == 0 else 0
        for size, amounts in zip(x.shape, _amounts(ctx), strict=True):
            require(
                min(amounts) >= 0 and max(amounts) <= size - edge,
                ctx,
                f"paddings {amounts} exceed what an axis of {size} can mirror",
            )
    return shapes


def evaluate_mirror(ctx: NodeContext) -> list[Array]:
    """The input continued by its mirror image, with (SYMMETRIC) or without (REFLECT) the edge."""
    mode = "reflect" if int(ctx.option("mode", 0)) == 0 else "symmetric"
    amounts = _amounts(ctx)
    if not amounts:
        return [ctx.data(0).copy()]
    return [np.pad(ctx.data(0), amounts, mode=mode)]  # type: ignore[call-overload]


KERNELS = (
    Kernel("PAD", prepare, evaluate),
    Kernel("PADV2", prepare, evaluate),
    Kernel("MIRROR_PAD", prepare_mirror, evaluate_mirror),
)
