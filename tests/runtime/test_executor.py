"""Executables: right results with any number of threads, clear errors, one invoke at a time."""

from __future__ import annotations

import ctypes
import gc
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.errors import ExecutionError, PortError
from litefuse.runtime.executor import STATE_BYTES, Executable, StateFields, aligned_empty
from litefuse.runtime.loader import LoadedImage, load_bytes
from litefuse.runtime.threads import ThreadPool
from tests.runtime import native_image

N = 1000


@pytest.fixture
def image() -> Iterator[LoadedImage]:
    with load_bytes(native_image.make(N)) as image:
        yield image


@pytest.fixture
def executable(image: LoadedImage) -> Iterator[Executable]:
    with Executable(image) as executable:
        yield executable


def _x(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(N).astype(np.float32)


def test_the_native_layout() -> None:
    offsets = [getattr(StateFields, name).offset for name, _ in StateFields._fields_]
    assert offsets == [0, 8, 16, 24, 32, 40, 48]
    assert ctypes.sizeof(StateFields) == STATE_BYTES


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_two_hundred_invokes_are_all_right(image: LoadedImage, threads: int) -> None:
    pool = ThreadPool(threads)
    with Executable(image, pool) as executable:
        assert executable.num_threads == threads
        for seed in range(200):
            x = _x(seed)
            [y] = executable(x)
            assert np.array_equal(y, native_image.expected(x)), seed
    pool.close()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 63])
def test_fewer_items_than_threads(n: int) -> None:
    pool = ThreadPool(4)
    with load_bytes(native_image.make(n)) as image, Executable(image, pool) as executable:
        x = np.arange(n, dtype=np.float32)
        for _ in range(5):
            assert np.array_equal(executable(x)[0], native_image.expected(x))
    pool.close()


def test_ports(executable: Executable) -> None:
    [x], [y] = executable.inputs, executable.outputs
    assert (x.name, x.tensor, x.dtype, x.shape, x.nbytes) == ("x", 3, "float32", (N,), 4 * N)
    assert (y.name, y.tensor) == ("y", 7)
    assert [step.ops for step in executable.steps] == [("MUL",), ("REVERSE_V2", "ADD")]


def test_inputs_of_any_layout(executable: Executable) -> None:
    wide = np.random.default_rng(1).standard_normal((N, 3)).astype(np.float32)
    x = wide[:, 1]
    assert np.array_equal(executable(x)[0], native_image.expected(x))
    odd = np.empty(4 * N + 4, np.uint8)[4:].view(np.float32)
    odd[:] = x
    assert np.array_equal(executable(odd)[0], native_image.expected(x))
    frozen = x.copy()
    frozen.flags.writeable = False
    assert np.array_equal(executable(frozen)[0], native_image.expected(x))


def test_results_are_new_arrays_unless_given(executable: Executable) -> None:
    first, second = executable(_x(1))[0], executable(_x(2))[0]
    assert np.array_equal(first, native_image.expected(_x(1)))
    out = np.empty(N, np.float32)
    assert executable(_x(3), out=[out])[0] is out
    assert np.array_equal(out, native_image.expected(_x(3)))
    assert np.array_equal(second, native_image.expected(_x(2)))
    assert first.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((), "0 inputs given, 1 needed: x"),
        ((_x(), _x()), "2 inputs given"),
        (
            (_x().astype(np.float64),),
            r"'x' is float64 but must be float32; convert it with \.astype",
        ),
        (([0.0] * N,), "'x' is float64"),
        ((_x()[:-1],), r"'x' has shape \(999,\) but must have \(1000,\)"),
        ((_x()[None],), r"'x' has shape \(1, 1000\)"),
    ],
)
def test_wrong_inputs_are_named(
    executable: Executable, arrays: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(PortError, match=message):
        executable(*arrays)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ([], "0 outputs given, 1 made"),
        ([np.empty(N, np.int8)], "'y' is int8"),
        ([np.empty((N, 2), np.float32)[:, 0]], "contiguous, writable"),
        ([[0.0] * N], "'y' is float64"),
    ],
)
def test_wrong_outputs_are_named(executable: Executable, out: Any, message: str) -> None:
    with pytest.raises(PortError, match=message):
        executable(_x(), out=out)


def test_a_read_only_output_is_refused(executable: Executable) -> None:
    out = np.empty(N, np.float32)
    out.flags.writeable = False
    with pytest.raises(PortError, match="contiguous, writable"):
        executable(_x(), out=[out])


def test_bind_and_invoke(executable: Executable) -> None:
    with pytest.raises(ExecutionError, match=r"io 0 \('x'\) is not bound"):
        executable.invoke()
    x, y = aligned_empty((N,), np.dtype(np.float32)), aligned_empty((N,), np.dtype(np.float32))
    x[:] = _x()
    executable.bind(0, x.ctypes.data)
    with pytest.raises(ExecutionError, match=r"io 1 \('y'\) is not bound"):
        executable.invoke()
    executable.bind(1, y.ctypes.data)
    executable.invoke()
    assert np.array_equal(y, native_image.expected(x))
    with pytest.raises(PortError, match="io index 2; there are 2"):
        executable.bind(2, x.ctypes.data)


