"""The few C library functions that the runtime calls, and the addresses it hands to native code."""

from __future__ import annotations

import ctypes
import mmap
import os
from functools import lru_cache
from typing import Final

PROT_READ: Final = 1
PROT_EXEC: Final = 4
MAP_PRIVATE: Final = 2
_FUTEX_WAKE_PRIVATE: Final = 1 | 128
_SYS_FUTEX: Final = {"x86_64": 202, "aarch64": 98}


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.syscall.restype = ctypes.c_long
    return libc


def map_file(fd: int, offset: int, size: int, *, executable: bool = False) -> int:
    """Map `size` bytes of a file read-only (and executable); the address. OSError if refused.

    The pages are the page cache's own, so all processes that map the file share them. `offset`
    may be anything: an artifact is laid out in pages of 4 KB, and some Arm kernels use 16 or 64.
    """
    rights = PROT_READ | (PROT_EXEC if executable else 0)
    extra = offset % mmap.PAGESIZE
    address = _libc().mmap(None, size + extra, rights, MAP_PRIVATE, fd, offset - extra)
    if address is None or address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(address) + extra


def unmap(address: int, size: int) -> None:
    """Undo `map_file`."""
    extra = address % mmap.PAGESIZE
    _libc().munmap(address - extra, size + extra)


def view(address: int, size: int) -> memoryview:
    """The bytes at an address. Nothing keeps them mapped."""
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


def syscall_address() -> int:
    """The address of libc's ``syscall``, or 0 where the futex call's number is not known."""
    if os.uname().machine not in _SYS_FUTEX:
        return 0
    return ctypes.cast(_libc().syscall, ctypes.c_void_p).value or 0


def futex_wake(address: int) -> None:
    """Wake every thread of this process that sleeps on the word at `address`; a full barrier."""
    number = _SYS_FUTEX.get(os.uname().machine)
    if number is not None:
        _libc().syscall(
            ctypes.c_long(number),
            ctypes.c_void_p(address),
            ctypes.c_int(_FUTEX_WAKE_PRIVATE),
            ctypes.c_int(2**31 - 1),
            None,
            None,
            ctypes.c_int(0),
        )
