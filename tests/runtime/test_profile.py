"""Profiles: counter readings become nanoseconds per step, under the nodes' own names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from litefuse.runtime import profile
from litefuse.runtime.artifact import read
from litefuse.runtime.executor import Executable
from litefuse.runtime.loader import load_bytes
from litefuse.runtime.profile import Profile, summarise
from litefuse.runtime.threads import ThreadPool
from tests.runtime import native_image

N = 400_000


@pytest.fixture(scope="module")
def recorded() -> Profile:
    info = read(native_image.make(1000)).info
    ticks = np.array([[100.0, 400, 500], [1000, 1300, 1400], [2000, 2600, 2900]])
    return summarise(ticks, 2.0, np.array([900.0, 1000, 2000]), info, 1)


@pytest.fixture
def executable() -> Iterator[Executable]:
    pool = ThreadPool(2)
    with load_bytes(native_image.make(N)) as image, Executable(image, pool) as executable:
        yield executable
    pool.close()


def test_counter_readings_become_times(recorded: Profile) -> None:
    scale, mirror = recorded.steps
    assert (scale.first_ns, scale.min_ns, scale.median_ns, scale.mean_ns) == (600, 600, 600, 800)
    assert (mirror.min_ns, mirror.median_ns) == (200, 200)
    assert mirror.start_ns == pytest.approx(600)
    assert (scale.nodes, scale.ops, mirror.nodes) == ((0,), ("MUL",), (2, 3))
    assert scale.percent + mirror.percent == pytest.approx(100)
    assert mirror.cdf_percent == pytest.approx(100)
    assert scale.gmacs_per_second == pytest.approx(1000 / 600)
    assert (recorded.invoke_min_ns, recorded.invoke_median_ns) == (900, 1000)


def test_the_table_has_the_nodes_the_ops_and_the_shares(recorded: Profile) -> None:
    head, first, second, total = recorded.table().splitlines()
    assert head.split("  ")[0] == "node type"
    assert "cdf%" in head
    assert first.startswith("MUL ")
    assert first.endswith("k_scale")
    assert second.split()[0] == "REVERSE_V2+ADD"
    assert "100.00%" in second
    assert "2 3" in second
    assert total.startswith("3 nodes in 2 kernels, 3 runs, 1 thread(s)")
    assert recorded.table("time").splitlines()[1].startswith("MUL")
    assert recorded.table("op").splitlines()[1].split() == [
        "MUL",
        "1",
        "0.001",
        "75.00%",
        "75.00%",
        "3",
    ]
    with pytest.raises(ValueError, match="table by 'size'"):
        recorded.table("size")


def test_it_is_plain_data(recorded: Profile) -> None:
    data = json.loads(json.dumps(recorded.as_dict()))
    assert data["steps"][1]["nodes"] == [2, 3]
    assert data["runs"] == 3


def test_every_step_of_a_real_executable_is_timed(executable: Executable) -> None:
    executable(np.ones(N, np.float32))
    profile = executable.profile(30)
    assert (profile.runs, profile.num_threads, len(profile.steps)) == (30, 2, 2)
    assert profile.invoke_min_ns > 0
    for (
        step
    ) in profile.steps:  # a step may be over before the thread that reads the counter is there
        assert 0 <= step.min_ns <= step.median_ns
        assert step.mean_ns > 0


def test_profiling_needs_no_binding_and_leaves_no_trace(executable: Executable) -> None:
    executable.profile(1)
    assert executable._state.ticks is None
    x = np.arange(N, dtype=np.float32)
    assert np.array_equal(executable(x)[0], native_image.expected(x))
    with pytest.raises(ValueError, match="profile of 0 runs"):
        executable.profile(0)


@pytest.mark.parametrize("runs", [1, 2, 5000])
def test_the_counter_is_calibrated_against_the_clock(
    runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of 7 ns a tick, and code whose steps take 600 and 300 ticks, 100 of them around."""
    now = 0
    ticks = np.zeros(3, np.uint64)
    monkeypatch.setattr(profile, "time", SimpleNamespace(perf_counter_ns=lambda: 7 * now))

    def invoke() -> None:
        nonlocal now
        ticks[:] = now + 50, now + 650, now + 950
        now += 1000

    found = profile.measure(invoke, ticks, read(native_image.make(1000)).info, runs, 1)
    for step, want in zip(found.steps, (4200, 2100), strict=True):
        assert (step.min_ns, step.median_ns, step.mean_ns) == pytest.approx((want, want, want))
    assert found.steps[1].start_ns == pytest.approx(4200)
    assert (found.runs, found.invoke_min_ns, found.invoke_median_ns) == (runs, 7000, 7000)
