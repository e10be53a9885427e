"""Ops that only move elements: TRANSPOSE, PACK, UNPACK, TILE, BROADCAST_TO, REVERSE_V2, and blocks.

DEPTH_TO_SPACE, SPACE_TO_DEPTH, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND cut NHWC-like tensors into
blocks.  What LiteRT says about types and ranks differs from op to op.
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
    require_same_type,
    require_type,
)
from litefuse.runtime.kernels.reshape import require_scalar_axis

_FLOATS = ("float32", "float16", "bfloat16")


def require_no_strings(ctx: NodeContext, value: TensorValue) -> None:
    """KernelError when the tensor holds strings."""
    require(not value.dtype.hasobject, ctx, f"tensor {value.name!r} holds strings")


def require_same_quantization(ctx: NodeContext, a: TensorValue, b: TensorValue) -> None:
    """KernelError unless both have one scale and zero point, or none."""
    found = [(v.scale if v.quantized else 0.0, v.zero_point) for v in (a, b)]
    require(
        found[0] == found[1],
        ctx,
        f"tensors {a.name!r} and {b.name!r} must have one scale and zero point, not {found}",
    )


def _integers(ctx: NodeContext, i: int) -> list[int]:
    return [int(v) for v in ctx.data(i).ravel()]


def _permutation(ctx: NodeContext) -> tuple[int, ...]:
    rank = len(ctx.input(0).shape)
    axes = tuple(a + rank if a < 0 else a for a in _integers(ctx, 1))
    require(sorted(axes) == list(range(rank)), ctx, f"{axes} does not permute {rank} axes")
    return axes


def prepare_transpose(ctx: NodeContext) -> list[Shape | None]:
    """The shape with its axes in the order of input 1."""
    require_inputs(ctx, 2)
    x, permutation = ctx.input(0), ctx.input(1)
    require_same_type(ctx, x, ctx.outputs[0])
    require_no_strings(ctx, x)
    require_rank(ctx, x, 0, 8)
    require_dtype(ctx, permutation, "int32")
    if permutation.data is None:
        return [None]
    return [tuple(x.shape[a] for a in _permutation(ctx))]


def evaluate_transpose(ctx: NodeContext) -> list[Array]:
    """Axes reordered."""
    return [ctx.copied(ctx.data(0).transpose(_permutation(ctx)))]


def prepare_pack(ctx: NodeContext) -> list[Shape | None]:
    """The inputs' shape with a new axis as long as their number."""
    require(len(ctx.inputs) > 0, ctx, "has no inputs")
    first, y = ctx.input(0), ctx.outputs[0]
    count = int(ctx.option("values_count", 0))
    require(count == len(ctx.inputs), ctx, f"values_count {count} is not {len(ctx.inputs)}")
    require_type(ctx, first, "float32", "int8", "uint8", "int16", "int32", "uint32", "int64")
    for i in range(len(ctx.inputs)):
        value = ctx.input(i)
        require_same_type(ctx, y, value)
        require(value.shape == first.shape, ctx, f"shapes {first.shape} and {value.shape} differ")
        require_same_quantization(ctx, value, y)
    axis = require_scalar_axis(ctx, int(ctx.option("axis", 0)), len(first.shape) + 1)
    return [(*first.shape[:axis], len(ctx.inputs), *first.shape[axis:])]


def evaluate_pack(ctx: NodeContext) -> list[Array]:
    """The inputs along a new axis."""
    arrays = [ctx.data(i) for i in range(len(ctx.inputs))]
    return [np.stack(arrays, axis=int(ctx.option("axis", 0)))]


