"""The loader: refuses what is unsafe, damaged or foreign before mapping it; maps the rest in place."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import libc
from litefuse.runtime.cpu import HostTarget, host_target
from litefuse.runtime.errors import LoadError
from litefuse.runtime.loader import LoadedImage, load, load_bytes
from tests.runtime import native_image


@pytest.fixture(scope="module")
def data() -> bytes:
    return native_image.make()


@pytest.fixture
def path(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.artifact"
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def _maps(path: Path | str) -> list[str]:
    return [
        line.split()[1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(path) in line
    ]


def test_code_and_constants_are_mapped_in_place(path: Path) -> None:
    image = load(path)
    assert bytes(image.constants()) == native_image.weights(1000).tobytes()
    assert image.address("run") == image.code_address + image.info.entries["run"]
    assert image.manifest["name"] == image.info.name == "scale_mirror"
    assert image.constants_address % 64 == image.code_address % 64 == 0
    if os.uname().machine == "x86_64":  # an emulator's maps are its own
        assert sorted(_maps(path)) == ["r--p", "r-xp"]
    image.close()
    assert not _maps(path)


def test_from_memory_there_is_no_file_to_tamper_with(data: bytes) -> None:
    with load_bytes(data, name="here") as image:
        assert bytes(image.code()) == bytes(image.code())
        assert image.address("invoke")
    assert image.closed


def test_memory_without_memfd(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, flags: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "memfd_create", refuse)
    with load_bytes(data) as image:
        assert bytes(image.constants()) == native_image.weights(1000).tobytes()


def test_references_keep_the_pages(path: Path) -> None:
    image = load(path)
    assert image.retain() is image
    image.close()
    image.close()
    assert not image.closed
    assert image.code()[0] == image.code()[0]
    image.release()
    assert image.closed
    image.release()
    for use in (image.retain, image.code, image.constants, lambda: image.address("run")):
        with pytest.raises(LoadError, match="is closed; load it again"):
            use()


def test_a_forgotten_image_is_unmapped(path: Path) -> None:
    load(path)
    assert not _maps(path)


def test_no_descriptor_leaks(path: Path, data: bytes) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        load(path).close()
        load_bytes(data).close()
        with pytest.raises(LoadError):
            load_bytes(data[:-1])
        with pytest.raises(LoadError):
            load(path, host=HostTarget("mips", frozenset(), "mips"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_unknown_entry_names_the_known(path: Path) -> None:
    with load(path) as image, pytest.raises(LoadError, match="no entry 'main'; it has run, invoke"):
        image.address("main")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(LoadError, match="refused as code to run: its mode"):
        load(path)


def test_a_file_that_others_can_read_is_fine(path: Path) -> None:
    path.chmod(0o644)
    load(path).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_refused(path: Path) -> None:
    os.chown(path, 12345, 12345)
    with pytest.raises(LoadError, match="belongs to user 12345"):
        load(path)


def test_only_regular_files_are_opened(path: Path, tmp_path: Path) -> None:
    link, fifo = tmp_path / "link", tmp_path / "fifo"
    link.symlink_to(path)
    os.mkfifo(fifo)
    with pytest.raises(LoadError, match="cannot be opened"):
        load(link)
    with pytest.raises(LoadError, match="not a regular file"):
        load(fifo)  # and does not wait for a writer
    with pytest.raises(LoadError, match="not a regular file"):
        load(tmp_path)
    with pytest.raises(LoadError, match="No such file"):
        load(tmp_path / "absent")


@given(st.data())
def test_any_damage_is_found_before_mapping(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    place = draw.draw(st.integers(0, len(data) - 1))
    damaged[place] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(LoadError, match=r"<artifact>: .*; remove it and compile the model again"):
        load_bytes(damaged)


@pytest.mark.parametrize(
    "where", ["header", "manifest", "padding", "code", "gap", "constants", "end"]
)
def test_each_class_of_bytes_is_protected(path: Path, data: bytes, where: str) -> None:
    with load(path) as image:
        info = image.info
    place = {
        "header": 40,
        "manifest": 80,
        "padding": info.code.offset - 1,
        "code": info.code.offset + 5,
        "gap": info.constants.offset - 1,
        "constants": info.constants.offset + 7,
        "end": len(data) - 1,
    }[where]
    damaged = bytearray(data)
    damaged[place] ^= 0x10
    path.write_bytes(damaged)
    with pytest.raises(LoadError, match="the checksum does not match"):
        load(path)


@pytest.mark.parametrize("size", [0, 10, 64, 4096])
def test_a_cut_file_is_refused(path: Path, data: bytes, size: int) -> None:
    path.write_bytes(data[:size])
    with pytest.raises(LoadError, match=r"compile the model again"):
        load(path)


def test_code_for_another_architecture_is_refused(path: Path) -> None:
    with pytest.raises(
        LoadError, match=r"this machine is mips; compile the model with target='soft'"
    ):
        load(path, host=HostTarget("mips", frozenset(), "soft"))


def test_features_this_cpu_lacks_are_named() -> None:
    host = host_target()
    needs = {
        "arch": host.arch,
        "name": "vast",
        "features": ["warp9", *sorted(host.features)[:3], "amx"],
    }
    with pytest.raises(LoadError, match=r"compiled for vast, which uses (amx, )?warp9; .*target="):
        load_bytes(native_image.make(target=needs))
    able = HostTarget(host.arch, host.features | {"warp9", "amx"}, "vast")
    load_bytes(native_image.make(target=needs), host=able).close()


def test_a_file_system_that_refuses_code_is_explained(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = libc.map_file

    def noexec(fd: int, offset: int, size: int, *, executable: bool = False) -> int:
        if executable:
            raise PermissionError(1, "Operation not permitted")
        return real(fd, offset, size)

    monkeypatch.setattr(libc, "map_file", noexec)
    with pytest.raises(LoadError, match="mounted noexec; give another as cache_dir"):
        load(path)
    assert not _maps(path)


def test_offsets_off_the_page_can_be_mapped(tmp_path: Path) -> None:
    """As on Arm kernels with pages of 16 or 64 KB, where a multiple of 4096 is off the page."""
    content = np.arange(mmap.PAGESIZE * 2, dtype=np.uint32).tobytes()
    file = tmp_path / "f"
    file.write_bytes(content)
    fd = os.open(file, os.O_RDONLY)
    address = libc.map_file(fd, 1000, 5000)
    os.close(fd)
    assert bytes(libc.view(address, 5000)) == content[1000:6000]
    libc.unmap(address, 5000)
    assert not _maps(file)


def test_an_image_that_cannot_be_mapped_owns_nothing(path: Path) -> None:
    image = LoadedImage.__new__(LoadedImage)
    image.__del__()  # must not unmap what was never mapped
    with load(path) as good:
        assert good.code_address
