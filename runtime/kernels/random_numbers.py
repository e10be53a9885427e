"""RANDOM_UNIFORM, RANDOM_STANDARD_NORMAL and MULTINOMIAL.

With a seed the numbers are LiteRT's own: Philox 4x32-10 with `seed` for a key and `seed2` for the
upper half of the counter, the lower half counting blocks of four words from invoke to invoke.
With both seeds 0 LiteRT takes a new seed for each preparation, and so do we.

Float bounds: uniform numbers and draws are equal.  Normal ones (Box and Muller) are within 6
roundings: at most 2 of a logarithm, halved by the root, 1 of the root, at most 2 of a sine or
cosine, 1 of their product, and one to spare for products of these.
"""

from __future__ import annotations

import os

import numpy as np

from litefuse.runtime.kernels import accurate
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.bounds import relative
from litefuse.runtime.kernels.philox import Words, counters, philox


class _Stream:
    """The generator of one node."""

    def __init__(self, seed: int, seed2: int) -> None:
        # LiteRT keeps 32 bits of each, with their sign.
        seed, seed2 = ((s + (1 << 31)) % (1 << 32) - (1 << 31) for s in (seed, seed2))
        if seed == 0 and seed2 == 0:
            seed, seed2 = (int.from_bytes(os.urandom(8), "little") for _ in range(2))
        self.key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        self.counter = (seed2 & 0xFFFFFFFFFFFFFFFF) << 64

    def words(self, count: int) -> Words:
        """At least `count` words, whole blocks of four, without moving on."""
        return philox(self.key, counters(self.counter, -(-count // 4))).ravel()

    def skip(self, blocks: int) -> None:
        """Move on by blocks of four words."""
        self.counter = (self.counter + blocks) % (1 << 128)


def _stream(ctx: NodeContext) -> _Stream:
    stream: _Stream = ctx.memo(
        "stream", lambda: _Stream(int(ctx.option("seed", 0)), int(ctx.option("seed2", 0)))
    )
    return stream


def _unit(words: Words) -> Array:
    """[0, 1) from the 23 low bits of each word."""
    bits = (words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)
    return bits.view(np.float32) - np.float32(1)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The shape in input 0."""
    require_inputs(ctx, 1)
    shape = ctx.input(0)
    require_dtype(ctx, shape, "int32")
    require_rank(ctx, shape, 1)
    require_dtype(ctx, ctx.outputs[0], "float32")
    return [None if shape.data is None else _shape(ctx)]


def _shape(ctx: NodeContext) -> Shape:
    shape = tuple(int(d) for d in ctx.data(0))
    require(min(shape, default=0) >= 0, ctx, f"shape {shape} must not be negative")
    return shape


def evaluate_uniform(ctx: NodeContext) -> list[Array]:
    """Numbers of [0, 1)."""
    shape, stream = _shape(ctx), _stream(ctx)
    count = int(np.prod(shape))
    words = stream.words(count)
    stream.skip(len(words) // 4)
    return [_unit(words[:count]).reshape(shape)]


def evaluate_normal(ctx: NodeContext) -> list[Array]:
    """Two normal numbers from each two words."""
    shape, stream = _shape(ctx), _stream(ctx)
    count = int(np.prod(shape))
    words = stream.words(count)
    stream.skip(len(words) // 4)
    first = np.maximum(_unit(words[0::2]), np.float32(1e-7))
    # The product is in double precision, as near a multiple of pi shows.
    angle = (2 * np.pi * _unit(words[1::2]).astype(np.float64)).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * accurate.log(first))
    pairs = np.stack([accurate.sin(angle) * radius, accurate.cos(angle) * radius], axis=1)
    return [np.asarray(pairs.ravel()[:count].reshape(shape), np.float32)]


def prepare_multinomial(ctx: NodeContext) -> list[Shape | None]:
    """[batch, num_samples]."""
    require_inputs(ctx, 2)
    logits, count = ctx.input(0), ctx.input(1)
    require_dtype(ctx, logits, "float32")
    require_dtype(ctx, count, "int32")
    require_dtype(ctx, ctx.outputs[0], "int32", "int64")
    require_rank(ctx, logits, 2)
    require(logits.shape[1] > 0, ctx, "has no classes to draw from")
    require_rank(ctx, count, 0)
    known = logits.data is not None and count.data is not None
    return [(logits.shape[0], _samples(ctx)) if known else None]


def _samples(ctx: NodeContext) -> int:
    count = int(ctx.data(1)[()])
    require(count >= 0, ctx, f"number of samples {count} is negative")
    return count


def evaluate_multinomial(ctx: NodeContext) -> list[Array]:
    """Classes drawn by their unnormalised log-probabilities; infinite and NaN ones never."""
    logits, count, stream = ctx.data(0), _samples(ctx), _stream(ctx)
    batch = len(logits)
    pairs = stream.words(2 * batch * count).reshape(-1, 2).astype(np.uint64)
    # LiteRT skips a fixed number per invoke, far more than it draws.
    stream.skip(batch * ((count + 3) // 4 * 4) * 2 * 256)
    bits = ((pairs[:, 0] & np.uint64(0xFFFFF)) << np.uint64(32)) | pairs[:, 1]
    unit = (bits | np.uint64(1023 << 52)).view(np.float64) - 1.0
    unit = unit[: batch * count].reshape(batch, count)
    out = np.empty((batch, count), ctx.outputs[0].dtype)
    for row, (line, draws) in enumerate(zip(logits, unit, strict=True)):
        finite = np.isfinite(line)
        highest = line[finite].max(initial=np.finfo(np.float32).min).astype(np.float64)
        weights = np.where(finite, np.exp(line - highest), 0.0)
        total = np.cumsum(weights)
        out[row] = np.searchsorted(total, draws * total[-1], side="right")
    return [out]


KERNELS = (
    Kernel("RANDOM_UNIFORM", prepare, evaluate_uniform, stateful=True),
    Kernel(
        "RANDOM_STANDARD_NORMAL",
        prepare,
        evaluate_normal,
        stateful=True,
        bound=relative("relative, 6 roundings", lambda ctx: 6),
    ),
    Kernel("MULTINOMIAL", prepare_multinomial, evaluate_multinomial, stateful=True),
)