def test_bind_keeps_what_it_is_given_alive(executable: Executable) -> None:
    y = np.empty(N, np.float32)
    for index, array in enumerate((_x(), y)):
        executable.bind(index, array.ctypes.data, keep=array)
    gc.collect()
    executable.invoke()
    assert np.array_equal(y, native_image.expected(_x()))


def test_the_litert_entry_takes_pointers_from_the_interpreters_tensors(
    executable: Executable,
) -> None:
    x, y = _x(), np.empty(N, np.float32)
    tensors = np.zeros((9, 14), np.uint64)  # 112 bytes a tensor, data at 8
    tensors[5, 1], tensors[2, 1] = x.ctypes.data, y.ctypes.data
    context = np.zeros(25, np.uint64)
    context[2] = tensors.ctypes.data
    node = np.zeros(10, np.uint64)
    node[4] = executable.state_address
    with pytest.raises(PortError, match="1 tensors for 2 ports"):
        executable.bind_litert_tensors([5])
    executable.bind_litert_tensors([5, 2])
    entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
    status = entry(executable.image.address("litert_invoke"))(context.ctypes.data, node.ctypes.data)
    assert status == 0
    assert np.array_equal(y, native_image.expected(x))


def test_a_failing_invoke_is_an_error() -> None:
    with load_bytes(native_image.make(N, status=3)) as image, Executable(image) as executable:
        with pytest.raises(ExecutionError, match="native code returned 3"):
            executable(_x())
        with pytest.raises(
            ExecutionError, match="native code returned 3"
        ):  # and no lock is left held
            executable(_x())


def test_several_threads_may_call_one_executable(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    with Executable(image, pool) as executable, ThreadPoolExecutor(4) as callers:
        results = list(callers.map(lambda seed: executable(_x(seed))[0], range(100)))
        for seed, y in enumerate(results):
            assert np.array_equal(y, native_image.expected(_x(seed)))
    pool.close()


def test_executables_may_share_a_pool(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    with load_bytes(native_image.make(N, name="other")) as second:
        pair = [Executable(image, pool), Executable(second, pool)]
        with ThreadPoolExecutor(4) as callers:
            results = list(callers.map(lambda seed: pair[seed % 2](_x(seed))[0], range(100)))
        for seed, y in enumerate(results):
            assert np.array_equal(y, native_image.expected(_x(seed)))
        for executable in pair:
            executable.close()
    pool.close()


def test_python_runs_while_native_code_does() -> None:
    """The GIL is released: some invoke, within the native call, sees another thread get on."""
    n = 2_000_000
    with load_bytes(native_image.make(n)) as image, Executable(image) as executable:
        x, out = np.ones(n, np.float32), np.empty(n, np.float32)
        executable(x, out=[out])
        invoke, seen = executable._invoke, []
        steps, done = itertools.count(), threading.Event()

        def watched(state: int) -> int:
            before = next(steps)
            status = invoke(state)
            seen.append(next(steps) - before > 1)
            return status

        def count() -> None:
            while not done.is_set():
                next(steps)
                time.sleep(0.0005)

        executable._invoke = watched
        interval = sys.getswitchinterval()
        sys.setswitchinterval(10)  # with the GIL held, the counter could not get a word in
        counter = threading.Thread(target=count)
        counter.start()
        try:
            while not any(seen) and len(seen) < 1000:
                executable.invoke()
        finally:
            done.set()
            sys.setswitchinterval(interval)
            counter.join()
        assert any(seen)


def test_close_is_idempotent_and_final(image: LoadedImage) -> None:
    executable = Executable(image)
    executable(_x())
    executable.close()
    executable.close()
    assert executable.closed
    for use in (
        lambda: executable(_x()),
        executable.invoke,
        executable.profile,
        executable.numba_callable,
        lambda: executable.bind(0, 1),
        lambda: executable.kernel(0),
    ):
        with pytest.raises(ExecutionError, match="'scale_mirror' is closed"):
            use()


def test_the_image_stays_mapped_for_its_executables() -> None:
    image = load_bytes(native_image.make(N))
    first, second = Executable(image), Executable(image)
    image.close()
    first.close()
    assert np.array_equal(second(_x())[0], native_image.expected(_x()))
    second.close()
    assert image.closed


def test_a_given_pool_is_not_closed(image: LoadedImage) -> None:
    pool = ThreadPool(2)
    Executable(image, pool).close()
    assert pool.threads_running == 2
    with Executable(image, pool) as executable:
        assert np.array_equal(executable(_x())[0], native_image.expected(_x()))
    pool.close()


def test_forgotten_executables_leak_nothing() -> None:
    before = threading.active_count()
    for _ in range(10):
        Executable(load_bytes(native_image.make(N)), ThreadPool(2))(_x())
    gc.collect()
    assert threading.active_count() == before
