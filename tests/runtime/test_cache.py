"""The cache: keys, entries, counts, eviction, damage, and the reasons for a miss."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from litefuse.runtime import cache as cache_module
from litefuse.runtime.cache import Cache, CacheKey
from litefuse.runtime.errors import CacheError
from litefuse.runtime.ledger import Ledger
from litefuse.runtime.loader import load
from tests.runtime import native_image

PARTS = {
    "model": "0123456789abcdef",
    "partition": "65 nodes",
    "shapes": "0:1x224x224x3",
    "target": "x86-64-avx2",
    "numerics": "reference",
    "litefuse": "0.1.0",
    "compiler": "aaaa",
    "llvm": "0.50.0",
    "format": "1",
}
KEY = CacheKey(PARTS)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_put_then_get(cache: Cache) -> None:
    assert cache.get(KEY) is None
    path = cache.put(KEY, b"data", seconds=1.5)
    assert cache.get(KEY) == path
    assert path.read_bytes() == b"data"
    assert cache.seconds(KEY) == 1.5
    [entry] = cache.entries()
    assert (entry.parts, entry.digest, entry.kind, entry.nbytes) == (
        PARTS,
        KEY.digest,
        "artifact",
        4,
    )


def test_the_digest_depends_on_each_part_and_name_and_kind() -> None:
    digests = {KEY.digest, CacheKey(PARTS, "plan").digest}
    digests |= {CacheKey({**PARTS, name: PARTS[name] + "x"}).digest for name in PARTS}
    digests |= {
        CacheKey({n + "x" if n == name else n: v for n, v in PARTS.items()}).digest
        for name in PARTS
    }
    assert len(digests) == 2 + 2 * len(PARTS)
    assert CacheKey(dict(reversed(PARTS.items()))).digest == KEY.digest


def test_the_default_directory_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LITEFUSE_CACHE_DIR", str(tmp_path / "here"))
    assert Cache().directory == tmp_path / "here"
    monkeypatch.delenv("LITEFUSE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_module.default_directory() == tmp_path / "xdg" / "litefuse"


def test_modes_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        cache = Cache(tmp_path / "deep" / "cache")
        cache.put(KEY, b"data")
        with cache.lock(KEY):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE(cache.directory.stat().st_mode) == 0o700
    for path in cache.directory.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_directory_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(CacheError, match=rf"mode 0{mode:o} lets other users write"):
        Cache(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(CacheError, match="belongs to user 12345"):
        Cache(tmp_path)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"cannot be used.*LITEFUSE_CACHE_DIR"):
        Cache(tmp_path / "file" / "cache")


def test_counts_and_time_saved(cache: Cache) -> None:
    cache.get(KEY)
    cache.put(KEY, b"12345678", seconds=2.0)
    for _ in range(3):
        cache.get(KEY)
    stats = Cache(cache.directory).stats()  # as another process sees it
    assert (stats.entries, stats.nbytes, stats.hits, stats.misses) == (1, 8, 3, 1)
    assert (stats.seconds_saved, stats.seconds_spent) == (6.0, 2.0)


def test_the_ledger_folds_and_keeps_its_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litefuse.runtime.ledger._FOLD_ABOVE", 100)
    ledger = Ledger(tmp_path / "ledger")
    for i in range(40):
        ledger.add("hit", 0.5)
        if i % 10 == 9:
            ledger.compact()
    ledger.add("miss", 0.0)
    assert ledger.totals() == {"hit": (40, 20.0), "miss": (1, 0.0), "put": (0, 0.0)}
    assert (tmp_path / "ledger").stat().st_size < 320
    (tmp_path / "ledger.json").write_text("{]")
    assert ledger.totals()["miss"] == (1, 0.0)


def test_clear_removes_entries_and_counts(cache: Cache) -> None:
    cache.put(KEY, bytes(1000))
    cache.put(CacheKey(PARTS, "plan"), b"{}")
    (cache.directory / "notes.txt").write_text("not ours")
    assert cache.clear() > 1000
    stats = cache.stats()
    assert (stats.entries, stats.hits, stats.misses) == (0, 0, 0)
    assert (cache.directory / "notes.txt").exists()


def _keys(count: int) -> list[CacheKey]:
    return [CacheKey({**PARTS, "partition": str(i)}) for i in range(count)]


def test_eviction_takes_the_least_recently_used(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", max_bytes=3000)
    keys = _keys(4)
    for i, key in enumerate(keys[:3]):
        _age(cache.put(key, bytes(1000)), 100 - i)
    cache.get(keys[0])  # now the most recent
    cache.put(keys[3], bytes(1000))
    assert [cache.contains(key) for key in keys] == [True, False, True, True]
    assert not list(tmp_path.glob(f"c/{keys[1].digest}*"))


def test_what_was_just_written_stays_even_if_alone_too_big(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", max_bytes=500)
    first, second = _keys(2)
    cache.put(first, bytes(1000))
    assert cache.contains(first)
    _age(cache.path(first), 10)
    cache.put(second, bytes(1000))
    assert (cache.contains(first), cache.contains(second)) == (False, True)


def test_no_limit_evicts_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", max_bytes=0)
    for key in _keys(20):
        cache.put(key, bytes(1000))
    assert cache.stats().entries == 20


def test_a_mapped_entry_is_passed_over(tmp_path: Path) -> None:
    data = native_image.make()
    cache = Cache(tmp_path / "c", max_bytes=len(data) + 10)
    first, second, third = _keys(3)
    image = load(cache.put(first, data))
    _age(cache.path(first), 100)
    cache.put(second, bytes(20))
    assert cache.contains(first)
    image.close()
    _age(cache.path(first), 100)
    cache.put(third, bytes(20))
    assert not cache.contains(first)


def test_replacing_an_entry_leaves_its_readers_alone(cache: Cache) -> None:
    image = load(cache.put(KEY, native_image.make()))
    before = bytes(image.code())
    cache.put(KEY, b"other")
    cache.clear()
    assert bytes(image.code()) == before
    image.close()


def test_verify_finds_each_kind_of_damage_and_can_remove_it(cache: Cache) -> None:
    keys = _keys(7)
    paths = [cache.put(key, bytes(100)) for key in keys]
    with paths[0].open("r+b") as file:
        file.write(b"x")
    paths[1].write_bytes(b"")
    paths[2].with_name(paths[2].name + ".json").unlink()
    paths[3].with_name(paths[3].name + ".json").write_text("{")
    paths[4].chmod(0o666)
    sidecar = paths[5].with_name(paths[5].name + ".json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "parts": {"model": "x"}}))
    reasons = {p.path: p.reason for p in cache.verify()}
    assert set(reasons) == set(paths[:6])
    assert "checksum" in reasons[paths[0]]
    assert "checksum" in reasons[paths[1]]
    assert "sidecar" in reasons[paths[2]]
    assert "sidecar" in reasons[paths[3]]
    assert "other users" in reasons[paths[4]]
    assert "not the digest" in reasons[paths[5]]
    cache.verify(remove=True)
    assert [entry.path for entry in cache.entries()] == [paths[6]]
    assert cache.verify() == []


def test_a_failed_write_leaves_nothing(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.put(KEY, b"data")
    assert [p.name for p in cache.directory.iterdir()] == []
    assert cache.get(KEY) is None


def test_leftovers_of_dead_writers_are_swept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", max_bytes=10)
    old, new = (cache.directory / f".{name}.artifact.1.1.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    _age(old, 7200)
    cache.put(KEY, bytes(20))
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("name", PARTS)
def test_a_miss_explains_the_changed_part(cache: Cache, name: str) -> None:
    cache.put(KEY, b"data")
    cache.put(CacheKey({**PARTS, "model": "other", "partition": "3 nodes"}), b"data")
    miss = cache.explain_miss(CacheKey({**PARTS, name: "changed"}))
    assert miss.changed == {name: (PARTS[name], "changed")}
    assert miss.text == f"since the nearest entry changed {name}: was {PARTS[name]}, is changed"
    assert miss.nearest is not None
    assert miss.nearest.digest == KEY.digest


def test_a_miss_prefers_the_same_model_and_the_fewest_changes(cache: Cache) -> None:
    cache.put(CacheKey({**PARTS, "shapes": "s", "target": "t"}), b"far")
    cache.put(CacheKey({**PARTS, "target": "t"}), b"near")
    cache.put(CacheKey({**PARTS, "model": "other"}), b"another model")
    cache.put(CacheKey(PARTS, "plan"), b"another kind")
    assert set(cache.explain_miss(KEY).changed) == {"target"}


def test_a_miss_of_an_unknown_model_says_so(cache: Cache) -> None:
    assert cache.explain_miss(KEY).text == "nothing is cached for this model (0123456789ab)"
    cache.put(CacheKey({**PARTS, "model": "other", "shapes": "s"}), b"data")
    assert cache.explain_miss(KEY).nearest is None


def test_a_part_that_came_or_went(cache: Cache) -> None:
    cache.put(KEY, b"data")
    fewer = {name: value for name, value in PARTS.items() if name != "llvm"}
    assert cache.explain_miss(CacheKey(fewer)).changed == {"llvm": ("0.50.0", None)}
    assert cache.explain_miss(CacheKey({**PARTS, "new": "1"})).changed == {"new": (None, "1")}


def test_the_lock_excludes_threads_and_times_out(cache: Cache) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        with cache.lock(KEY):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with guard:
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    with (
        cache.lock(KEY),
        pytest.raises(CacheError, match=r"waited 0\.05 s"),
        cache.lock(KEY, timeout=0.05),
    ):
        pytest.fail("two holders")


def test_many_processes_write_one_key_and_readers_see_whole_entries(
    cache: Cache, repo_root: Path
) -> None:
    code = """
import sys
from litefuse.runtime.cache import Cache, CacheKey
cache, key = Cache(sys.argv[1]), CacheKey({"model": "m"})
for i in range(30):
    cache.put(key, bytes([65 + i % 26]) * 50_000)
    data = cache.path(key).read_bytes()
    assert len(data) == 50_000 and len(set(data)) == 1, "torn"
"""
    env = {**os.environ, "PYTHONPATH": str(repo_root)}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(cache.directory)], env=env)
        for _ in range(3)
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(cache.entries()) == 1
    assert not list(cache.directory.glob(".*.tmp"))
