"""Arena memory: aligned, zeroed, with slack, private to a process."""

from __future__ import annotations

import ctypes
import os

import numpy as np
import pytest

from litefuse.runtime.arena import ALIGN, SLACK, Arena, Memory


@pytest.mark.parametrize("nbytes", [0, 1, 63, 4096, 100_001, 5 << 20])
def test_aligned_zeroed_and_slack_at_both_ends(nbytes: int) -> None:
    arena = Arena(nbytes)
    assert arena.address % ALIGN == 0
    whole = (ctypes.c_ubyte * (nbytes + 2 * SLACK)).from_address(arena.address - SLACK)
    assert not any(bytes(whole))
    view = arena.view(0, np.dtype(np.uint8), (nbytes,))
    view[:] = 7
    assert not any(whole[:SLACK])
    assert not any(whole[SLACK + nbytes :])
    assert view.ctypes.data == arena.address or not nbytes


def test_views_outlive_close_and_close_is_idempotent() -> None:
    memory = Memory(1000)
    view = memory.view(8, np.dtype(np.int32), (2, 3))
    view[...] = 5
    memory.close()
    memory.close()
    assert memory.closed
    assert memory.address == 0
    del memory
    assert view.sum() == 30


def test_a_view_outside_is_refused() -> None:
    memory = Memory(16)
    for offset, count in ((0, 5), (13, 1), (-4, 1)):
        with pytest.raises(ValueError, match="leaves the 16 bytes"):
            memory.view(offset, np.dtype(np.int32), (count,))
    with pytest.raises(ValueError, match="arena of -1"):
        Arena(-1)


def test_a_forked_child_has_its_own() -> None:
    arena = Arena(64)
    view = arena.view(0, np.dtype(np.uint8), (64,))
    child = os.fork()
    if child == 0:
        view[:] = 9
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not view.any()
