"""LSH_PROJECTION: bits of locality sensitive hashing.

Input 0 holds seeds [hashes, bits].  A bit says whether the sum of the items' hashes, each times its
weight, is positive; an item is one index of input 1's first axis, and its hash is Fingerprint64,
as a signed number, of the seed's 4 bytes followed by the item's.  DENSE gives each bit as an int32;
SPARSE gives an int32 a hash function, its bits in order, plus (function << bits) so that functions
do not collide.

LiteRT looks at no type: an item is its bytes.  A string tensor is cut where its serialised form
(the count, the offsets, the characters) falls into equal parts, which are not the strings.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.farmhash import fingerprint64
from litefuse.runtime.model.enums import LSHProjectionType

_PACKED = ("INT4", "INT2", "UINT4")
_LARGEST_BITS = 32


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[hashes] when sparse, [hashes * bits] when dense."""
    require_inputs(ctx, 2, 3)
    require(len(ctx.outputs) == 1, ctx, f"has {len(ctx.outputs)} outputs, needs 1")
    seeds, value = ctx.input(0), ctx.input(1)
    require_rank(ctx, seeds, 2)
    require_dtype(ctx, seeds, "float32")
    require_dtype(ctx, ctx.outputs[0], "int32")
    hashes, bits = seeds.shape
    require(bits <= _LARGEST_BITS, ctx, f"{bits} bits a hash function; at most {_LARGEST_BITS}")
    kind = value.tensor.type.name
    require(kind not in _PACKED, ctx, f"tensor {value.name!r} is {kind}; items need whole bytes")
    require(
        len(value.shape) >= 1 and value.shape[0] >= 1,
        ctx,
        f"tensor {value.name!r} has shape {value.shape}, needs at least one item",
    )
    if len(ctx.inputs) == 3:
        weight = ctx.input(2)
        require_dtype(ctx, weight, "float32")
        require(
            weight.shape == value.shape[:1],
            ctx,
            f"weights {weight.shape} for {value.shape[0]} items",
        )
    form = int(ctx.option("type", 0))
    if form == LSHProjectionType.SPARSE:
        return [(hashes,)]
    if form == LSHProjectionType.DENSE:
        return [(hashes * bits,)]
    raise KernelError(f"LSH_PROJECTION: type {form} is neither SPARSE (1) nor DENSE (2)")


def _items(data: Array, constant: bool) -> npt.NDArray[np.uint8]:
    """The items' bytes [items, bytes an item]."""
    raw = np.ascontiguousarray(data).tobytes() if data.dtype != object else b""
    if data.dtype == object and (data.size or constant):  # else LiteRT has no buffer
        raw = _serialised(data)
    count = data.shape[0]
    size = len(raw) // count
    return np.frombuffer(raw, np.uint8, count * size).reshape(count, size)


def _serialised(strings: Array) -> bytes:
    """A string tensor's buffer: the count, where each string starts and the last ends, and all."""
    parts = [bytes(s) for s in strings.ravel()]
    lengths = [0, *(len(p) for p in parts)]
    offsets = 4 * (len(parts) + 2) + np.cumsum(lengths)
    return np.array([len(parts), *offsets], "<i4").tobytes() + b"".join(parts)


def evaluate(ctx: NodeContext) -> list[Array]:
    """One bit a seed, or one number a hash function."""
    seeds, items = ctx.data(0), _items(ctx.data(1), ctx.input(1).constant)
    hashes, bits = seeds.shape
    count = len(items)
    heads = np.ascontiguousarray(seeds, "<f4").reshape(-1, 1).view(np.uint8)
    keys = np.concatenate(
        (np.repeat(heads, count, axis=0), np.tile(items, (len(heads), 1))), axis=1
    )
    values = fingerprint64(keys).view(np.int64).astype(np.float64).reshape(len(heads), count)
    if len(ctx.inputs) == 3:
        values = values * ctx.data(2)
    scores = np.zeros(len(heads))
    for column in values.T:  # in order, as the reference adds them
        scores = scores + column
    found = (scores > 0).astype(np.int32)
    if int(ctx.option("type", 0)) == LSHProjectionType.DENSE:
        return [found]
    out = np.zeros(hashes, np.uint32)
    for bit in found.reshape(hashes, bits).T:
        out = (out << np.uint32(1)) | bit.astype(np.uint32)
    # At 32 bits the shift is by the word's size, which x86 takes for 0.
    step = np.uint32(1 << (bits % 32))
    return [(out + np.arange(hashes, dtype=np.uint32) * step).view(np.int32)]


KERNELS = (Kernel("LSH_PROJECTION", prepare, evaluate),)
