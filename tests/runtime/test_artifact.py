"""The artifact file: what is written is read back, and nothing damaged or inconsistent is."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import artifact
from litefuse.runtime.artifact import HEADER, PAGE, ArtifactError
from tests.runtime import native_image

N = 40
ENTRIES = {**dict.fromkeys(artifact.ENTRY_NAMES, 0), "k_scale": 16, "k_mirror": 32}
CODE = bytes(range(64)) * 100


def _data(**changes: Any) -> bytes:
    return artifact.write(
        native_image.manifest(N, ENTRIES, **changes), CODE, native_image.weights(N)
    )


def test_round_trip(tmp_path: Path) -> None:
    data = _data()
    path = tmp_path / "a.artifact"
    path.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), path, str(path)):
        found = artifact.read(source)
        assert found.code == CODE
        assert found.constants == native_image.weights(N).tobytes()
        info = found.info
        assert info.code.offset % PAGE == 0
        assert info.constants.offset % PAGE == 0
        assert info.n_io == 2
        assert info.inputs[0] == artifact.Port(3, "x", "float32", (N,), 4 * N)
        assert [step.nodes for step in info.steps] == [(0,), (2, 3)]
        assert info.steps[0].args[1].space == "const"
        assert found.manifest["key"] == info.key == {"model": "hand-made"}


def test_the_bytes_do_not_depend_on_the_process() -> None:
    assert _data() == _data()


def test_no_constants_and_no_steps() -> None:
    found = artifact.read(artifact.write(native_image.manifest(N, ENTRIES, steps=[]), CODE))
    assert found.constants.nbytes == 0
    assert found.info.steps == ()


def test_offsets_settle_whatever_the_manifest_weighs() -> None:
    """The manifest holds offsets that its own length moves; try lengths around a page's end."""
    for extra in range(PAGE - 40, PAGE + 40, 3):
        data = _data(name="m" * extra)
        assert artifact.read(data).code == CODE


def test_the_border_widens_rows_and_columns() -> None:
    arg = artifact.Arg("arena", 0, "int8", (1, 4, 5, 3), (1, 2, 3, 4), "in")
    assert arg.physical_shape == (1, 7, 12, 3)
    assert arg.nbytes == 7 * 12 * 3


@given(st.data())
def test_a_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    whole = bytearray(_data())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ArtifactError):
        artifact.read(whole)


@given(st.binary(max_size=300), st.integers(0, 64))
def test_arbitrary_bytes_are_refused(noise: bytes, keep: int) -> None:
    with pytest.raises(ArtifactError):
        artifact.read(_data()[:keep] + noise)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (0, b"\x7fELF", "not a litefuse artifact"),
        (8, b"\x01\0\0\0", "artifact format 1, not 2: compile the model again"),
        (12, b"\x01", "reserved header field"),
        (16, b"\xff" * 7, "does not fit a file"),
        (24, b"\x01\0", "cut or grown"),
        (32, b"\0\0\0", "checksum"),
        (64, b"[", "checksum"),
    ],
)
def test_each_header_field_is_checked(at: int, value: bytes, message: str) -> None:
    whole = bytearray(_data())
    whole[at : at + len(value)] = value
    with pytest.raises(ArtifactError, match=message):
        artifact.read(whole)


@pytest.mark.parametrize("cut", [0, 63, 64, 5000, -1])
def test_a_cut_file_is_refused(cut: int) -> None:
    with pytest.raises(ArtifactError, match=r"less than the 64|cut or grown"):
        artifact.read(_data()[:cut])


def test_a_grown_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="cut or grown"):
        artifact.read(_data() + b"\0")


