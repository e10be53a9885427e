"""Looking at all of a cache's entries: listing, verifying, and explaining a miss."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from litefuse.runtime.cache import KINDS, CacheKey, read_sidecar, unsafe_reason


@dataclass(frozen=True)
class Entry:
    """One cached file with what its sidecar tells; `used` is seconds since the epoch."""

    path: Path
    kind: str
    digest: str
    nbytes: int
    used: float
    parts: dict[str, str]
    sha256: str
    seconds: float
    created: float


@dataclass(frozen=True)
class Stats:
    """Entries and bytes on disk; what was counted since the cache was made or cleared."""

    directory: Path
    entries: int
    nbytes: int
    hits: int
    misses: int
    seconds_saved: float
    seconds_spent: float


@dataclass(frozen=True)
class Miss:
    """Why a key was not found: per changed part, the nearest entry's value and the key's.

    `changed` is empty when nothing comparable is cached.
    """

    text: str
    nearest: Entry | None
    changed: dict[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Problem:
    """An entry that `verify` found unusable, and why."""

    path: Path
    reason: str


def find_entries(directory: Path) -> list[Entry]:
    """All entries of a cache, least recently used first; no parts where the sidecar is damaged."""
    found = []
    for path in _paths(directory):
        with suppress(OSError):  # evicted by another process meanwhile
            found.append(_entry(path))
    return sorted(found, key=lambda entry: entry.used)


def find_problems(directory: Path) -> list[Problem]:
    """Every entry whose owner, mode, sidecar, name or checksum is wrong."""
    reasons = ((path, _damage(path)) for path in _paths(directory))
    return [Problem(path, reason) for path, reason in reasons if reason]


def explain(entries: list[Entry], key: CacheKey) -> Miss:
    """The entry nearest to `key`, and which named parts differ (see `Cache.explain_miss`)."""
    best: tuple[bool, int, float] | None = None
    nearest: Entry | None = None
    changed: dict[str, tuple[str | None, str | None]] = {}
    for entry in entries:
        if entry.kind != key.kind or not entry.parts:
            continue
        differing = _differences(entry.parts, key.parts)
        if "model" in differing and len(differing) > 1:
            continue
        rank = ("model" in differing, len(differing), -entry.used)
        if best is None or rank < best:
            best, nearest, changed = rank, entry, differing
    if nearest is None:
        model = key.parts.get("model", "?")
        return Miss(f"nothing is cached for this model ({model:.12})", None, {})
    if not changed:
        return Miss("an entry for this key exists now", nearest, {})
    text = "; ".join(
        f"{n}: was {_short(old)}, is {_short(new)}" for n, (old, new) in changed.items()
    )
    return Miss(f"since the nearest entry changed {text}", nearest, changed)


def _paths(directory: Path) -> list[Path]:
    return [path for kind in KINDS for path in directory.glob(f"*.{kind}")]


def _entry(path: Path) -> Entry:
    status = path.stat()
    sidecar = read_sidecar(path) or {}
    digest, _, kind = path.name.partition(".")
    return Entry(
        path=path,
        kind=kind,
        digest=digest,
        nbytes=status.st_size,
        used=status.st_mtime,
        parts={str(k): str(v) for k, v in sidecar.get("parts", {}).items()},
        sha256=str(sidecar.get("sha256", "")),
        seconds=float(sidecar.get("seconds", 0.0)),
        created=float(sidecar.get("created", status.st_mtime)),
    )


def _damage(path: Path) -> str | None:
    try:
        reason = unsafe_reason(path.stat())
        data = path.read_bytes()
        entry = _entry(path)
    except OSError as error:
        return None if isinstance(error, FileNotFoundError) else f"unreadable: {error.strerror}"
    if reason:
        return reason
    if not entry.parts:
        return "its sidecar with the key's parts is absent or damaged"
    if CacheKey(entry.parts, entry.kind).digest != entry.digest:
        return "its name is not the digest of its key's parts"
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        return "its contents do not have the recorded checksum"
    return None


def _differences(
    old: dict[str, str], new: dict[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    names = [*new, *(name for name in old if name not in new)]
    return {n: (old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)}


def _short(value: str | None) -> str:
    if value is None:
        return "absent"
    return value if len(value) <= 48 else value[:45] + "..."
