"""The seam: the cache first, one compilation however many ask, and failures that say what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import litefuse.compiler
from litefuse.runtime import build as build_module
from litefuse.runtime.build import (
    Partition,
    Plan,
    Reason,
    artifact_key,
    build,
    build_bytes,
    plan,
    plan_key,
)
from litefuse.runtime.cache import Cache
from litefuse.runtime.cpu import TARGETS, host_target
from litefuse.runtime.errors import BuildError, CacheError, LitefuseWarning
from litefuse.runtime.executor import Executable
from litefuse.runtime.options import Options
from tests.runtime import native_image


@dataclass
class Model:
    content_hash: str = "c0ffee" * 8


MODEL = Model()
PARTITION = Partition(0, (0, 2, 3), (3,), (7,), {3: (1000,), 7: (1000,)})


@dataclass
class Driver:
    """Stands for the compiler: counts its calls and gives the hand-made image."""

    calls: list[str] = field(default_factory=list)
    seconds: float = 0.0
    fail: Exception | None = None
    data: bytes | None = None

    def compile_partition(self, model: Any, partition: Any, options: Options, target: Any) -> bytes:
        self.calls.append(target.name)
        time.sleep(self.seconds)
        if self.fail:
            raise self.fail
        return self.data if self.data is not None else native_image.make()

    def plan_subgraph(
        self, model: Any, subgraph: int, options: Options, shapes: Any = None
    ) -> Plan:
        self.calls.append("plan")
        if self.fail:
            raise self.fail
        return Plan(
            subgraph, (0, 2, 3), {1: Reason(1, "CUSTOM", "op", "Foo", "none")}, (PARTITION,)
        )


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr(litefuse.compiler, "driver", driver, raising=False)
    return driver


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(cache_dir=str(tmp_path / "cache"))


def _entry(options: Options) -> Path:
    [entry] = (e for e in Cache(options.cache_dir).entries() if e.kind == "artifact")
    return entry.path


def _runs(image: Any) -> bool:
    x = np.arange(1000, dtype=np.float32)
    with image, Executable(image) as executable:
        return bool(np.array_equal(executable(x)[0], native_image.expected(x)))


def test_compiled_once_then_from_the_cache(driver: Driver, options: Options) -> None:
    driver.seconds = 0.02
    first = build(MODEL, PARTITION, options)
    assert first.origin is not None
    assert (first.origin.cached, first.origin.miss) == (
        False,
        "nothing is cached for this model (c0ffeec0ffee)",
    )
    second = build(MODEL, PARTITION, options)
    assert second.origin is not None
    assert (second.origin.cached, second.origin.miss) == (True, None)
    assert second.origin.seconds >= 0.02
    assert driver.calls == [host_target().name]
    stats = Cache(options.cache_dir).stats()
    assert (stats.hits, stats.misses, stats.entries) == (1, 1, 1)
    assert stats.seconds_saved >= 0.02
    assert _runs(first)
    assert _runs(second)


def test_without_a_cache_nothing_is_written(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITEFUSE_CACHE_DIR", str(tmp_path / "unused"))
    options = Options(cache_dir="")
    for _ in range(2):
        image = build(MODEL, PARTITION, options)
        assert image.origin is not None
        assert image.origin.miss == "there is no cache"
        assert _runs(image)
    assert len(driver.calls) == 2
    assert not (tmp_path / "unused").exists()


def test_dumping_ir_always_compiles(driver: Driver, options: Options, tmp_path: Path) -> None:
    build(MODEL, PARTITION, options).close()
    dumping = options.replace(dump_ir=str(tmp_path / "ir"))
    image = build(MODEL, PARTITION, dumping)
    assert image.origin is not None
    assert image.origin.miss == "dump_ir compiles anew"
    assert len(driver.calls) == 2
    image.close()


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "model": lambda a: a.update(model=Model("feed" * 16)),
    "partition": lambda a: a.update(partition=Partition(0, (0, 2), (3,), (7,), PARTITION.shapes)),
    "shapes": lambda a: a.update(
        partition=Partition(0, (0, 2, 3), (3,), (7,), {3: (999,), 7: (999,)})
    ),
    "numerics": lambda a: a.update(options=a["options"].replace(numerics="strict")),
    "target": lambda a: a.update(
        options=a["options"].replace(target=next(t for t in TARGETS if t != host_target().name))
    ),
}


@pytest.mark.parametrize("part", CHANGES)
def test_each_input_changes_its_own_part_of_the_key(
    driver: Driver, options: Options, part: str
) -> None:
    build(MODEL, PARTITION, options).close()
    arguments = {"model": MODEL, "partition": PARTITION, "options": options}
    CHANGES[part](arguments)
    key = artifact_key(**arguments)
    miss = Cache(options.cache_dir).explain_miss(key)
    assert set(miss.changed) == {part}
    assert part in miss.text


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("litefuse", "build.__version__"),
        ("compiler", "fingerprint.compiler_digest"),
        ("llvm", "fingerprint.llvm_version"),
        ("format", "build.FORMAT"),
    ],
)
def test_each_version_is_a_part_of_the_key(
    options: Options, monkeypatch: pytest.MonkeyPatch, part: str, place: str
) -> None:
    before = artifact_key(MODEL, PARTITION, options), plan_key(MODEL, 0, options)
    new: Any = "new" if place.startswith("build") else (lambda: "new")
    monkeypatch.setattr(f"litefuse.runtime.{place}", new)
    after = artifact_key(MODEL, PARTITION, options), plan_key(MODEL, 0, options)
    for old, changed in zip(before, after, strict=True):
        assert {name for name in old.parts if old.parts[name] != changed.parts[name]} == {part}


def test_a_shape_inside_the_partition_is_part_of_the_key(options: Options) -> None:
    inner = Partition(0, (0, 2, 3), (3,), (7,), {**PARTITION.shapes, 5: (2, 2)})
    assert (
        artifact_key(MODEL, inner, options).digest != artifact_key(MODEL, PARTITION, options).digest
    )


def test_what_cannot_change_the_code_is_not_in_the_key(options: Options) -> None:
    same = options.replace(
        num_threads=7, profile=True, cache_max_bytes=1, require_full_delegation=True
    )
    assert artifact_key(MODEL, PARTITION, same) == artifact_key(MODEL, PARTITION, options)
    given = artifact_key(object(), PARTITION, options, content_hash=MODEL.content_hash)
    assert given == artifact_key(MODEL, PARTITION, options)


def test_a_model_without_a_hash_is_refused(options: Options) -> None:
    with pytest.raises(BuildError, match="no content_hash"):
        artifact_key(object(), PARTITION, options)


@pytest.mark.parametrize("where", [0, 40, 100, 4100, -1])
def test_a_damaged_entry_is_made_again(driver: Driver, options: Options, where: int) -> None:
    build(MODEL, PARTITION, options).close()
    path = _entry(options)
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)
    with pytest.warns(LitefuseWarning, match="a cached artifact is made again"):
        image = build(MODEL, PARTITION, options)
    assert _runs(image)
    assert len(driver.calls) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(MODEL, PARTITION, options).close()
    assert len(driver.calls) == 2


def test_an_entry_that_others_could_have_written_is_made_again(
    driver: Driver, options: Options
) -> None:
    build(MODEL, PARTITION, options).close()
    _entry(options).chmod(0o666)
    with pytest.warns(LitefuseWarning, match="lets other users write it"):
        build(MODEL, PARTITION, options).close()
    assert len(driver.calls) == 2
    assert _entry(options).stat().st_mode & 0o777 == 0o600


def test_an_entry_that_needs_another_cpu_is_made_again(driver: Driver, options: Options) -> None:
    host = host_target()
    driver.data = native_image.make(
        target={"arch": host.arch, "name": "vast", "features": ["warp9"]}
    )
    with pytest.warns(LitefuseWarning, match="warp9"), pytest.raises(Exception, match="warp9"):
        build(MODEL, PARTITION, options)
    driver.data = None
    with pytest.warns(LitefuseWarning, match="made again"):
        build(MODEL, PARTITION, options).close()


def test_a_failing_compiler_is_a_build_error_with_its_cause(
    driver: Driver, options: Options
) -> None:
    driver.fail = ZeroDivisionError("in a pass")
    with pytest.raises(BuildError, match="compiling 3 nodes of subgraph 0: in a pass") as caught:
        build(MODEL, PARTITION, options)
    assert caught.value.__cause__ is driver.fail
    with pytest.raises(BuildError, match="planning subgraph 0: in a pass"):
        plan(MODEL, 0, options)
    assert Cache(options.cache_dir).entries() == []
    driver.fail = None
    build(MODEL, PARTITION, options).close()  # the lock was given up


def test_a_host_without_the_compiler_is_told_what_to_do(driver: Driver, options: Options) -> None:
    driver.fail = ImportError("No module named 'llvmlite'")
    with pytest.raises(
        BuildError, match=r"cannot be imported \(No module named 'llvmlite'\); install"
    ):
        build(MODEL, PARTITION, options)


def test_a_target_that_does_not_run_here(driver: Driver, options: Options) -> None:
    foreign = "aarch64" if host_target().arch == "x86_64" else "x86-64"
    other = options.replace(target=foreign)
    with pytest.raises(
        BuildError, match=f"does not run here .*litefuse compile --target {foreign}"
    ):
        build(MODEL, PARTITION, other)
    assert driver.calls == []
    assert build_bytes(MODEL, PARTITION, other) == native_image.make()
    assert build_bytes(MODEL, PARTITION, other) == native_image.make()
    assert driver.calls == [foreign]


def test_bytes_of_a_damaged_entry_are_made_again(driver: Driver, options: Options) -> None:
    data = build_bytes(MODEL, PARTITION, options)
    _entry(options).write_bytes(data[:-1])
    assert build_bytes(MODEL, PARTITION, options) == data
    assert len(driver.calls) == 2


def test_plans_are_cached_and_damaged_ones_made_again(driver: Driver, options: Options) -> None:
    first = plan(MODEL, 0, options)
    assert plan(MODEL, 0, options) == first
    assert driver.calls == ["plan"]
    [entry] = Cache(options.cache_dir).entries()
    entry.path.write_bytes(entry.path.read_bytes().replace(b"Foo", b"Bar"))
    assert plan(MODEL, 0, options) == first
    assert driver.calls == ["plan"] * 2
    assert plan(MODEL, 1, options).subgraph == 1
    plan(MODEL, 0, options.replace(deny_ops="ADD"))
    assert driver.calls == ["plan"] * 4


def test_a_full_disk_costs_the_entry_not_the_run(
    driver: Driver, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(LitefuseWarning, match=r"could not write to the cache .*No space left"):
        image = build(MODEL, PARTITION, options)
    assert _runs(image)


def test_an_unsafe_directory_is_an_error_if_given_and_a_warning_by_default(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsafe = tmp_path / "unsafe"
    unsafe.mkdir()
    unsafe.chmod(0o777)
    with pytest.raises(CacheError, match="refused"):
        build(MODEL, PARTITION, Options(cache_dir=str(unsafe)))
    monkeypatch.setenv("LITEFUSE_CACHE_DIR", str(unsafe))
    with pytest.warns(LitefuseWarning, match="running without a cache"):
        image = build(MODEL, PARTITION, Options())
    assert _runs(image)
    assert list(unsafe.iterdir()) == []


def test_a_noexec_cache_runs_from_memory(
    driver: Driver, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litefuse.runtime.errors import LoadError

    def refuse(path: Any) -> Any:
        raise LoadError("mounted noexec")

    monkeypatch.setattr(build_module, "load", refuse)
    with pytest.warns(LitefuseWarning, match="running from memory: mounted noexec"):
        image = build(MODEL, PARTITION, options)
    assert _runs(image)


def test_threads_that_want_the_same_compile_once(driver: Driver, options: Options) -> None:
    driver.seconds = 0.1
    barrier = threading.Barrier(6)

    def go(_: int) -> Any:
        barrier.wait()
        return build(MODEL, PARTITION, options)

    with ThreadPoolExecutor(6) as many:
        images = list(many.map(go, range(6)))
    assert len(driver.calls) == 1
    assert sum(image.origin.cached for image in images) == 5
    assert all(_runs(image) for image in images)


RACER = """
import sys, time, types
import litefuse.compiler
from litefuse.runtime.build import Partition, build
from litefuse.runtime.options import Options

