"""A content-addressed cache of compiled partitions and plans, shared by the user's processes.

One flat directory (mode 0700; files 0600). An entry is ``<digest>.<kind>``, named by the hash of
its key, beside ``<digest>.<kind>.json``, which keeps the key's named parts, the checksum, and the
seconds that making it took. Entries are written to a temporary file and renamed, so a reader sees
all of one or none. The use of an entry moves its modification time: eviction goes by that, least
recent first, and passes over what a process has mapped (the loader holds a shared lock on it).
Hits, misses and seconds saved are appended to a ledger, a few bytes at a time, without a lock.

On a hit this imports the standard library only: filelock is imported by `lock`, platformdirs by
`default_directory` if nothing names the directory, and what looks at all entries
(litefuse.runtime.cache_entries) by the methods that do.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from litefuse.runtime.errors import CacheError
from litefuse.runtime.ledger import Ledger

if TYPE_CHECKING:
    from litefuse.runtime.cache_entries import Entry, Miss, Problem, Stats

ENVIRONMENT = "LITEFUSE_CACHE_DIR"
KINDS = ("artifact", "plan")
_LOCK_BUCKETS = "locks"


class CacheKey(NamedTuple):
    """What an entry depends on, as named parts, so that a miss can say which of them changed.

    The part "model" identifies the model; `kind` is "artifact" or "plan".
    """

    parts: dict[str, str]
    kind: str = "artifact"

    @property
    def digest(self) -> str:
        """The sha256 hex of the kind and of all parts with their names."""
        text = json.dumps([self.kind, sorted(self.parts.items())])
        return hashlib.sha256(text.encode()).hexdigest()


def default_directory() -> Path:
    """``$LITEFUSE_CACHE_DIR``, or the user's cache directory for litefuse."""
    if given := os.environ.get(ENVIRONMENT):
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("litefuse", appauthor=False))


def unsafe_reason(status: os.stat_result, *, root_may_own: bool = False) -> str | None:
    """Why code in a file (or directory) with this status is not to be trusted, or None if it is.

    It must be the user's own (or root's, where allowed) and writable by nobody else.
    """
    owners = {os.geteuid()} | ({0} if root_may_own else set())
    if status.st_uid not in owners:
        return f"it belongs to user {status.st_uid}, not to you ({os.geteuid()})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(status.st_mode)
        return f"its mode {mode:04o} lets other users write it; chmod go-w it if you trust it"
    return None


