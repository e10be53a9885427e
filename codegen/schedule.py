"""Choosing tiles: a small search under a cost model that knows the target's registers, lanes and
load ports.

The model counts cycles of the innermost loop: two multiply-adds and one and a half loads a cycle,
five cycles of latency, a little worse than the data sheets say: what measured tiles came to. Tiles
never have a tail: where a tile does not divide, the last one overlaps the one before, so waste is
what the search avoids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

_FMA_PER_CYCLE = 2
_LOADS_PER_CYCLE = 1.5
_LATENCY = 5
_L1 = 32 * 1024
_L2_BYTES_PER_CYCLE = 24
_LARGEST_DEPTHWISE = 400  # multiply-adds of a depthwise tile, which is written out whole


@dataclass(frozen=True)
class Blocks:
    """How channels are cut: `full` equal blocks of `vectors` lanes, then one block of `tail` lanes
    (may be empty).

    `stored` counts the channels of the last block that exist; lanes beyond are computed and
    dropped.
    """

    full: int
    vectors: tuple[int, ...]
    tail: tuple[int, ...]
    channels: int

    @property
    def width(self) -> int:
        """Channels of a full block."""
        return sum(self.vectors)

    @property
    def tail_start(self) -> int:
        """First channel of the tail block."""
        return self.full * self.width

    @property
    def padded(self) -> int:
        """All lanes together: the channels that packed weights have."""
        return self.tail_start + sum(self.tail)

    def stored(self, tail: bool) -> tuple[int, ...]:
        """How many lanes of each vector of a block exist."""
        if not tail:
            return self.vectors
        left = self.channels - self.tail_start
        counts = []
        for lanes in self.tail:
            counts.append(min(lanes, left))
            left -= counts[-1]
        return tuple(counts)


def cut_channels(channels: int, lanes: int, vectors: int) -> Blocks:
    """Blocks of `vectors` vectors of `lanes` lanes; the tail ends in a vector of the least power
    of two that holds the rest."""
    width = lanes * vectors
    full = channels // width
    left = channels - full * width
    tail = [lanes] * (left // lanes)
    if left % lanes:
        tail.append(min(lanes, max(4, 1 << (left % lanes - 1).bit_length())))
    if full == 0:
        return Blocks(0, (), tuple(tail), channels)
    return Blocks(full, (lanes,) * vectors, tuple(tail), channels)


def _row_tiles(height: int, width: int, most: int, single: bool) -> Iterator[tuple[int, int]]:
    for rows in range(1, 2 if single else min(height, most) + 1):
        for columns in range(1, min(width, most // rows) + 1):
            if rows == 1 or columns == width:
                yield rows, columns


@dataclass(frozen=True)
class ContractSchedule:
    """How a contraction is computed."""

    rows: int
    columns: int
    blocks: Blocks
    unroll: int
    parallel: str  # "rows" or "blocks": what is split among threads
    outer: str  # "rows" or "blocks": the outer loop

    def attribute(self) -> dict[str, Any]:
        """The schedule as an IR attribute."""
        return asdict(self)

    @classmethod
    def of(cls, attribute: dict[str, Any]) -> ContractSchedule:
        """The schedule that an IR attribute says."""
        return cls(**{**attribute, "blocks": Blocks(**attribute["blocks"])})


def schedule_contract(
    height: int,
    width: int,
    channels: int,
    depth: int,
    lanes: int,
    registers: int,
    x_bytes: int,
    w_bytes: int,
    single_rows: bool = False,
    weight_registers: int = 1,
) -> ContractSchedule:
    """The cheapest tile for an output of height x width pixels and `channels` channels, each a sum
    of `depth` steps.

    A step is one vector multiply-add: one k for floats, two or four for the integer dot products.
    x_bytes, w_bytes: sizes of the activations and the packed weights.
    """
    best: tuple[float, int, int, Blocks] | None = None
    for vectors in (1, 2, 3, 4, 6, 8):
        blocks = cut_channels(channels, lanes, vectors)
        nv = len(blocks.vectors or blocks.tail)
        if nv < vectors and vectors > 1:
            continue
        most = (registers - nv * weight_registers - 1) // nv
        if most < 1:
            continue
        for rows, columns in _row_tiles(height, width, most, single_rows):
            pixels = rows * columns
            tiles = -(-height // rows) * -(-width // columns)
            cost = 0.0
            for count, in_block in (
                (blocks.full, len(blocks.vectors)),
                (1 if blocks.tail else 0, len(blocks.tail)),
            ):
                step = max(
                    pixels * in_block / _FMA_PER_CYCLE,
                    (pixels + in_block) / _LOADS_PER_CYCLE,
                    float(_LATENCY),
                )
                if (
                    depth * in_block * lanes * 4 > _L1 // 2
                ):  # the block's weights come from the second level
                    step = max(step, in_block * lanes * 4 / _L2_BYTES_PER_CYCLE)
                cost += count * tiles * (depth * step + 6 + 2.0 * pixels * in_block)
            if best is None or cost < best[0] * 0.995:
                best = (cost, rows, columns, blocks)
    assert best is not None
    _, rows, columns, blocks = best
    count = blocks.full + (1 if blocks.tail else 0)
    units = -(-height // rows) if height > 1 else -(-width // columns)
    parallel = "blocks" if units < 4 and count > units and not single_rows else "rows"
    stream_x = count * x_bytes
    stream_w = units * w_bytes if w_bytes > _L1 // 2 else 0
    outer = "blocks" if parallel == "blocks" or stream_w > stream_x else "rows"
    pixels = rows * columns
    unroll = max(1, min(8, 48 // max(1, pixels * len(blocks.vectors or blocks.tail))))
    unroll = 1 << (unroll.bit_length() - 1)
    return ContractSchedule(rows, columns, blocks, max(2, unroll), parallel, outer)


@dataclass(frozen=True)
class DepthwiseSchedule:
    """How a depthwise convolution is computed."""

    rows: int
    columns: int
    blocks: Blocks

    def attribute(self) -> dict[str, Any]:
        """The schedule as an IR attribute."""
        return asdict(self)

    @classmethod
    def of(cls, attribute: dict[str, Any]) -> DepthwiseSchedule:
        """The schedule that an IR attribute says."""
        return cls(**{**attribute, "blocks": Blocks(**attribute["blocks"])})


def schedule_depthwise(
    height: int,
    width: int,
    channels: int,
    multiplier: int,
    kernel: tuple[int, int],
    lanes: int,
    registers: int,
    single_rows: bool = False,
) -> DepthwiseSchedule:
    """Tiles that read each input vector once for all outputs that need it."""
    if multiplier > 1:  # lanes must hold whole groups of one input channel, or lie inside one
        lanes = (
            multiplier * (lanes // multiplier)
            if multiplier <= lanes
            else _divisor(multiplier, lanes)
        )
    best: tuple[float, int, int, Blocks] | None = None
    for vectors in (1, 2):
        blocks = cut_channels(channels, lanes, vectors)
        if multiplier > 1:
            blocks = _exact_blocks(channels, lanes, vectors)
        nv = len(blocks.vectors or blocks.tail)
        if nv < vectors:
            continue
        most = max(1, (registers - kernel[1] * nv - 2) // nv)
        for rows, columns in _row_tiles(height, width, most, single_rows):
            if rows * columns * kernel[0] * kernel[1] * nv > _LARGEST_DEPTHWISE:
                continue
            tiles = -(-height // rows) * -(-width // columns)
            taps = rows * columns * kernel[0] * kernel[1]
            reads = (rows - 1 + kernel[0]) * (columns - 1 + kernel[1])
            weights = kernel[0] * kernel[1] * rows
            cycles = max(
                taps / _FMA_PER_CYCLE,
                (reads + weights) / _LOADS_PER_CYCLE,
                _LATENCY * kernel[0] * kernel[1] / 4,
            )
            cost = (blocks.full * nv + len(blocks.tail)) * tiles * (cycles + 2 * rows * columns) + (
                (blocks.full + 1) * tiles * 6
            )
            if best is None or cost < best[0] * 0.995:
                best = (cost, rows, columns, blocks)
    if best is None:
        return DepthwiseSchedule(1, 1, cut_channels(channels, lanes, 1))
    return DepthwiseSchedule(best[1], best[2], best[3])


def _divisor(n: int, most: int) -> int:
    return next(d for d in range(most, 0, -1) if n % d == 0)


def _exact_blocks(channels: int, lanes: int, vectors: int) -> Blocks:
    """Blocks whose tail has exactly the lanes that are left (a whole number of multiplier
    groups)."""
    width = lanes * vectors
    full, left = divmod(channels, width)
    tail = [lanes] * (left // lanes) + ([left % lanes] if left % lanes else [])
    return Blocks(full, (lanes,) * vectors if full else (), tuple(tail), channels)
