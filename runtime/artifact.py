"""One compiled partition on disk: header, manifest, code image, constants.

Layout (little endian): a 64-byte header (magic, u32 format, u32 zero, u64 manifest length, u64 file
length, sha256 of all that follows), the manifest as JSON, then code and constants, each starting
on a page so that they can be mapped with their own rights. `write` makes those bytes; `read` takes
them back after checking every offset, length, name and number, so that whoever holds an `Artifact`
may follow its manifest without further care. This file imports nothing else of ours. Its records
are named tuples, which cost a seventh of a frozen dataclass to define: a warm start feels that.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from litefuse.runtime.errors import LitefuseError

MAGIC: Final = b"LITEFUSE"
FORMAT: Final = 2
PAGE: Final = 4096
HEADER: Final = struct.Struct("<8sIIQQ32s")
ENTRY_NAMES: Final = ("run", "invoke", "worker", "litert_invoke")
SPACES: Final = ("arena", "const", "io")
ROLES: Final = ("in", "out", "weight", "channel", "table")
ITEM_BYTES: Final = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
    "int64": 8, "uint64": 8, "float16": 2, "float32": 4, "float64": 8,
    "complex64": 8, "complex128": 16,
}  # fmt: skip
_LIMIT: Final = 1 << 40  # no length, offset or element count of a sane artifact exceeds this


class ArtifactError(LitefuseError, ValueError):
    """The bytes are not a whole, undamaged artifact of this format; the text says where and why."""


class Span(NamedTuple):
    """A range of the file: `offset` from its start and `size`, in bytes."""

    offset: int
    size: int


class Target(NamedTuple):
    """What the code needs: architecture, the named target, and the CPU features it uses."""

    arch: str
    name: str
    features: frozenset[str]


class Port(NamedTuple):
    """One input or output: model tensor index, its name, NumPy dtype name, shape, size in bytes."""

    tensor: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


class Arg(NamedTuple):
    """One argument of a kernel: where its buffer starts, and what is in it.

    `offset` is bytes from the start of the arena or of the constants, or the index of the io
    pointer. `shape` is the logical shape; `pad` (top, bottom, left, right) is the physical border
    around its dimensions 1 and 2, which the buffer at `offset` includes.
    """

    space: str
    offset: int
    dtype: str
    shape: tuple[int, ...]
    pad: tuple[int, int, int, int]
    role: str

    @property
    def physical_shape(self) -> tuple[int, ...]:
        """The shape of the buffer, border included."""
        if not any(self.pad):
            return self.shape
        top, bottom, left, right = self.pad
        n, height, width, *rest = self.shape
        return (n, height + top + bottom, width + left + right, *rest)

    @property
    def nbytes(self) -> int:
        """The size of the buffer in bytes, border included."""
        return _count(self.physical_shape) * ITEM_BYTES[self.dtype]


class Step(NamedTuple):
    """One kernel of the schedule, with the original nodes that it computes."""

    kernel: str
    symbol: str
    entry: int
    trip: int
    nodes: tuple[int, ...]
    ops: tuple[str, ...]
    args: tuple[Arg, ...]
    macs: int


class Manifest(NamedTuple):
    """The manifest, typed and checked; entry offsets are relative to the code."""

    litefuse: str
    name: str
    target: Target
    code: Span
    constants: Span
    entries: dict[str, int]
    arena_bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    steps: tuple[Step, ...]
    nodes: tuple[int, ...]
    key: dict[str, str]

    @property
    def n_io(self) -> int:
        """How many io pointers the code expects: inputs, then outputs."""
        return len(self.inputs) + len(self.outputs)


class Artifact(NamedTuple):
    """A verified artifact; `code` and `constants` are views into the bytes that were read."""

    manifest: dict[str, Any]
    info: Manifest
    code: memoryview
    constants: memoryview


def write(manifest: Mapping[str, Any], code: Any, constants: Any = b"") -> bytes:
    """The bytes of an artifact file.

    `manifest` is the dictionary of docs/contracts.md without "format", "code" and "constants",
    which are filled in; `code` and `constants` are buffers. The result has been read back, so a
    manifest that `read` would refuse raises ArtifactError here, at the compiler's door.
    """
    code, constants = _flat(code), _flat(constants)
    full = {**manifest, "format": FORMAT}
    text, code_at, constants_at = b"", 0, 0
    while True:  # the offsets are part of the text that they depend on; two rounds settle it
        full["code"] = {"offset": code_at, "size": len(code)}
        full["constants"] = {"offset": constants_at, "size": len(constants)}
        try:
            text = json.dumps(full, separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"the manifest is not JSON: {error}") from error
        places = _page(HEADER.size + len(text)), _page(_page(HEADER.size + len(text)) + len(code))
        if places == (code_at, constants_at):
            break
        code_at, constants_at = places
    body = b"".join(
        (
            text,
            bytes(code_at - HEADER.size - len(text)),
            code,
            bytes(constants_at - code_at - len(code)),
            constants,
        )
    )
    digest = hashlib.sha256(body).digest()
    data = HEADER.pack(MAGIC, FORMAT, 0, len(text), HEADER.size + len(body), digest) + body
    parse(data)
    return data


def read(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Artifact:
    """The artifact in a file or in bytes, wholly verified; ArtifactError otherwise."""
    if not isinstance(source, (bytes, bytearray, memoryview)):
        source = Path(source).read_bytes()
    return parse(source)


def parse(data: bytes | bytearray | memoryview) -> Artifact:
    """Verify the bytes of an artifact file: header, checksum, layout, and every manifest field."""
    view = memoryview(data).cast("B")
    if len(view) < HEADER.size:
        raise ArtifactError(
            f"the file has {len(view)} bytes, less than the {HEADER.size} of a header"
        )
    magic, version, reserved, text_len, file_len, digest = HEADER.unpack_from(view)
    if magic != MAGIC:
        raise ArtifactError(
            f"the file starts with {magic!r}, not {MAGIC!r}: not a litefuse artifact"
        )
    if version != FORMAT:
        raise ArtifactError(f"artifact format {version}, not {FORMAT}: compile the model again")
    if reserved != 0:
        raise ArtifactError(f"reserved header field is {reserved}, not 0: the header is damaged")
    if file_len != len(view):
        raise ArtifactError(
            f"the header says {file_len} bytes, the file has {len(view)}: cut or grown"
        )
    if text_len > len(view) - HEADER.size:
        raise ArtifactError(f"manifest of {text_len} bytes does not fit a file of {len(view)}")
    if hashlib.sha256(view[HEADER.size :]).digest() != digest:
        raise ArtifactError("the checksum does not match: the file is damaged")
    try:
        manifest = json.loads(bytes(view[HEADER.size : HEADER.size + text_len]))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"the manifest is not JSON: {error}") from error
    info = check_manifest(manifest)
    end = HEADER.size + text_len
    for name, span in (("code", info.code), ("constants", info.constants)):
        if span.offset % PAGE or span.offset < end or span.offset + span.size > len(view):
            raise ArtifactError(
                f"{name} at {span.offset}, {span.size} bytes: not on a page of its own after byte "
                f"{end} and within the file's {len(view)}"
            )
        end = span.offset + span.size
    code = view[info.code.offset : info.code.offset + info.code.size]
    constants = view[info.constants.offset : info.constants.offset + info.constants.size]
    return Artifact(manifest, info, code, constants)


def check_manifest(manifest: object) -> Manifest:
    """The manifest as typed objects; ArtifactError names a field that is not right."""
    top = _Fields(manifest, "manifest")
    if top.integer("format") != FORMAT:
        raise ArtifactError(f"manifest.format is {top.data['format']}, not {FORMAT}")
    target = top.table("target")
    code, constants = _span(top.table("code")), _span(top.table("constants"))
    if not code.size:
        raise ArtifactError("manifest.code.size is 0: there is nothing to run")
    entries = top.table("entries")
    found = {name: entries.integer(name, code.size - 1) for name in ENTRY_NAMES}
    ports = {
        side: tuple(_port(item) for item in top.tables(side)) for side in ("inputs", "outputs")
    }
    n_io = top.integer("n_io")
    if n_io != len(ports["inputs"]) + len(ports["outputs"]):
        raise ArtifactError(
            f"manifest.n_io is {n_io}, with {len(ports['inputs'])} inputs and "
            f"{len(ports['outputs'])} outputs"
        )
    io = ports["inputs"] + ports["outputs"]
    arena = top.integer("arena_bytes")
    return Manifest(
        litefuse=top.text("litefuse"),
        name=top.text("name"),
        target=Target(
            target.text("arch"), target.text("name"), frozenset(target.texts("features"))
        ),
        code=code,
        constants=constants,
        entries=found,
        arena_bytes=arena,
        inputs=ports["inputs"],
        outputs=ports["outputs"],
        steps=tuple(_step(s, code.size, arena, constants.size, io) for s in top.tables("steps")),
        nodes=top.integers("nodes"),
        key={name: top.table("key").text(name) for name in top.table("key").data},
    )


class _Fields:
    """A JSON object with its place in the manifest, for errors."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise ArtifactError(f"{where} is {type(data).__name__}, not an object")
        self.data: dict[str, Any] = data
        self.where = where

    def _get(self, name: str, kind: type) -> Any:
        value = self.data.get(name)
        # bool is an int to isinstance, and JSON's true is no number.
        if not isinstance(value, kind) or isinstance(value, bool):
            shown = "absent" if name not in self.data else f"{value!r:.60}"
            raise ArtifactError(
                f"{self.where}.{name} is {shown}; it must be of type {kind.__name__}"
            )
        return value

    def _range(self, name: str, value: object, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= high:
            raise ArtifactError(f"{self.where}.{name} is {value!r:.60}; it must be in 0..{high}")
        return value

    def integer(self, name: str, high: int = _LIMIT) -> int:
        return self._range(name, self._get(name, int), high)

    def integers(self, name: str) -> tuple[int, ...]:
        return tuple(self._range(name, item, _LIMIT) for item in self._get(name, list))

    def text(self, name: str) -> str:
        text: str = self._get(name, str)
        return text

    def texts(self, name: str) -> tuple[str, ...]:
        items = self._get(name, list)
        if not all(isinstance(item, str) for item in items):
            raise ArtifactError(f"{self.where}.{name} must hold strings only")
        return tuple(items)

    def choice(self, name: str, valid: Any) -> str:
        text = self.text(name)
        if text not in valid:
            raise ArtifactError(f"{self.where}.{name} is {text!r}; known: {', '.join(valid)}")
        return text

    def table(self, name: str) -> _Fields:
        return _Fields(self.data.get(name), f"{self.where}.{name}")

    def tables(self, name: str) -> list[_Fields]:
        items = enumerate(self._get(name, list))
        return [_Fields(item, f"{self.where}.{name}[{i}]") for i, item in items]


def _span(fields: _Fields) -> Span:
    return Span(fields.integer("offset"), fields.integer("size"))


def _port(fields: _Fields) -> Port:
    dtype, shape = fields.choice("dtype", ITEM_BYTES), fields.integers("shape")
    nbytes = fields.integer("bytes")
    if nbytes != _count(shape) * ITEM_BYTES[dtype]:
        raise ArtifactError(
            f"{fields.where}.bytes is {nbytes}, but {dtype} {shape} needs another size"
        )
    return Port(fields.integer("tensor"), fields.text("name"), dtype, shape, nbytes)


def _step(fields: _Fields, code: int, arena: int, constants: int, io: tuple[Port, ...]) -> Step:
    args = tuple(_arg(item, arena, constants, io) for item in fields.tables("args"))
    return Step(
        kernel=fields.text("kernel"),
        symbol=fields.text("symbol"),
        entry=fields.integer("entry", code - 1),
        trip=fields.integer("trip"),
        nodes=fields.integers("nodes"),
        ops=fields.texts("ops"),
        args=args,
        macs=fields.integer("macs", 1 << 62),
    )


def _arg(fields: _Fields, arena: int, constants: int, io: tuple[Port, ...]) -> Arg:
    pad = fields.integers("pad")
    if len(pad) != 4:
        raise ArtifactError(f"{fields.where}.pad has {len(pad)} numbers; it must have 4")
    arg = Arg(
        space=fields.choice("space", SPACES),
        offset=fields.integer("offset"),
        dtype=fields.choice("dtype", ITEM_BYTES),
        shape=fields.integers("shape"),
        pad=(pad[0], pad[1], pad[2], pad[3]),
        role=fields.choice("role", ROLES),
    )
    if any(pad) and len(arg.shape) < 3:
        raise ArtifactError(f"{fields.where}.pad is {pad} on a shape of rank {len(arg.shape)}")
    if arg.space == "io":
        if arg.offset >= len(io):
            raise ArtifactError(f"{fields.where}.offset is io {arg.offset} of {len(io)}")
        room, need = io[arg.offset].nbytes, arg.nbytes
    else:
        room, need = {"arena": arena, "const": constants}[arg.space], arg.offset + arg.nbytes
    if need > room:
        raise ArtifactError(f"{fields.where} ends at byte {need} of an {arg.space} of {room} bytes")
    return arg


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for dim in shape:
        count *= dim
    return count


def _page(offset: int) -> int:
    return -(-offset // PAGE) * PAGE


def _flat(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")
