"""EMBEDDING_LOOKUP: rows of a table, copied (any type) or dequantised to float32 or float16; exact.

Integer tables become floats by the scale of the tensor, of the row, or of a block of a row (int4
and int2).  As in LiteRT, a row of packed integers begins with a whole byte: where the rows' length
is no whole number of bytes, those that should begin inside one begin too early.  A uint8 table is
read as int8, and a table without a scale gives zeros.
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    TensorValue,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.model.enums import TensorType

_INTEGERS = (TensorType.UINT8, TensorType.INT8, TensorType.INT4, TensorType.INT2)
_PER_BYTE = {TensorType.INT4: 2, TensorType.INT2: 4}


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The ids' axis, then the table's axes after its first."""
    require_inputs(ctx, 2)
    ids, table, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_rank(ctx, ids, 1)
    require_dtype(ctx, ids, "int32")
    require(len(table.shape) >= 2, ctx, f"table shape {table.shape} has no two axes")
    require(table.dtype.kind != "O", ctx, "a table of strings")
    real = y.dtype.name in ("float32", "float16")
    require(
        real or table.tensor.type == y.tensor.type,
        ctx,
        f"a table of {table.tensor.type.name} cannot give {y.tensor.type.name}",
    )
    if table.quantized:
        _require_scales(ctx, table, real)
    return [(ids.shape[0], *table.shape[1:])]


def _require_scales(ctx: NodeContext, table: TensorValue, real: bool) -> None:
    quantization = table.tensor.quantization
    kind = table.tensor.type
    point = int(quantization.zero_point[0])  # type: ignore[union-attr]
    single = ctx.outputs[0].dtype == np.float32
    require(not (single and kind in _INTEGERS and point), ctx, f"the table has zero point {point}")
    if len(table.scales) > 1:
        axis = quantization.quantized_dimension  # type: ignore[union-attr]
        require(
            kind in _INTEGERS and real and axis == 0 and len(table.scales) == table.shape[0],
            ctx,
            f"{len(table.scales)} scales along axis {axis} of a table of {kind.name} {table.shape}",
        )


def _gathered(table: TensorValue, data: Array, ids: Array, run: int) -> Array:
    """[ids, runs, run] of the flat table, each run from the byte where it begins."""
    width = data.size // max(len(data), 1)
    starts = ids.astype(np.int64)[:, None] * width + np.arange(0, width, run)
    per_byte = _PER_BYTE.get(table.tensor.type, 1)
    return np.asarray(data.reshape(-1)[(starts // per_byte * per_byte)[..., None] + np.arange(run)])


def _dequantised(ctx: NodeContext, table: TensorValue, data: Array, ids: Array) -> Array:
    y = ctx.outputs[0]
    width = data.size // max(len(data), 1)
    if table.block_scales is not None:
        blocks = np.asarray(table.block_scales, np.float32).reshape(len(data), -1)
        scales = blocks[ids]
    elif table.quantized:
        scales = (table.scales[ids] if len(table.scales) > 1 else table.scales[:1]).reshape(-1, 1)
    else:
        return np.zeros(y.shape, y.dtype)
    count = 1 if table.block_scales is None else scales.shape[1]
    if data.dtype == np.uint8:
        data = data.view(np.int8)
    rows = _gathered(table, data, ids, max(width // count, 1)).astype(np.float32)
    return np.asarray((rows * scales[..., None]).astype(y.dtype).reshape(y.shape))


def evaluate(ctx: NodeContext) -> list[Array]:
    """Rows copied, or made real by the scale (of the tensor, of the row, or of the block)."""
    ids, data, table = ctx.data(0), ctx.data(1), ctx.input(1)
    bad = ids[(ids < 0) | (ids >= len(data))]
    require(bad.size == 0, ctx, f"id {bad[:1].tolist()} is outside a table of {len(data)} rows")
    if table.block_scales is not None:
        return [_blockwise(ctx, table, data, ids)]
    if table.tensor.type == ctx.outputs[0].tensor.type:
        return [data[ids]]
    return [_dequantised(ctx, table, data, ids)]


def _blockwise(ctx: NodeContext, table: TensorValue, data: Array, ids: Array) -> Array:
    kind, y = table.tensor.type, ctx.outputs[0]
    require(
        kind in _PER_BYTE and data.ndim == 2, ctx, f"a blockwise table of {kind.name} {table.shape}"
    )
    require(y.dtype.kind == "f", ctx, f"a blockwise table cannot give {y.dtype}")
    size = int(table.tensor.quantization.details.block_size)  # type: ignore[union-attr]
    require(data.shape[1] % size == 0, ctx, f"rows of {data.shape[1]} in blocks of {size}")
    return _dequantised(ctx, table, data, ids)


KERNELS = (Kernel("EMBEDDING_LOOKUP", prepare, evaluate),)
