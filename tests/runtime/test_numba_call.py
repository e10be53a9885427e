"""An executable called from inside Numba's compiled code."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest

from litefuse.runtime.executor import Executable
from litefuse.runtime.loader import load_bytes
from tests.runtime import native_image

numba = pytest.importorskip("numba")
N = 500


@pytest.fixture
def executable() -> Iterator[Executable]:
    with load_bytes(native_image.make(N)) as image, Executable(image) as executable:
        yield executable


def test_inside_a_loop_of_njit(executable: Executable) -> None:
    call = executable.numba_callable()

    @numba.njit(nogil=True)
    def sums(batch: np.ndarray) -> np.ndarray:
        out = np.empty(batch.shape[1], np.float32)
        found = np.zeros(batch.shape[0], np.float64)
        for i in range(batch.shape[0]):
            if call(batch[i], out) == 0:
                found[i] = out.sum()
        return found

    batch = np.random.default_rng(0).standard_normal((5, N)).astype(np.float32)
    want = [native_image.expected(x).sum() for x in batch]
    assert np.allclose(sums(batch), want, rtol=1e-4)


def test_wrong_types_do_not_compile_and_wrong_shapes_raise(executable: Executable) -> None:
    call = executable.numba_callable()
    x, y = np.zeros(N, np.float32), np.empty(N, np.float32)
    assert call(x, y) == 0
    for bad in (x.astype(np.float64), x[None], np.zeros(2 * N, np.float32)[::2]):
        with pytest.raises(TypeError, match="No matching definition"):
            call(bad, y)
    with pytest.raises(ValueError, match="port's shape"):
        call(np.zeros(N + 1, np.float32), y)
    x.flags.writeable = False
    assert call(x, y) == 0
    with pytest.raises(TypeError, match="No matching definition"):
        call(y, x)


def test_the_function_keeps_the_executable() -> None:
    image = load_bytes(native_image.make(N))
    call = Executable(image).numba_callable()
    image.close()
    gc.collect()
    y = np.empty(N, np.float32)
    assert call(np.ones(N, np.float32), y) == 0
    assert np.array_equal(y, native_image.expected(np.ones(N, np.float32)))
