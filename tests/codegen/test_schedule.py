"""Schedules: what a tile promises whatever the shape."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from litefuse.codegen.schedule import (
    ContractSchedule,
    DepthwiseSchedule,
    cut_channels,
    schedule_contract,
    schedule_depthwise,
)  # fmt: skip

MACHINES = st.sampled_from([(4, 16), (4, 32), (8, 16), (16, 32)])


@given(channels=st.integers(1, 300), lanes=st.sampled_from([4, 8, 16]), vectors=st.integers(1, 8))
def test_blocks_cover_all_channels_once(channels: int, lanes: int, vectors: int) -> None:
    b = cut_channels(channels, lanes, vectors)
    assert b.full * b.width + sum(b.stored(tail=True)) == channels
    assert 0 <= b.padded - channels < lanes
    assert all(0 < n <= lanes for n in (*b.vectors, *b.tail))
    assert not b.tail or b.stored(tail=True)[-1] > 0


@given(
    machine=MACHINES, height=st.integers(1, 60), width=st.integers(1, 200), channels=st.integers(1, 200),
    depth=st.integers(1, 600), single=st.booleans(),
)  # fmt: skip
def test_contract_tiles_fit_the_registers_and_the_image(
    machine: tuple[int, int], height: int, width: int, channels: int, depth: int, single: bool
) -> None:
    lanes, registers = machine
    s = schedule_contract(
        height,
        width,
        channels,
        depth,
        lanes,
        registers,
        height * width * depth,
        channels * depth,
        single,
    )
    vectors = len(s.blocks.vectors or s.blocks.tail)
    assert s.rows * s.columns * vectors + vectors + 1 <= registers
    assert 1 <= s.rows <= height
    assert 1 <= s.columns <= width
    assert s.unroll >= 1
    assert not single or (s.rows == 1 and s.parallel == "rows")
    assert ContractSchedule.of(s.attribute()) == s


@given(
    machine=MACHINES, height=st.integers(1, 60), width=st.integers(1, 200), channels=st.integers(1, 100),
    multiplier=st.sampled_from([1, 1, 2, 3, 8, 20, 40]), kernel=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)  # fmt: skip
def test_depthwise_lanes_hold_whole_groups(
    machine: tuple[int, int],
    height: int,
    width: int,
    channels: int,
    multiplier: int,
    kernel: tuple[int, int],
) -> None:
    lanes, registers = machine
    s = schedule_depthwise(
        height, width, channels * multiplier, multiplier, kernel, lanes, registers
    )
    assert 1 <= s.rows <= height
    assert 1 <= s.columns <= width
    if multiplier > 1:  # a vector never straddles the outputs of an input channel in part
        at = 0
        for n in (*s.blocks.vectors * s.blocks.full, *s.blocks.tail):
            assert n % multiplier == 0 or multiplier % n == 0, (n, multiplier)
            at += n
        assert at >= channels * multiplier
    assert DepthwiseSchedule.of(s.attribute()) == s
