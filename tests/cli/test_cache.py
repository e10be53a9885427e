"""`litefuse cache` over entries that a test puts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from litefuse.cli.cache import command
from litefuse.runtime.cache import Cache, CacheKey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cache = Cache(tmp_path / "cache")
    for model in ("aaaa", "bbbb"):
        key = CacheKey({"model": model * 16, "target": "x86-64"})
        assert cache.get(key) is None
        cache.put(key, model.encode() * 1000, seconds=0.5)
        assert cache.get(key) is not None
    return cache.directory


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)


def test_list_names_model_and_cost(folder: Path) -> None:
    text = run("list", "--cache-dir", folder, "--parts").output
    assert text.count("artifact") == 2
    assert "model: " + "aaaa" * 16 in text
    assert "target: x86-64" in text
    assert "500 ms" in text
    found = json.loads(run("list", "--cache-dir", folder, "--json").output)
    assert [entry["nbytes"] for entry in found] == [4000, 4000]


def test_stats_count_hits_misses_and_time(folder: Path) -> None:
    found = json.loads(run("stats", "--cache-dir", folder, "--json").output)
    assert (found["entries"], found["hits"], found["misses"]) == (2, 2, 2)
    assert found["seconds_saved"] == pytest.approx(1.0)
    assert "4 times: 2 hits, 2 misses (50 % hits)" in run("stats", "--cache-dir", folder).output


def test_verify_finds_and_removes_damage(folder: Path) -> None:
    assert run("verify", "--cache-dir", folder).return_value == 0
    victim = next(folder.glob("*.artifact"))
    victim.write_bytes(b"damaged")
    done = run("verify", "--cache-dir", folder)
    assert done.return_value == 1
    assert victim.name in done.output
    assert "checksum" in done.output
    assert victim.exists()
    assert run("verify", "--cache-dir", folder, "--remove").return_value == 1
    assert not victim.exists()
    assert run("verify", "--cache-dir", folder).return_value == 0


def test_clear_empties_it(folder: Path) -> None:
    found = json.loads(run("clear", "--cache-dir", folder, "--json").output)
    assert found["bytes_freed"] >= 8000
    assert "the cache is empty" in run("list", "--cache-dir", folder).output
