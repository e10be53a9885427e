"""PAD, PADV2 and MIRROR_PAD: any number type; a quantised PAD fills with the zero point."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)


def _amounts(ctx: NodeContext) -> list[tuple[int, int]]:
    rows = ctx.data(1).reshape(-1, 2).tolist()
    return [(int(before), int(after)) for before, after in rows]


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Each axis longer by its two amounts."""
    require_inputs(ctx, 2, 3)
    x, paddings = ctx.input(0), ctx.input(1)
    require_same_dtype(ctx, x, ctx.outputs[0])
    require_dtype(ctx, paddings, "int32", "int64", "int16", "int8")
    require(
        paddings.shape == (len(x.shape), 2),
        ctx,
        f"paddings have shape {paddings.shape}, need ({len(x.shape)}, 2)",
    )
    if paddings.data is None:
        return [None]
    amounts = _amounts(ctx)
    require(min(min(a) for a in amounts) >= 0, ctx, f"paddings {amounts} must not be negative")
    return [tuple(d + b + a for d, (b, a) in zip(x.shape, amounts, strict=True))]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The input inside a border of 0 (as a real number), or of the value in input 2."""
    yv = ctx.outputs[0]
    value = ctx.optional(2)
    if value is not None:
        fill = ctx.data(2).ravel()[0]
    else:
        fill = yv.dtype.type(yv.zero_point if yv.quantized else 0)
    x, out = ctx.data(0), ctx.out()
    out[...] = fill
    inner = zip(_amounts(ctx), x.shape, strict=True)
    out[tuple(slice(before, before + size) for (before, _), size in inner)] = x
    return [out]


def prepare_mirror(ctx: NodeContext) -> list[Shape | None]:
    """As PAD; an amount may not exceed what the axis can mirror."""
    shapes = prepare(ctx)
    if shapes[0] is not None:
        reflect = int(ctx.option("mode", 0)) == 0
        for size, amounts in zip(ctx.input(0).shape, _amounts(ctx), strict=True):
            require(
                max(amounts) <= size - (1 if reflect else 0),
                ctx,
                f"paddings {amounts} exceed what an axis of {size} can mirror",
            )
    return shapes


def evaluate_mirror(ctx: NodeContext) -> list[Array]:
    """The input continued by its mirror image, with (SYMMETRIC) or without (REFLECT) the edge."""
    mode = "reflect" if int(ctx.option("mode", 0)) == 0 else "symmetric"
    return [np.pad(ctx.data(0), _amounts(ctx), mode=mode)]  # type: ignore[call-overload]


KERNELS = (
    Kernel("PAD", prepare, evaluate),
    Kernel("PADV2", prepare, evaluate),
    Kernel("MIRROR_PAD", prepare_mirror, evaluate_mirror),
)
