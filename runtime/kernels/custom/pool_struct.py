"""Options that a MediaPipe op keeps as a C struct of int32."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from litefuse.runtime.kernels.base import NodeContext, require
from litefuse.runtime.kernels.geometry import SAME, VALID


def integers(ctx: NodeContext, count: int) -> tuple[int, ...]:
    """The first `count` numbers of the struct; KernelError when it is shorter."""
    data = bytes(ctx.op.custom_options or b"")
    require(
        len(data) >= 4 * count,
        ctx,
        f"its options have {len(data)} bytes, needs a C struct of at least {4 * count}",
    )
    return struct.unpack_from(f"<{count}i", data)


def padding_of(ctx: NodeContext, code: int) -> int:
    """`geometry`'s SAME or VALID from the C enumeration, where 0 is unknown."""
    require(code in (1, 2), ctx, f"padding {code} must be 1 (SAME) or 2 (VALID)")
    return SAME if code == 1 else VALID


@dataclass(frozen=True, slots=True)
class PoolStruct:
    """TfLitePoolParams: windows whose stride is their own size, as both ops of the pair need."""

    padding: int
    height: int
    width: int


def pool_struct(ctx: NodeContext) -> PoolStruct:
    """The node's windows; KernelError for those that the pair of ops does not have."""
    padding, stride_w, stride_h, width, height, activation = integers(ctx, 6)
    require(
        (stride_h, stride_w) == (height, width),
        ctx,
        f"stride {stride_h}x{stride_w} must be the window's size, {height}x{width}",
    )
    require(height * width > 1, ctx, f"a window of {height}x{width} pixels has nothing to choose")
    require(activation == 0, ctx, f"fused activation {activation} is not supported; needs none")
    return PoolStruct(padding_of(ctx, padding), height, width)
