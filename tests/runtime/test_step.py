"""One kernel out of an image, called with arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.artifact import Arg
from litefuse.runtime.errors import ExecutionError, LoadError, PortError
from litefuse.runtime.executor import Executable
from litefuse.runtime.loader import load_bytes
from tests.runtime import native_image

N = 100
X = np.linspace(-1, 1, N, dtype=np.float32)


@pytest.fixture
def executable() -> Iterator[Executable]:
    with load_bytes(native_image.make(N)) as image, Executable(image) as executable:
        yield executable


@pytest.mark.parametrize("which", ["k_scale", "f32_scale", 0])
def test_by_symbol_by_kernel_name_and_by_index(executable: Executable, which: str | int) -> None:
    kernel = executable.kernel(which)
    assert kernel.step.nodes == (0,)
    [t] = kernel(X)
    assert np.array_equal(t, X * native_image.weights(N))


def test_all_arguments_in_the_manifests_order(executable: Executable) -> None:
    other = np.full(N, 3, np.float32)
    [t] = executable.kernel("k_scale")(X, other, np.zeros(N, np.float32))
    assert np.array_equal(t, X * 3)
    [t] = executable.kernel("k_scale")(X, None, None)
    assert np.array_equal(t, X * native_image.weights(N))
    [y] = executable.kernel("k_mirror")(X[::-1])
    assert np.array_equal(y, X + X[::-1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((), r"0 arrays given; it takes 3 \(in float32\[100\], weight float32\[100\], out float32"),
        ((X, X), "2 arrays given"),
        ((None, None, None), "an input .* is None"),
        ((X.astype(np.int8),), "in array is int8, must be float32"),
        ((X[1:],), r"has shape \(99,\), must have \(100,\)"),
    ],
)
def test_wrong_arrays_are_named(executable: Executable, arrays: Any, message: str) -> None:
    with pytest.raises(PortError, match=f"kernel k_scale: .*{message}"):
        executable.kernel(0)(*arrays)


def test_unknown_and_ambiguous_names_list_the_choices() -> None:
    steps = native_image.manifest(N, native_image._image(N, 0)[1])["steps"]
    steps[1]["kernel"] = steps[0]["kernel"]
    with load_bytes(native_image.make(N, steps=steps)) as image, Executable(image) as executable:
        with pytest.raises(ExecutionError, match="no kernel 'conv'; it has k_scale, k_mirror"):
            executable.kernel("conv")
        with pytest.raises(
            ExecutionError, match=r"2 steps use .*choose one by symbol: k_scale, k_mir"
        ):
            executable.kernel("f32_scale")
        for index in (2, -1):
            with pytest.raises(ExecutionError, match=f"has 2 steps, no step {index}"):
                executable.kernel(index)


def test_a_kernel_of_a_closed_image_is_refused() -> None:
    image = load_bytes(native_image.make(N))
    executable = Executable(image)
    kernel = executable.kernel(0)
    executable.close()
    image.close()
    with pytest.raises(LoadError, match="closed"):
        kernel(X)


def test_a_border_is_zero_around_a_logical_array(executable: Executable) -> None:
    arg = Arg("arena", 0, "float32", (1, 2, 3, 2), (1, 0, 2, 1), "in")
    kernel = executable.kernel(0)
    inner = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    _, view = kernel._buffer(arg, inner)
    assert view.shape == (1, 3, 6, 2)
    assert np.array_equal(view[:, 1:, 2:5], inner)
    assert view.sum() == inner.sum()
    whole = np.arange(36, dtype=np.float32).reshape(1, 3, 6, 2)
    assert np.array_equal(kernel._buffer(arg, whole)[1], whole)
    with pytest.raises(PortError, match=r"must have \(1, 3, 6, 2\) or, with a zero border, \(1, 2"):
        kernel._buffer(arg, whole[:, 1:])