def _sealed(manifest: Any) -> bytes:
    """A file around an arbitrary manifest with a right header and checksum: what only a checker stops."""
    text = json.dumps(manifest).encode()
    body = text + bytes(20000)
    return (
        HEADER.pack(b"LITEFUSE", 2, 0, len(text), 64 + len(body), hashlib.sha256(body).digest())
        + body
    )


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = manifest
        for name in way:
            place = place[int(name)] if name.isdigit() else place[name]
        if value is KeyError:
            del place[last]
        else:
            place[int(last) if last.isdigit() else last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 1, "manifest.format is 1, not 2"),
        ("name", 3, "manifest.name is 3; it must be of type str"),
        ("name", KeyError, "manifest.name is absent"),
        ("target", "x86", "manifest.target is str, not an object"),
        ("target.features", [1], "must hold strings"),
        ("code.offset", 4097, "code at 4097"),
        ("code.offset", 0, "code at 0"),
        ("code.size", 1 << 30, "code at"),
        ("code.size", 0, "nothing to run"),
        ("code.size", -1, "must be in 0"),
        ("constants.offset", 1 << 20, "constants at"),
        ("constants.offset", 4096, "constants at 4096"),
        ("constants.size", True, "manifest.constants.size is True"),
        ("entries.run", 6400, "manifest.entries.run is 6400"),
        ("entries.worker", -1, "manifest.entries.worker"),
        ("entries.invoke", KeyError, "manifest.entries.invoke is absent"),
        ("arena_bytes", 1 << 41, "arena_bytes"),
        ("arena_bytes", 1.5, "arena_bytes"),
        ("arena_bytes", 8, "of an arena of 8 bytes"),
        ("n_io", 3, "n_io is 3, with 1 inputs and 1 outputs"),
        ("inputs", {}, "manifest.inputs"),
        ("inputs.0.dtype", "float8", "known: bool, int8"),
        ("inputs.0.bytes", 4, r"inputs\[0\].bytes is 4"),
        ("inputs.0.shape", [-1], r"inputs\[0\].shape is -1"),
        ("steps.0.entry", 99999, r"steps\[0\].entry"),
        ("steps.0.trip", None, r"steps\[0\].trip"),
        ("steps.0.nodes", [None], r"steps\[0\].nodes"),
        ("steps.0.args.0.space", "heap", "known: arena, const, io"),
        ("steps.0.args.0.offset", 2, "is io 2 of 2"),
        ("steps.0.args.0.shape", [N + 1], "of an io of 160 bytes"),
        ("steps.0.args.1.offset", 4, "of an const of 160 bytes"),
        ("steps.0.args.0.pad", [1, 2, 3], "has 3 numbers"),
        ("steps.0.args.0.pad", [1, 0, 0, 0], "on a shape of rank 1"),
        ("steps.0.args.0.role", "bias", "known: in, out"),
        ("key", {"model": 3}, "manifest.key.model"),
        ("nodes", "0", "manifest.nodes"),
    ],
)
def test_each_manifest_field_is_checked(path: str, value: Any, message: str) -> None:
    good = artifact.read(_data()).manifest
    bad = copy.deepcopy(good)
    _set(path, value)(bad)
    with pytest.raises(ArtifactError, match=message):
        artifact.read(_sealed(bad))


def test_the_unchanged_manifest_passes_the_same_way() -> None:
    assert artifact.read(_sealed(artifact.read(_data()).manifest)).info.name == "scale_mirror"


@pytest.mark.parametrize("manifest", [[], 3, None, {}])
def test_a_manifest_that_is_no_manifest(manifest: Any) -> None:
    with pytest.raises(ArtifactError):
        artifact.read(_sealed(manifest))


def test_a_deep_manifest_is_refused_without_a_crash() -> None:
    text = b"[" * 100_000
    header = HEADER.pack(
        b"LITEFUSE", 2, 0, len(text), 64 + len(text), hashlib.sha256(text).digest()
    )
    with pytest.raises(ArtifactError, match="not JSON"):
        artifact.read(header + text)


def test_write_refuses_what_read_would() -> None:
    with pytest.raises(ArtifactError, match="n_io"):
        _data(n_io=5)
    with pytest.raises(ArtifactError, match="not JSON"):
        _data(name=np.float32(1))