class Cache:
    """The cache in `directory` (made if absent; None: `default_directory`), kept under `max_bytes`.

    `max_bytes` 0 is no limit; an entry that alone exceeds the limit is still kept until the next
    one is put. CacheError if the directory is another user's or others may write into it.
    """

    def __init__(
        self, directory: str | os.PathLike[str] | None = None, max_bytes: int = 2 << 30
    ) -> None:
        self.directory = Path(directory) if directory is not None else default_directory()
        self.max_bytes = max_bytes
        try:
            if not self.directory.is_dir():
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            reason = unsafe_reason(self.directory.stat())
        except OSError as error:
            raise CacheError(
                f"cache directory {self.directory} cannot be used: {error.strerror}; give another "
                f'as cache_dir or in {ENVIRONMENT}, or cache_dir="" for none'
            ) from error
        if reason:
            raise CacheError(
                f"cache directory {self.directory} is refused: {reason}. Others could plant code "
                f'there; give another as cache_dir or in {ENVIRONMENT}, or cache_dir="" for none'
            )
        self._ledger = Ledger(self.directory / "ledger")

    def path(self, key: CacheKey) -> Path:
        """Where the entry for `key` is, or would be."""
        return self.directory / f"{key.digest}.{key.kind}"

    def get(self, key: CacheKey) -> Path | None:
        """The entry's file, counted as a hit and marked as just used; None, counted, on a miss.

        The file may be evicted by another process before it is opened: treat that as a miss.
        """
        path = self.path(key)
        try:
            os.utime(path)
        except OSError:
            if not os.access(path, os.R_OK):  # a read-only cache can serve, though not count
                self._ledger.add("miss", 0.0)
                return None
        self._ledger.add("hit", self.seconds(key))
        return path

    def contains(self, key: CacheKey) -> bool:
        """Whether there is an entry for `key`; counts and marks nothing."""
        return self.path(key).is_file()

    def seconds(self, key: CacheKey) -> float:
        """What making the entry took, which a hit saves; 0.0 if that is not known."""
        sidecar = read_sidecar(self.path(key))
        return float(sidecar["seconds"]) if sidecar else 0.0

    def put(self, key: CacheKey, data: bytes, *, seconds: float = 0.0) -> Path:
        """Store `data` for `key` (replacing what was there), then evict down to the limit.

        `seconds` is what making it took, and what each later hit saves. OSError if the disk is
        full or the directory not writable; no half-written entry is left.
        """
        path = self.path(key)
        sidecar = {
            "parts": key.parts,
            "sha256": hashlib.sha256(data).hexdigest(),
            "seconds": seconds,
            "created": time.time(),
        }
        # The sidecar first: an entry that can be seen then always has one.
        self._write(sidecar_path(path), json.dumps(sidecar, indent=1).encode())
        self._write(path, data)
        self._ledger.add("put", seconds)
        self._ledger.compact()
        if self.max_bytes:
            self._evict(keep=path)
        return path

    def remove(self, key: CacheKey) -> bool:
        """Drop the entry for `key`; False if there was none."""
        return _unlink_entry(self.path(key))

    @contextmanager
    def lock(self, key: CacheKey, timeout: float = -1) -> Iterator[None]:
        """Hold the lock between processes (and threads) under which the entry for `key` is made.

        Not reentrant. Waits `timeout` seconds, for ever if negative; then CacheError.
        """
        import filelock

        # By the digest's first byte: a bounded number of lock files that nobody need clean up.
        folder = self.directory / _LOCK_BUCKETS
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{key.digest[:2]}.lock"
        held: AbstractContextManager[Any] = filelock.FileLock(path, timeout=timeout, mode=0o600)
        try:
            held.__enter__()
        except filelock.Timeout as error:
            raise CacheError(
                f"waited {timeout:g} s for another process that makes the same entry (lock {path})"
            ) from error
        try:
            yield
        finally:
            held.__exit__(None, None, None)

    def entries(self) -> list[Entry]:
        """All entries, least recently used first; one without a readable sidecar has no parts."""
        from litefuse.runtime.cache_entries import find_entries

        return find_entries(self.directory)

    def stats(self) -> Stats:
        """What is on disk, and what the ledger has counted."""
        from litefuse.runtime.cache_entries import Stats

        entries = self.entries()
        totals = self._ledger.totals()
        return Stats(
            directory=self.directory,
            entries=len(entries),
            nbytes=sum(entry.nbytes for entry in entries),
            hits=totals["hit"][0],
            misses=totals["miss"][0],
            seconds_saved=totals["hit"][1],
            seconds_spent=totals["put"][1],
        )

    def verify(self, *, remove: bool = False) -> list[Problem]:
        """Check every entry's owner, mode, sidecar, name and checksum; drop bad ones if asked."""
        from litefuse.runtime.cache_entries import find_problems

        problems = find_problems(self.directory)
        if remove:
            for problem in problems:
                _unlink_entry(problem.path)
        return problems

    def clear(self) -> int:
        """Remove every entry, leftover and count; returns the bytes freed. Running code runs on."""
        freed = 0
        for path in self.directory.iterdir():
            if path.is_file() and _is_ours(path.name):
                with suppress(OSError):
                    freed += path.stat().st_size
                    path.unlink()
        self._ledger.clear()
        return freed

    def explain_miss(self, key: CacheKey) -> Miss:
        """The nearest entry of the same kind, and which named parts differ from `key`.

        Entries of the same model come first; an entry of another model counts only where the
        model is all that differs (the file was changed).
        """
        from litefuse.runtime.cache_entries import explain

        return explain(self.entries(), key)

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                # Without it a crash of the machine can leave the new name on an empty file.
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _evict(self, keep: Path) -> None:
        entries = self.entries()
        total = sum(entry.nbytes for entry in entries)
        for entry in entries:
            if total <= self.max_bytes:
                return
            if entry.path != keep and not _in_use(entry.path) and _unlink_entry(entry.path):
                total -= entry.nbytes
        self._sweep_leftovers()

    def _sweep_leftovers(self) -> None:
        """Temporary files of writers that died, an hour ago or more."""
        for path in self.directory.glob(".*.tmp"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > 3600:
                    path.unlink()


def sidecar_path(path: Path) -> Path:
    """Where the entry at `path` keeps its key's parts and what else is known of it."""
    return path.with_name(path.name + ".json")


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """The sidecar of the entry at `path`; None if it is absent or damaged."""
    try:
        data = json.loads(sidecar_path(path).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("parts"), dict):
        return None
    numbers = (data.get("seconds"), data.get("created"))
    return data if all(isinstance(number, (int, float)) for number in numbers) else None


def _is_ours(name: str) -> bool:
    return name.endswith((*(f".{k}" for k in KINDS), *(f".{k}.json" for k in KINDS), ".tmp"))


def _unlink_entry(path: Path) -> bool:
    """Remove an entry and its sidecar; False if the entry was not there."""
    try:
        path.unlink()
    except OSError:
        return False
    with suppress(OSError):
        sidecar_path(path).unlink()
    return True


def _in_use(path: Path) -> bool:
    """Whether a process has the entry mapped: the loader keeps a shared lock while it does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no locks on this file system: unlinking a mapped file is harmless on Linux
    finally:
        os.close(fd)
    return False
