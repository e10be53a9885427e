"""A compiled model in one file: a manifest, the artifacts of its partitions, perhaps the model.

Layout (little endian): a 64-byte header (magic, u32 format, u32 zero, u64 manifest length, u64 file
length, sha256 of the manifest), the manifest as JSON, then sections, each starting on a page so
that an artifact's code is mapped from where it lies. The manifest names each section's offset,
size and sha256 (an artifact's is the one in its own header, which covers all that follows it), so
a section is verified when it is taken out, once.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from litefuse.runtime import artifact
from litefuse.runtime.errors import LitefuseError
from litefuse.runtime.loader import LoadedImage, load_section, open_trusted

MAGIC: Final = b"LFBUNDLE"
FORMAT: Final = 1
PAGE: Final = artifact.PAGE
HEADER: Final = struct.Struct("<8sIIQQ32s")
ARTIFACT: Final = "artifact"
MODEL: Final = "model"


class BundleError(LitefuseError, ValueError):
    """The file is not a whole, undamaged compiled model of this format; the text says why."""


class Section(NamedTuple):
    """One part of the file: what it is, where, its digest, and what the writer said of it."""

    kind: str
    offset: int
    size: int
    digest: str
    about: dict[str, Any]


def write(
    manifest: Mapping[str, Any], sections: Sequence[tuple[str, Mapping[str, Any], Any]]
) -> bytes:
    """The file's bytes; `sections` are (kind, JSON to keep with it, buffer) in order."""
    views = [memoryview(data).cast("B") for _, _, data in sections]
    digests = [_digest(kind, view) for (kind, _, _), view in zip(sections, views, strict=True)]
    text, offsets = b"", [0] * len(views)
    while True:  # the offsets are part of the text that they depend on; two rounds settle it
        table = [
            {"kind": kind, "offset": at, "size": len(view), "sha256": digest, "about": dict(about)}
            for (kind, about, _), view, digest, at in zip(
                sections, views, digests, offsets, strict=True
            )
        ]
        full = {**manifest, "format": FORMAT, "sections": table}
        text = json.dumps(full, separators=(",", ":"), allow_nan=False).encode()
        places, end = [], HEADER.size + len(text)
        for view in views:
            places.append(_page(end))
            end = places[-1] + len(view)
        if places == offsets:
            break
        offsets = places
    head = HEADER.pack(MAGIC, FORMAT, 0, len(text), end, hashlib.sha256(text).digest())
    parts: list[bytes | memoryview] = [head, text]
    at = HEADER.size + len(text)
    for view, offset in zip(views, offsets, strict=True):
        parts += [bytes(offset - at), view]
        at = offset + len(view)
    return b"".join(parts)


def is_bundle(head: bytes) -> bool:
    """Whether a file that starts so is a compiled model (and not a bare artifact, or else)."""
    return head[: len(MAGIC)] == MAGIC


class Bundle:
    """An open compiled model. Its file is ours or root's, writable by nobody else, and undamaged
    as far as it has been read; LoadError or BundleError otherwise."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._fd, self._size = open_trusted(path)
        try:
            self.manifest, self.sections = self._read()
        except BaseException:
            self.close()
            raise

    def image(self, section: Section) -> LoadedImage:
        """The artifact in a section, mapped and ready to run; LoadError if it cannot be."""
        where = f"{self.path} (byte {section.offset})"
        if os.pread(self._fd, HEADER.size, section.offset)[-32:].hex() != section.digest:
            raise BundleError(f"{where}: the artifact is not the one that was saved: damaged")
        return load_section(self._fd, section.offset, section.size, where)

    def data(self, section: Section) -> bytes:
        """A section's bytes, verified."""
        data = os.pread(self._fd, section.size, section.offset)
        if hashlib.sha256(data).hexdigest() != section.digest:
            raise BundleError(
                f"{self.path}: the checksum of its {section.kind} at byte {section.offset} does "
                "not match: the file is damaged; save the compiled model again"
            )
        return data

    def close(self) -> None:
        """Close the file; images taken out of it stay."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> tuple[dict[str, Any], tuple[Section, ...]]:
        head = os.pread(self._fd, HEADER.size, 0)
        if len(head) < HEADER.size or not is_bundle(head):
            raise self._error("it is not a model that CompiledModel.save wrote")
        _, version, reserved, length, size, digest = HEADER.unpack(head)
        if version != FORMAT or reserved:
            raise self._error(f"it has format {version}, not {FORMAT}")
        if size != self._size or length > size - HEADER.size:
            raise self._error(f"its header says {size} bytes, it has {self._size}: cut or grown")
        text = os.pread(self._fd, length, HEADER.size)
        if hashlib.sha256(text).digest() != digest:
            raise self._error("its checksum does not match: the file is damaged")
        try:
            manifest = json.loads(text)
            sections = tuple(_section(item) for item in manifest["sections"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._error(f"its manifest is not as it should be ({error!r})") from error
        end = HEADER.size + length
        for section in sections:
            if section.offset < end or section.offset + section.size > size:
                raise self._error(f"its {section.kind} at byte {section.offset} is out of place")
            end = section.offset + section.size
        return manifest, sections

    def _error(self, problem: str) -> BundleError:
        return BundleError(f"{self.path}: {problem}; compile and save the model again")

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def store(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file that `Bundle` will trust, whole or not at all; OSError as usual."""
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    # Explicit rights: where the umask lets a group write, the loader would refuse the file.
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        scratch.replace(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return target


def _digest(kind: str, view: memoryview) -> str:
    if kind == ARTIFACT:
        return bytes(view[HEADER.size - 32 : HEADER.size]).hex()
    return hashlib.sha256(view).hexdigest()


def _section(item: dict[str, Any]) -> Section:
    kind, digest, about = item["kind"], item["sha256"], item["about"]
    offset, size = item["offset"], item["size"]
    if not (isinstance(offset, int) and isinstance(size, int) and offset >= 0 and size > 0):
        raise ValueError(f"a section has offset {offset!r} and size {size!r}")
    if not (isinstance(kind, str) and isinstance(digest, str) and isinstance(about, dict)):
        raise TypeError("a section's kind, sha256 and about are not text, text and table")
    if kind not in (ARTIFACT, MODEL):
        raise ValueError(f"a section of unknown kind {kind!r}")
    return Section(kind, offset, size, digest, about)


def _page(offset: int) -> int:
    return -(-offset // PAGE) * PAGE
