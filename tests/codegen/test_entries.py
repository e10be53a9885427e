"""The entries: schedules run by 1, 2 and 4 threads, asleep and awake, from our State and from LiteRT's structures."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
import pytest

from litefuse.codegen.llvm.entries import ENTRIES
from litefuse.codegen.llvm.image import emit_image
from litefuse.codegen.targets import Target
from litefuse.compiler.ir.attributes import Symbol
from litefuse.compiler.ir.core import Block, Module, Operation, Region
from litefuse.compiler.ir.types import I32, INDEX
from tests.codegen.build import ARM, HERE, HOST, Code, Loaded, aligned, function

LENGTH = 1000


def kernel(b: Code, args: list[Any]) -> None:
    """out[i] = in[LENGTH - 1 - i] + 1: each share needs what other threads made in the step before."""
    source, destination, begin, end = args

    def body(c: Code, i: Any, _: Any) -> tuple[()]:
        mirrored = c.op("arith.subi", (c.constant(LENGTH - 1), i), INDEX)
        c.store(c.add(c.load(source, mirrored, I32), c.constant(1, I32)), destination, i)
        return ()

    b.loop(begin, end, body)


def program(steps: int, grain: int = 1) -> Module:
    """io 0 -> arena -> arena ... -> io 1."""
    module = function(2, kernel)
    block = Block()
    places = [("io", 0), *(("arena", 4096 * (i % 2)) for i in range(steps - 1)), ("io", 1)]
    for i in range(steps):
        args = [{"space": s, "offset": o} for s, o in places[i : i + 2]]
        attributes = {
            "callee": Symbol("k"),
            "trip": LENGTH,
            "args": args,
            "barrier": i > 0,
            "grain": grain,
        }
        block.append(Operation("loop.step", attributes=attributes))
    attributes = {"sym_name": "run", "arena_bytes": 8192}
    module.block.append(Operation("loop.program", attributes=attributes, regions=[Region(block)]))
    return module


class Runner:
    """State, Pool and workers as the runtime would make them."""

    def __init__(
        self, image: Loaded, threads: int, spin: int, ticks: int = 0, sleep: bool = True
    ) -> None:
        self.image = image
        self.pool = aligned(np.zeros(32, np.uint64))
        self.words = aligned(np.zeros(8 * 10 * (threads + 1), np.uint64))
        self.pool[:3] = (
            threads | spin << 32,
            ctypes.cast(ctypes.CDLL(None).syscall, ctypes.c_void_p).value if sleep else 0,
            self.words.ctypes.data,
        )
        self.arena = aligned(np.zeros(4096, np.int32))
        self.source, self.result = np.arange(LENGTH, dtype=np.int32), np.zeros(LENGTH, np.int32)
        self.io = np.array([self.source.ctypes.data, self.result.ctypes.data], np.uint64)
        self.ticks = np.zeros(ticks, np.uint64)
        self.tensors = np.array([1, 3], np.int32)
        self.state = np.array(
            [0, self.arena.ctypes.data, self.io.ctypes.data, self.ticks.ctypes.data if ticks else 0,
             self.pool.ctypes.data, self.tensors.ctypes.data, 0, 0], np.uint64,
        )  # fmt: skip
        worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)(image.address("worker"))
        self._invoke = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(image.address("invoke"))
        self.workers = [
            threading.Thread(target=worker, args=(self.pool.ctypes.data, tid), daemon=True)
            for tid in range(1, threads)
        ]
        for thread in self.workers:
            thread.start()

    def invoke(self) -> int:
        return int(self._invoke(self.state.ctypes.data))

    def close(self) -> None:
        words = self.pool.view(np.int32)
        words[17] = 1
        words[16] += 1
        address = self.pool.ctypes.data + 64
        number = {"x86_64": 202, "aarch64": 98}[HOST.arch]
        libc = ctypes.CDLL(None)
        libc.syscall(
            ctypes.c_long(number),
            ctypes.c_void_p(address),
            ctypes.c_long(129),
            ctypes.c_long(1 << 30),
            None,
            None,
            0,
        )
        for thread in self.workers:
            thread.join(20)
            assert not thread.is_alive()
        assert words[32] == 0, "workers are still counted as inside"
        assert words[18] == words[49] == 0, "threads are still counted as sleepers"


@pytest.fixture(scope="module", params=HERE)
def image(request: pytest.FixtureRequest) -> Loaded:
    return Loaded(emit_image(program(7), request.param))


@pytest.mark.parametrize(
    ("threads", "spin", "sleep"),
    [(1, 0, True), (2, 0, True), (2, 2000, True), (4, 50, True), (3, 5, False)],
)
def test_steps_run_in_order_on_all_threads(
    image: Loaded, threads: int, spin: int, sleep: bool
) -> None:
    runner = Runner(image, threads, spin, sleep=sleep)
    for n in range(200 if sleep else 5):
        runner.source += n
        runner.result[:] = 0
        assert runner.invoke() == 0
        assert (runner.result == runner.source[::-1] + 7).all()
    runner.close()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_twenty_thousand_invokes(threads: int) -> None:
    target = next(p.values[0] for p in HERE if p.values[0].runs_on(HOST.arch, HOST.features))
    assert isinstance(target, Target)
    runner = Runner(Loaded(emit_image(program(3), target)), threads, 20)
    for n in range(20_000 if threads <= 2 else 5_000):
        runner.source[n % LENGTH] = n
        runner.invoke()
        if n % 97 == 0:
            assert (runner.result == runner.source[::-1] + 3).all()
    assert (runner.result == runner.source[::-1] + 3).all()
    runner.close()


@pytest.mark.parametrize("spin", [0, 2000])
def test_a_worker_that_never_comes_holds_nobody_up(image: Loaded, spin: int) -> None:
    """Completion is of work: the caller makes the shares of threads that do not run at all."""
    runner = Runner(image, 1, spin)
    runner.pool.view(np.int32)[0] = 4
    runner.words = aligned(np.zeros(8 * 10 * 5, np.uint64))
    runner.pool[2] = runner.words.ctypes.data
    for n in range(50):
        runner.source += n
        runner.result[:] = 0
        assert runner.invoke() == 0
        assert (runner.result == runner.source[::-1] + 7).all()


def test_a_late_worker_takes_nothing(image: Loaded) -> None:
    """`run` for a generation that is over, or never was, returns at once and writes nothing."""
    runner = Runner(image, 1, 0)
    runner.pool.view(np.int32)[0] = 2
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)(
        image.address("run")
    )
    for _ in range(3):
        runner.invoke()
    runner.result[:] = -1
    words = runner.words.copy()
    for generation in (1, 2, 3, 4, 99):
        run(runner.state.ctypes.data, 1, generation)
    assert (runner.result == -1).all()
    assert (runner.words == words).all()


@pytest.mark.parametrize("grain", [7, 64, 999, 5000])
def test_shares_are_whole_grains(grain: int) -> None:
    target = next(p.values[0] for p in HERE if p.values[0].runs_on(HOST.arch, HOST.features))
    runner = Runner(Loaded(emit_image(program(2, grain), target)), 3, 10)
    runner.invoke()
    assert (runner.result == runner.source + 2).all()
    runner.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_ticks_rise(image: Loaded, threads: int) -> None:
    runner = Runner(image, threads, 100, ticks=8)
    runner.invoke()
    assert (np.diff(runner.ticks.astype(np.int64)) > 0).all()
    assert runner.ticks[0] > 0
    runner.close()


def test_no_pool_means_one_thread(image: Loaded) -> None:
    runner = Runner(image, 1, 0)
    runner.state[4] = 0
    assert runner.invoke() == 0
    assert (runner.result == runner.source[::-1] + 7).all()


def test_litert_invoke_reads_tensor_addresses_each_time(image: Loaded) -> None:
    runner = Runner(image, 2, 100)
    tensors = np.zeros((5, 14), np.uint64)  # 112 bytes each
    context, node = np.zeros(25, np.uint64), np.zeros(10, np.uint64)
    context[2], node[4] = tensors.ctypes.data, runner.state.ctypes.data
    call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(
        image.address("litert_invoke")
    )
    for n in range(3):
        source, result = np.full(LENGTH, n, np.int32), np.zeros(LENGTH, np.int32)
        tensors[1, 1], tensors[3, 1] = source.ctypes.data, result.ctypes.data
        assert call(context.ctypes.data, node.ctypes.data) == 0
        assert (result == n + 7).all()
    runner.close()


@pytest.mark.parametrize("target", ARM, ids=lambda t: t.name)
def test_entries_compile_for_arm(target: Target) -> None:
    image = emit_image(program(3), target, assembly=True)
    assert set(ENTRIES) < set(image.symbols)
    assert "cntvct_el0" in image.assembly.lower()