def prepare_unpack(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape without the axis, once for each position along it."""
    require_inputs(ctx, 1)
    x = ctx.input(0)
    require_type(ctx, x, *_FLOATS, "int8", "uint8", "int16", "int32", "bool")
    require(0 not in x.shape, ctx, f"shape {x.shape} has no elements")
    axis = require_scalar_axis(ctx, int(ctx.option("axis", 0)), len(x.shape))
    require(
        x.shape[axis] == len(ctx.outputs),
        ctx,
        f"axis {axis} of {x.shape} does not make {len(ctx.outputs)} outputs",
    )
    require(int(ctx.option("num", 0)) == len(ctx.outputs), ctx, "num is not its outputs")
    for y in ctx.outputs:
        require_same_type(ctx, x, y)
        require_same_quantization(ctx, x, y)
    return [(*x.shape[:axis], *x.shape[axis + 1 :])] * len(ctx.outputs)


def evaluate_unpack(ctx: NodeContext) -> list[Array]:
    """The positions along the axis."""
    moved = np.moveaxis(ctx.data(0), int(ctx.option("axis", 0)), 0)
    return [ctx.copied(part, i) for i, part in enumerate(moved)]


def prepare_tile(ctx: NodeContext) -> list[Shape | None]:
    """Each axis times its multiple."""
    require_inputs(ctx, 2)
    x, multiples = ctx.input(0), ctx.input(1)
    require_same_type(ctx, x, ctx.outputs[0])
    require_dtype(ctx, multiples, "int32", "int64")
    if multiples.data is None:
        return [None]
    times = _integers(ctx, 1)
    require(len(times) == len(x.shape), ctx, f"{len(times)} multiples for {x.shape}")
    require(min(times, default=0) >= 0, ctx, f"multiples {times} must not be negative")
    return [tuple(d * m for d, m in zip(x.shape, times, strict=True))]


def evaluate_tile(ctx: NodeContext) -> list[Array]:
    """The input repeated along each axis."""
    return [np.tile(ctx.data(0), _integers(ctx, 1))]


def prepare_broadcast_to(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 1."""
    require_inputs(ctx, 2)
    x, shape = ctx.input(0), ctx.input(1)
    require_same_type(ctx, x, ctx.outputs[0])
    require_no_strings(ctx, x)
    require_dtype(ctx, shape, "int32", "int64")
    if shape.data is None:
        return [None]
    wanted = tuple(_integers(ctx, 1))
    tail = wanted[len(wanted) - len(x.shape) :]
    require(
        len(x.shape) <= len(wanted)
        and all(d in (1, w) for d, w in zip(x.shape, tail, strict=True)),
        ctx,
        f"shape {x.shape} does not broadcast to {wanted}",
    )
    return [wanted]


def evaluate_broadcast_to(ctx: NodeContext) -> list[Array]:
    """The input repeated along its axes of 1."""
    return [ctx.copied(np.broadcast_to(ctx.data(0), ctx.outputs[0].shape))]


def prepare_reverse(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape."""
    require_inputs(ctx, 2)
    x = ctx.input(0)
    require_same_type(ctx, x, ctx.outputs[0])
    require_type(ctx, x, *_FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool")
    require_rank(ctx, x, 0, 8)
    axes = ctx.input(1)
    require_dtype(ctx, axes, "int32")
    require_rank(ctx, axes, 1)
    require(axes.shape[0] <= len(x.shape), ctx, f"{axes.shape[0]} axes for {x.shape}")
    return [x.shape]


def evaluate_reverse(ctx: NodeContext) -> list[Array]:
    """The order along the given axes turned round; they must be neighbours."""
    x = ctx.data(0)
    axes = sorted(require_scalar_axis(ctx, a, x.ndim) for a in _integers(ctx, 1))
    together = axes == list(range(axes[0], axes[-1] + 1)) if axes else True
    require(together, ctx, f"axes {axes} are not contiguous")
    return [ctx.copied(np.flip(x, tuple(axes)))]


def _block(ctx: NodeContext) -> int:
    block = int(ctx.option("block_size", 0))
    require(block > 0, ctx, f"block_size {block} must be positive")
    return block


def prepare_depth_to_space(ctx: NodeContext) -> list[Shape | None]:
    """Rows and columns times the block, depth divided by its square."""
    require_inputs(ctx, 1)
    x, block = ctx.input(0), _block(ctx)
    require_rank(ctx, x, 4)
    require_same_type(ctx, x, ctx.outputs[0])
    require_type(ctx, x, "float32", "int8", "uint8", "int32", "int64")
    n, h, w, c = x.shape
    require(c % (block * block) == 0, ctx, f"depth {c} is no multiple of {block * block}")
    return [(n, h * block, w * block, c // (block * block))]


def evaluate_depth_to_space(ctx: NodeContext) -> list[Array]:
    """Each pixel's depth unrolled into a block of pixels."""
    x, block = ctx.data(0), _block(ctx)
    n, h, w, c = x.shape
    blocks = x.reshape(n, h, w, block, block, c // (block * block))
    return [blocks.transpose(0, 1, 3, 2, 4, 5).reshape(ctx.outputs[0].shape)]


def prepare_space_to_depth(ctx: NodeContext) -> list[Shape | None]:
    """Rows and columns divided by the block, depth times its square."""
    require_inputs(ctx, 1)
    x, block = ctx.input(0), _block(ctx)
    require_rank(ctx, x, 4)
    require_same_type(ctx, x, ctx.outputs[0])
    require_type(ctx, x, "float32", "int8", "uint8", "int32", "int64")
    n, h, w, c = x.shape
    require(h % block == 0 and w % block == 0, ctx, f"block {block} does not divide {h}x{w}")
    return [(n, h // block, w // block, c * block * block)]


def evaluate_space_to_depth(ctx: NodeContext) -> list[Array]:
    """Each block of pixels rolled up into one pixel's depth."""
    x, block = ctx.data(0), _block(ctx)
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // block, block, w // block, block, c)
    return [blocks.transpose(0, 1, 3, 2, 4, 5).reshape(ctx.outputs[0].shape)]


def _int32(ctx: NodeContext, i: int) -> Array:
    """Input i as int32. As in LiteRT nobody looks at its type: other bytes are taken for int32."""
    data = np.ascontiguousarray(ctx.data(i))
    words = data.reshape(-1).view(np.uint8)
    require(words.size >= 4 * data.size, ctx, f"input {i} must be int32, not {data.dtype}")
    return words[: 4 * data.size].view(np.int32).reshape(data.shape)


def _block_vectors(ctx: NodeContext) -> tuple[list[int], list[list[int]]] | None:
    """Block sizes and per-axis amounts of the *_ND ops; None while a tensor is unknown."""
    require_inputs(ctx, 3)
    x, y = ctx.input(0), ctx.outputs[0]
    require_rank(ctx, x, 3, 4)
    require_same_type(ctx, x, y)
    require_no_strings(ctx, x)
    if x.tensor.type.name in ("INT8", "UINT8", "INT16"):
        require_same_quantization(ctx, x, y)
    count = len(x.shape) - 2
    blocks, amounts = ctx.input(1), ctx.input(2)
    require_rank(ctx, blocks, 1)
    require_rank(ctx, amounts, 2)
    require(
        blocks.shape == (count,) and amounts.shape == (count, 2),
        ctx,
        f"{blocks.shape} blocks and {amounts.shape} amounts do not fit input shape {x.shape}",
    )
    if blocks.data is None or amounts.data is None:
        return None
    found: list[int] = _int32(ctx, 1).tolist()
    require(min(found) > 0, ctx, f"block shape {found} must be positive")
    return found, _int32(ctx, 2).tolist()


def prepare_space_to_batch(ctx: NodeContext) -> list[Shape | None]:
    """Padded spatial axes divided by the blocks, the batch times their product."""
    vectors = _block_vectors(ctx)
    if vectors is None:
        return [None]
    blocks, pads = vectors
    x = ctx.input(0)
    spatial = []
    for d, block, (before, after) in zip(x.shape[1:], blocks, pads, strict=False):
        padded = d + before + after
        require(padded % block == 0, ctx, f"block {block} does not divide {padded}")
        spatial.append(padded // block)
    return [(x.shape[0] * int(np.prod(blocks)), *spatial, x.shape[-1])]


def evaluate_space_to_batch(ctx: NodeContext) -> list[Array]:
    """Positions of each block become batches; padded with zero (the zero point).

    A negative amount cuts off what is there.
    """
    vectors = _block_vectors(ctx)
    assert vectors is not None
    blocks, pads = vectors
    y = ctx.outputs[0]
    given = ctx.data(0)
    sizes = [d + sum(pad) for d, pad in zip(given.shape[1:], pads, strict=False)]
    fill = y.zero_point if y.quantized else 0
    x = np.full((given.shape[0], *sizes, given.shape[-1]), fill, given.dtype)
    inside, seen = [slice(None)], [slice(None)]
    for size, d, (before, _) in zip(sizes, given.shape[1:], pads, strict=False):
        low, high = max(0, before), max(0, min(size, d + before))
        inside.append(slice(low, high))
        seen.append(slice(low - before, max(low, high) - before))
    x[tuple(inside)] = given[tuple(seen)]
    split: list[int] = [x.shape[0]]
    for d, block in zip(x.shape[1:], blocks, strict=False):
        split += [d // block, block]
    count = len(blocks)
    cut = x.reshape(*split, x.shape[-1])
    order = [2 * i + 2 for i in range(count)] + [0] + [2 * i + 1 for i in range(count)]
    return [cut.transpose(*order, 2 * count + 1).reshape(y.shape)]


def prepare_batch_to_space(ctx: NodeContext) -> list[Shape | None]:
    """Spatial axes times the blocks less the crops, the batch divided by the blocks' product."""
    vectors = _block_vectors(ctx)
    if vectors is None:
        return [None]
    blocks, crops = vectors
    require(min(map(min, crops)) >= 0, ctx, f"crops {crops} are negative")
    x = ctx.input(0)
    product = int(np.prod(blocks))
    require(x.shape[0] % product == 0, ctx, f"batch {x.shape[0]} is no multiple of {product}")
    spatial = [
        d * block - before - after
        for d, block, (before, after) in zip(x.shape[1:], blocks, crops, strict=False)
    ]
    require(min(spatial) >= 0, ctx, f"crops {crops} exceed the image")
    return [(x.shape[0] // product, *spatial, x.shape[-1])]


def evaluate_batch_to_space(ctx: NodeContext) -> list[Array]:
    """Batches become positions of a block again, then the crops are cut off."""
    vectors = _block_vectors(ctx)
    assert vectors is not None
    blocks, crops = vectors
    x = ctx.data(0)
    count = len(blocks)
    batch = x.shape[0] // int(np.prod(blocks))
    cut = x.reshape(*blocks, batch, *x.shape[1:])
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    full = cut.transpose(*order, 2 * count + 1).reshape(
        batch, *[d * b for d, b in zip(x.shape[1:], blocks, strict=False)], x.shape[-1]
    )
    inner = tuple(
        slice(before, d - after) for d, (before, after) in zip(full.shape[1:], crops, strict=False)
    )
    return [ctx.copied(full[(slice(None), *inner)])]


KERNELS = (
    Kernel("TRANSPOSE", prepare_transpose, evaluate_transpose),
    Kernel("PACK", prepare_pack, evaluate_pack),
    Kernel("UNPACK", prepare_unpack, evaluate_unpack),
    Kernel("TILE", prepare_tile, evaluate_tile),
    Kernel("BROADCAST_TO", prepare_broadcast_to, evaluate_broadcast_to),
    Kernel("REVERSE_V2", prepare_reverse, evaluate_reverse),
    Kernel("DEPTH_TO_SPACE", prepare_depth_to_space, evaluate_depth_to_space),
    Kernel("SPACE_TO_DEPTH", prepare_space_to_depth, evaluate_space_to_depth),
    Kernel("SPACE_TO_BATCH_ND", prepare_space_to_batch, evaluate_space_to_batch),
    Kernel("BATCH_TO_SPACE_ND", prepare_batch_to_space, evaluate_batch_to_space),
)
