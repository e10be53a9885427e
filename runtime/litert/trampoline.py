"""Three instructions that let a node's native code change while the interpreter keeps its pointer.

A registration's `invoke` is fixed when a node is replaced, but a resize brings another compiled
image. So `invoke` is this code, which jumps to the address in the State's slot 56 with its
arguments untouched: int f(TfLiteContext *, TfLiteNode *), where node->user_data is the State.
"""

from __future__ import annotations

import mmap
import os
import platform
import tempfile
from functools import lru_cache

from litefuse.runtime import libc
from litefuse.runtime.litert.structs import TfLiteNode

ENTRY_SLOT = 56

_CODE = {
    # endbr64; mov rax, [rsi + 32]; jmp [rax + 56]
    "x86_64": bytes.fromhex("f30f1efa 488b4620 ff6038"),
    # bti c; ldr x16, [x1, #32]; ldr x16, [x16, #56]; br x16
    "aarch64": bytes.fromhex("5f2403d5 301040f9 101e40f9 00021fd6"),
}
_CODE["AMD64"], _CODE["arm64"] = _CODE["x86_64"], _CODE["aarch64"]


@lru_cache(maxsize=1)
def trampoline_address() -> int | None:
    """Where the code is, for the life of the process; None if this system lets none be mapped."""
    code = _CODE.get(platform.machine())
    if code is None or TfLiteNode.user_data.offset != 32:
        return None
    try:
        # A file mapping, never writable: systems that forbid turning memory into code allow it.
        fd = _anonymous_file()
        try:
            os.write(fd, code.ljust(mmap.PAGESIZE, b"\0"))
            return libc.map_file(fd, 0, mmap.PAGESIZE, executable=True)
        finally:
            os.close(fd)
    except OSError:
        return None


def _anonymous_file() -> int:
    try:
        return os.memfd_create("litefuse:trampoline", os.MFD_CLOEXEC)
    except (AttributeError, OSError):  # kernels and sandboxes without memfd
        with tempfile.TemporaryFile(prefix="litefuse-") as file:
            return os.dup(file.fileno())
