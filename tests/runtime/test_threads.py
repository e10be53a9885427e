"""Worker threads: exactly as many as asked, none per invoke, stopped on close, restarted after fork."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from litefuse.runtime.errors import ThreadError
from litefuse.runtime.executor import Executable
from litefuse.runtime.loader import LoadedImage, load_bytes
from litefuse.runtime.threads import POOL_BYTES, PoolFields, ThreadPool
from tests.runtime import native_image


@pytest.fixture
def image() -> Iterator[LoadedImage]:
    with load_bytes(native_image.make()) as image:
        yield image


def _workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("litefuse-")]


def test_the_native_layout() -> None:
    offsets = {
        name: getattr(PoolFields, name).offset for name, *_ in PoolFields._fields_ if name[0] != "_"
    }
    assert offsets == {
        "num_threads": 0,
        "spin": 4,
        "syscall": 8,
        "words": 16,
        "generation": 64,
        "stop": 68,
        "sleepers": 72,
        "slots": 96,
        "inside": 128,
        "events": 192,
        "event_sleepers": 196,
    }
    assert ctypes.sizeof(PoolFields) == POOL_BYTES
    pool = ThreadPool(3)
    assert pool.address % 64 == 0
    pool.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_exactly_as_many_threads_as_asked(image: LoadedImage, count: int) -> None:
    before = len(_workers())
    pool = ThreadPool(count)
    assert len(_workers()) == before
    pool.start(image.address("worker"), image)
    pool.start(image.address("worker"), image)
    assert len(_workers()) == before + count - 1
    assert pool.threads_running == pool.num_threads == count
    pool.close()
    assert len(_workers()) == before


@pytest.mark.parametrize("count", [0, -1, 257])
def test_a_senseless_number_is_refused(count: int) -> None:
    with pytest.raises(ThreadError, match=f"num_threads is {count}; it must be from 1 to 256"):
        ThreadPool(count)


def test_close_is_idempotent_and_final(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    pool.start(image.address("worker"), image)
    pool.close()
    pool.close()
    with pytest.raises(ThreadError, match="closed; make a new one"):
        pool.start(image.address("worker"), image)
    ThreadPool(2).close()  # never started


def test_the_pool_keeps_its_workers_code_mapped(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    pool.start(image.address("worker"), image)
    image.close()
    assert not image.closed
    pool.close()
    assert image.closed


def test_a_forgotten_pool_stops_its_threads(image: LoadedImage) -> None:
    before = len(_workers())
    pool = ThreadPool(3)
    pool.start(image.address("worker"), image)
    del pool
    gc.collect()
    assert len(_workers()) == before


def test_workers_woken_from_sleep_and_from_spinning_stop(image: LoadedImage) -> None:
    for pause in (0.0, 0.05):
        pool = ThreadPool(2)
        pool.start(image.address("worker"), image)
        time.sleep(pause)
        pool.close()
        assert not _workers()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_idle_workers_sleep_in_the_system(image: LoadedImage) -> None:
    """Soon after the last invoke the kernel sees them asleep, and nothing wakes them."""
    pool = ThreadPool(2)
    with Executable(image, pool) as executable:
        executable(np.zeros(1000, np.float32))
        [worker] = _workers()
        status = Path(f"/proc/self/task/{worker.native_id}/status")
        for _ in range(60_000):
            if "State:\tS" in status.read_text():
                break
            time.sleep(0.001)
        switches = [line for line in status.read_text().splitlines() if "ctxt_switches" in line]
        time.sleep(0.2)
        assert "State:\tS" in status.read_text()
        assert all(line in status.read_text() for line in switches)
    pool.close()


def test_a_system_without_threads_left_is_an_error_not_fewer_threads(
    image: LoadedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, started = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    before = len(_workers())
    pool = ThreadPool(4)
    with pytest.raises(ThreadError, match="asked for 4 threads, the system gave 2"):
        pool.start(image.address("worker"), image)
    assert len(_workers()) == before


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_forked_child_runs_with_threads_of_its_own(image: LoadedImage, count: int) -> None:
    pool = ThreadPool(count)
    executable = Executable(image, pool)
    x = np.arange(1000, dtype=np.float32)
    executable(x)
    child = os.fork()
    if child == 0:
        try:
            for i in range(20):
                assert np.array_equal(executable(x + i)[0], native_image.expected(x + i))
            assert executable.num_threads == count
            pool.close()
            os._exit(0)
        except BaseException:
            os._exit(1)
    for i in range(20):
        assert np.array_equal(executable(x - i)[0], native_image.expected(x - i))
    assert os.waitpid(child, 0)[1] == 0
    executable.close()
    pool.close()


@pytest.mark.parametrize("count", [2, 4])
def test_close_right_after_invoke(count: int) -> None:
    """Code, State and arena go at once; the pool, and its late workers, live on."""
    pool = ThreadPool(count)
    x = np.arange(1000, dtype=np.float32)
    with load_bytes(native_image.make()) as home:
        keep = Executable(home, pool)
        for _ in range(100):
            with load_bytes(native_image.make()) as other:
                executable = Executable(other, pool)
            result = executable(x)[0]
            executable.close()
            assert np.array_equal(result, native_image.expected(x))
            assert np.array_equal(keep(x)[0], result)
        keep.close()
    pool.close()


def test_leave_waits_for_a_worker_inside_and_takes_the_state_out(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    executable = Executable(image, pool)
    executable(np.zeros(1000, np.float32))
    fields = PoolFields.from_address(pool.address)
    state = executable.state_address
    assert state in (fields.slots[1], fields.slots[3])
    while fields.inside:
        time.sleep(0.001)
    fields.inside += 1
    closing = threading.Thread(target=executable.close)
    closing.start()
    time.sleep(0.05)
    assert closing.is_alive()
    assert not any(fields.slots[i] for i in (0, 2) if fields.slots[i + 1] == state)
    fields.inside -= 1
    closing.join(10)
    assert not closing.is_alive()
    pool.close()


def test_the_word_area_grows(image: LoadedImage) -> None:
    pool = ThreadPool(3)
    fields = PoolFields.from_address(pool.address)
    assert fields.words is None
    pool.reserve(5)
    first = fields.words
    pool.reserve(5)
    assert fields.words == first
    pool.reserve(6)
    assert fields.words not in (None, first)
    pool.close()
    alone = ThreadPool(1)
    alone.reserve(1000)
    assert PoolFields.from_address(alone.address).words is None
    alone.close()


def test_a_program_that_just_ends_ends_cleanly(repo_root: Path, tmp_path: Path) -> None:
    """Nothing closed, workers asleep in native code: exit status 0, at once, nothing printed."""
    file = tmp_path / "a.artifact"
    file.write_bytes(native_image.make())
    file.chmod(0o600)
    code = f"""
import numpy as np
from litefuse.runtime.executor import Executable
from litefuse.runtime.loader import load
from litefuse.runtime.threads import ThreadPool
keep = Executable(load({str(file)!r}), ThreadPool(4))
keep(np.zeros(1000, np.float32))
"""
    env = {**os.environ, "PYTHONPATH": str(repo_root)}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], env=env, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
