"""How large a tensor may be: what counting allows, and what the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

_COUNT = 2**64
_CGROUP = "/sys/fs/cgroup/memory.max"


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


def memory_limit() -> int:
    """Bytes that this process may ever have: physical memory and swap, or less where a limit on
    its address space, its data, or its control group says so.
    """
    limits = [_physical()]
    with suppress(ImportError):
        import resource

        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft, _ = resource.getrlimit(kind)
            if soft != resource.RLIM_INFINITY:
                limits.append(soft)
    with suppress(OSError, ValueError), open(_CGROUP) as file:  # noqa: PTH123 - pathlib is slow
        limits.append(int(file.read()))  # ValueError: "max"
    return min(limits)


def _physical() -> int:
    with suppress(OSError), open("/proc/meminfo") as file:  # noqa: PTH123
        found = dict(line.split(":", 1) for line in file)
        return sum(int(found.get(k, "0").split()[0]) * 1024 for k in ("MemTotal", "SwapTotal"))
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
