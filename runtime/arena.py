"""Zeroed, 64-byte aligned memory for intermediate tensors, with slack at both ends."""

from __future__ import annotations

import mmap
from typing import Final

import numpy as np

ALIGN: Final = 64
SLACK: Final = 256
_HUGE: Final = 2 << 20


class Memory:
    """`nbytes` of anonymous private memory, zero-filled, on a page boundary; freed by `close`.

    Private, since Python's default is memory that a forked child shares and so scribbles over.
    """

    def __init__(self, nbytes: int) -> None:
        self._map = mmap.mmap(-1, max(nbytes, 1), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if nbytes >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self.nbytes = nbytes
        self.address = int(np.frombuffer(self._map, np.uint8).ctypes.data)
        self.closed = False

    def view(self, offset: int, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
        """A writable array over `shape` items at byte `offset`; it keeps the memory alive."""
        count = int(np.prod(shape, dtype=np.int64))
        if not 0 <= offset <= self.nbytes - count * dtype.itemsize:
            raise ValueError(
                f"{dtype} {shape} at byte {offset} leaves the {self.nbytes} bytes here"
            )
        return np.frombuffer(self._map, dtype, count, offset).reshape(shape)

    def close(self) -> None:
        """Free it; again is harmless. While views live the pages stay."""
        self.closed = True
        try:
            self._map.close()
        except BufferError:
            return  # a view is alive; the pages go when it and this object have gone
        finally:
            self.address = 0


class Arena:
    """Intermediate tensors of one executable: `address` is 64-byte aligned and zero-filled once.

    `SLACK` bytes before and after may be read (vector loads overhang), and hold zeros at first.
    """

    def __init__(self, nbytes: int) -> None:
        if nbytes < 0:
            raise ValueError(f"arena of {nbytes} bytes")
        self.nbytes = nbytes
        self._memory = Memory(nbytes + 2 * SLACK)
        self.address = self._memory.address + SLACK

    def view(self, offset: int, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> np.ndarray:
        """A writable array over arena bytes from `offset` on."""
        return self._memory.view(SLACK + offset, dtype, shape)

    def close(self) -> None:
        """Free the memory; again is harmless."""
        self._memory.close()
        self.address = 0