folder = sys.argv[1]

def compile_partition(model, partition, options, target):
    with open(folder + "/log", "a") as log:
        log.write("compiled ")
    time.sleep(0.4)
    with open(folder + "/image", "rb") as file:
        return file.read()

litefuse.compiler.driver = types.SimpleNamespace(compile_partition=compile_partition)
partition = Partition(0, (0, 2, 3), (3,), (7,), {3: (1000,), 7: (1000,)})
image = build(None, partition, Options(cache_dir=folder + "/cache"), content_hash="m")
print(image.origin.cached, bytes(image.constants())[:4].hex())
"""


def test_processes_that_want_the_same_compile_once(tmp_path: Path, repo_root: Path) -> None:
    (tmp_path / "image").write_bytes(native_image.make())
    env = {**os.environ, "PYTHONPATH": str(repo_root)}
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    running = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    answers = sorted(process.communicate(timeout=120)[0].split()[0] for process in running)
    assert [process.returncode for process in running] == [0] * 6
    assert answers == ["False"] + ["True"] * 5
    assert (tmp_path / "log").read_text() == "compiled "


def test_a_compiler_that_dies_lets_the_next_process_in(tmp_path: Path, repo_root: Path) -> None:
    (tmp_path / "image").write_bytes(native_image.make())
    env = {**os.environ, "PYTHONPATH": str(repo_root)}
    dying = RACER.replace(
        "time.sleep(0.4)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", dying, str(tmp_path)], env=env).returncode == -9
    done = subprocess.run(
        [sys.executable, "-c", RACER, str(tmp_path)],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("False"), done.stderr
