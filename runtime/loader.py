"""From an artifact file to code that can be called: verify first, then map. No compiler, no linker.

Before anything is mapped executable: the opened file is regular, ours (or root's) and writable by
nobody else; its checksum and every manifest field are right; and this CPU has what the code needs.
Code and constants are file-backed read-only pages, shared by all processes that load the file.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from litefuse.runtime import libc
from litefuse.runtime.artifact import ArtifactError, Manifest, parse
from litefuse.runtime.cache import unsafe_reason
from litefuse.runtime.cpu import HostTarget, host_target
from litefuse.runtime.errors import LoadError


class Origin(NamedTuple):
    """Where an image came from: the cache or a compilation, what that took, and why it was needed.

    `seconds` is the compile time, spent now or (if `cached`) saved; `miss` is None on a hit.
    """

    cached: bool
    seconds: float
    path: Path | None
    miss: str | None


class LoadedImage:
    """A mapped artifact. Whoever keeps addresses into it calls `retain`, and `release` when done.

    The loader's caller holds one reference, given up by `close` (or the end of a ``with`` block);
    pages go when the last reference does. An image that is garbage collected unmaps itself.
    """

    def __init__(
        self, fd: int, start: int, base: int, size: int, manifest: dict[str, Any], info: Manifest
    ):
        self.manifest = manifest
        self.info = info
        self.origin: Origin | None = None
        self._fd, self._base, self._size = fd, base, size
        self._references, self._open = 0, True
        self._lock = threading.Lock()
        self._code = libc.map_file(fd, start + info.code.offset, info.code.size, executable=True)
        self._references = 1

    @property
    def closed(self) -> bool:
        """Whether the pages are gone."""
        return self._references == 0

    @property
    def code_address(self) -> int:
        """Where the code is mapped; LoadError once the image is closed."""
        return self._alive(self._code)

    @property
    def constants_address(self) -> int:
        """Where the constants are mapped; LoadError once the image is closed."""
        return self._alive(self._base + self.info.constants.offset)

    def address(self, entry: str) -> int:
        """The address of "run", "invoke", "worker" or "litert_invoke"."""
        if entry not in self.info.entries:
            known = ", ".join(self.info.entries)
            raise LoadError(f"image {self.info.name!r} has no entry {entry!r}; it has {known}")
        return self._alive(self._code + self.info.entries[entry])

    def constants(self) -> memoryview:
        """The constants as read-only bytes, valid while the image is."""
        return libc.view(self.constants_address, self.info.constants.size).toreadonly()

    def code(self) -> memoryview:
        """The code image as read-only bytes, valid while the image is: for disassembly."""
        return libc.view(self.code_address, self.info.code.size).toreadonly()

    def contents(self) -> memoryview:
        """The whole artifact file as read-only bytes, valid while the image is: for copying."""
        return libc.view(self._alive(self._base), self._size).toreadonly()

    def retain(self) -> LoadedImage:
        """Add a reference; LoadError once the image is closed."""
        with self._lock:
            self._alive(0)
            self._references += 1
        return self

    def release(self) -> None:
        """Give up a reference got by `retain`."""
        with self._lock:
            if self._references == 0:
                return
            self._references -= 1
            if self._references == 0:
                self._unmap()

    def close(self) -> None:
        """Give up the loader's caller's own reference; again is harmless."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        self.release()

    def _alive(self, value: int) -> int:
        if self._references == 0:
            raise LoadError(f"image {self.info.name!r} is closed; load it again")
        return value

    def _unmap(self) -> None:
        libc.unmap(self._code, self.info.code.size)
        libc.unmap(self._base, self._size)
        with suppress(OSError):
            os.close(self._fd)  # gives up the shared lock that keeps the cache from evicting it

    def __enter__(self) -> LoadedImage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_references", 0):
            self._references = 0
            self._unmap()


def load(path: str | os.PathLike[str], *, host: HostTarget | None = None) -> LoadedImage:
    """Verify and map an artifact file. LoadError says what is wrong with it and what to do.

    `host` (default: this machine) is what the manifest's needs are compared with.
    """
    fd, size = open_trusted(path)
    try:
        with suppress(OSError):  # a file system without locks only loses the protection
            fcntl.flock(fd, fcntl.LOCK_SH)
        return _map(fd, 0, size, str(path), host or host_target())
    except BaseException:
        os.close(fd)
        raise


def load_section(
    fd: int, start: int, size: int, where: str, *, host: HostTarget | None = None
) -> LoadedImage:
    """Verify and map an artifact that is `size` bytes from `start` on of an open, trusted file.

    The descriptor stays the caller's. `where` names the file in errors.
    """
    own = os.dup(fd)
    try:
        return _map(own, start, size, where, host or host_target())
    except BaseException:
        os.close(own)
        raise


def open_trusted(path: str | os.PathLike[str]) -> tuple[int, int]:
    """A descriptor of a file that may hold code to run, and its size; LoadError if it may not."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise LoadError(f"{os.fspath(path)}: cannot be opened: {error.strerror}") from error
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise LoadError(f"{os.fspath(path)}: not a regular file; an artifact must be one")
        reason = unsafe_reason(status, root_may_own=True)
        if reason:
            raise LoadError(f"{os.fspath(path)}: refused as code to run: {reason}")
        return fd, status.st_size
    except BaseException:
        os.close(fd)
        raise


def load_bytes(
    data: bytes | bytearray | memoryview, *, name: str = "artifact", host: HostTarget | None = None
) -> LoadedImage:
    """Verify and map an artifact from memory, without a file that others could see or change."""
    fd = _anonymous_file(name)
    try:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest:
            rest = rest[os.write(fd, rest) :]
        return _map(fd, 0, size, f"<{name}>", host or host_target())
    except BaseException:
        os.close(fd)
        raise


def _anonymous_file(name: str) -> int:
    try:
        return os.memfd_create(f"litefuse:{name}"[:200], os.MFD_CLOEXEC)
    except (AttributeError, OSError):  # kernels and sandboxes without memfd
        import tempfile

        with tempfile.TemporaryFile(prefix="litefuse-") as file:
            return os.dup(file.fileno())


def _map(fd: int, start: int, size: int, where: str, host: HostTarget) -> LoadedImage:
    """Verify the file through the mapping that will serve as its constants; then map its code."""
    if not size:
        raise LoadError(f"{where}: the file is empty; compile the model again")
    base = libc.map_file(fd, start, size)
    try:
        artifact = parse(libc.view(base, size).toreadonly())
        manifest, info = artifact.manifest, artifact.info
        _check_host(info, where, host)
        return LoadedImage(fd, start, base, size, manifest, info)
    except ArtifactError as error:
        libc.unmap(base, size)
        raise LoadError(f"{where}: {error}; remove it and compile the model again") from error
    except OSError as error:
        libc.unmap(base, size)
        raise LoadError(
            f"{where}: the system refuses to map code from it ({error.strerror}): its file system "
            "may be mounted noexec; give another as cache_dir"
        ) from error
    except BaseException:
        libc.unmap(base, size)
        raise


def _check_host(info: Manifest, where: str, host: HostTarget) -> None:
    if info.target.arch != host.arch:
        raise LoadError(
            f"{where}: compiled for {info.target.name} ({info.target.arch}); this machine is "
            f"{host.arch}; compile the model with target={host.name!r}"
        )
    missing = info.target.features - host.features
    if missing:
        raise LoadError(
            f"{where}: compiled for {info.target.name}, which uses {', '.join(sorted(missing))}; "
            f"this CPU has none of that; compile the model with target={host.name!r}"
        )
