"""How large a tensor may be: what counting allows, and what the machine has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import suppress

from litefuse.runtime.kernels.base import KernelError, TensorValue

_COUNT = 2**64
_CGROUP = "/sys/fs/cgroup/memory.max"
_SMALL = 1 << 26  # what is smaller is not worth asking the machine about
_POINTER = 8  # bytes of a string tensor's element, without the string


def uncountable(shape: Iterable[int], itemsize: int) -> str | None:
    """Which number of a shape LiteRT's 64-bit arithmetic cannot hold: "elements" (negative
    dimensions count as huge ones), "bytes", or None when both fit.
    """
    elements = 1
    for dimension in shape:
        elements *= dimension
        if elements >= _COUNT or dimension < 0:
            return "elements"
    return "bytes" if elements * itemsize >= _COUNT else None


def require_positive(value: TensorValue, shape: Iterable[int] | None) -> None:
    """KernelError, in LiteRT's words, if a node's rule gives a shape with a negative dimension."""
    if shape is not None and min(shape, default=0) < 0:
        raise KernelError(
            f"BytesRequired number of elements overflowed: {value.name!r} would be {shape}"
        )


def require_room(value: TensorValue) -> None:
    """KernelError, naming the tensor, if it is larger than the memory that there is."""
    size = math.prod(value.shape) * (_POINTER if value.dtype.hasobject else value.dtype.itemsize)
    if size >= _SMALL:
        require_memory(size, f"tensor {value.name!r} {value.dtype.name}{list(value.shape)}")


def require_memory(size: int, what: str) -> None:
    """KernelError if so many bytes for `what` are more than this process can have."""
    if size < _SMALL:
        return
    limit = memory_limit()
    if size > limit:
        raise KernelError(
            f"{what} needs {human(size)}, and this process can have {human(limit)}; "
            "give the model smaller inputs"
        )


def memory_limit() -> int:
    """Bytes that this process may have now: the memory and swap that nobody uses, or less where a
    limit on its address space, its data, or its control group says so.
    """
    limits = [_available()]
    with suppress(ImportError):
        import resource

        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft, _ = resource.getrlimit(kind)
            if soft != resource.RLIM_INFINITY:
                limits.append(soft)
    with suppress(OSError, ValueError), open(_CGROUP) as file:  # noqa: PTH123 - pathlib is slow
        limits.append(int(file.read()))  # ValueError: "max"
    return min(limits)


def _available() -> int:
    with suppress(OSError), open("/proc/meminfo") as file:  # noqa: PTH123
        found = dict(line.split(":", 1) for line in file)
        return sum(int(found.get(k, "0").split()[0]) * 1024 for k in ("MemAvailable", "SwapFree"))
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return _COUNT


def human(size: int) -> str:
    """A number of bytes for an error text: "5.0 GB"."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.3g} PB"
