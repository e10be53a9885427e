"""The cache's counters: fixed-size records appended by many processes without a lock."""

from __future__ import annotations

import json
import os
import struct
from contextlib import suppress
from pathlib import Path

_RECORD = struct.Struct("<If")  # event, seconds: one write of 8 bytes with O_APPEND is atomic
EVENTS = ("hit", "miss", "put")
_FOLD_ABOVE = 64 << 10


class Ledger:
    """Counts events and their seconds in a file; a cache that cannot be written is not counted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._totals = path.with_name(path.name + ".json")

    def add(self, event: str, seconds: float) -> None:
        """Append one record."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with suppress(OSError):
            fd = os.open(self.path, flags, 0o600)
            try:
                os.write(fd, _RECORD.pack(EVENTS.index(event), seconds))
            finally:
                os.close(fd)

    def totals(self) -> dict[str, tuple[int, float]]:
        """Per event how often it happened, and the sum of its seconds."""
        totals = self._folded()
        with suppress(OSError):
            _count(self.path.read_bytes(), totals)
        return {event: (int(n), seconds) for event, (n, seconds) in totals.items()}

    def compact(self) -> None:
        """Fold a long file into totals. A record appended meanwhile may be lost: it is a count."""
        folding = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            if self.path.stat().st_size < _FOLD_ABOVE:
                return
            self.path.rename(folding)  # one process wins the rename; the others find no file
            totals = self._folded()
            _count(folding.read_bytes(), totals)
            written = folding.with_name(folding.name + ".json")
            written.write_text(json.dumps(totals))
            written.replace(self._totals)
            folding.unlink()

    def clear(self) -> None:
        """Start again from zero."""
        self.path.unlink(missing_ok=True)
        self._totals.unlink(missing_ok=True)

    def _folded(self) -> dict[str, list[float]]:
        totals: dict[str, list[float]] = {event: [0, 0.0] for event in EVENTS}
        with suppress(OSError, ValueError, TypeError):
            kept = json.loads(self._totals.read_bytes())
            totals.update({event: [float(a), float(b)] for event, (a, b) in kept.items()})
        return {event: totals[event] for event in EVENTS}


def _count(data: bytes, totals: dict[str, list[float]]) -> None:
    whole = len(data) - len(data) % _RECORD.size
    for event, seconds in _RECORD.iter_unpack(data[:whole]):
        if event < len(EVENTS):
            totals[EVENTS[event]][0] += 1
            totals[EVENTS[event]][1] += seconds
