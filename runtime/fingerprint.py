"""What stands for the compiler in a cache key, found without importing it."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path

# What an artifact's bytes can depend on: the stages, and what folding and the writer use of ours.
_SOURCES = (
    "compiler",
    "passes",
    "codegen",
    "runtime/kernels",
    "runtime/model",
    "runtime/artifact.py",
    "runtime/placement.py",
    "runtime/plan.py",
)


@lru_cache(maxsize=1)
def compiler_digest() -> str:
    """A digest of the compiler's source files: path, size and modification time of each.

    Times rather than contents, since this runs at every warm start: half a millisecond against
    ten. A touched file costs a needless compilation; an edit that keeps both its file's size and
    its time to the nanosecond would go unseen, which no editor, git or pip does.
    """
    root = Path(__file__).resolve().parents[1]
    lines: list[str] = []
    for name in _SOURCES:
        _collect(str(root / name), name, lines)
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _collect(path: str, name: str, lines: list[str]) -> None:
    try:
        if name.endswith(".py"):
            status = os.stat(path)  # noqa: PTH116 (plain os calls: this is on the warm path)
            lines.append(f"{name} {status.st_size} {status.st_mtime_ns}")
            return
        with os.scandir(path) as found:
            for item in found:
                if item.name.endswith(".py"):
                    status = item.stat()
                    lines.append(f"{name}/{item.name} {status.st_size} {status.st_mtime_ns}")
                elif item.name != "__pycache__" and item.is_dir():
                    _collect(item.path, f"{name}/{item.name}", lines)
    except FileNotFoundError:
        return  # a board with the runtime alone: the absence is part of the digest


@lru_cache(maxsize=1)
def llvm_version() -> str:
    """The installed llvmlite's version, from the name of its metadata folder, or "absent"."""
    for place in sys.path:
        base = place or "."
        if os.path.isdir(base + "/llvmlite"):  # noqa: PTH112 (as above)
            for name in os.listdir(base):  # noqa: PTH208
                if name.startswith("llvmlite-") and name.endswith(".dist-info"):
                    return name.removeprefix("llvmlite-").removesuffix(".dist-info")
            return "unknown"
    return "absent"
