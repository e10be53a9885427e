"""MediaPipe's three ops against LiteRT's XNNPACK delegate, which alone runs them there."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import rng, seeds

SAME, VALID = 1, 2


def run(interpreter: Any, feeds: list[np.ndarray]) -> list[np.ndarray]:
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def both(content: bytes, feeds: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    kind = ours.OpResolverType.BUILTIN_REF
    mine = ours.Interpreter(model_content=content, experimental_op_resolver_type=kind)
    return run(mine, feeds), run(litert.Interpreter(model_content=content), feeds)


def pool_options(padding: int, height: int, width: int) -> bytes:
    return struct.pack("<6i", padding, width, height, width, height, 0)


def pool_out(padding: int, size: int, kernel: int) -> int:
    return -(-size // kernel) if padding == SAME else size // kernel


def round_trip(
    shape: tuple[int, ...], padding: int, height: int, width: int, places_out: bool
) -> bytes:
    """Pool and unpool; the places are an output too, or stay inside."""
    n, rows, columns, c = shape
    small = (n, pool_out(padding, rows, height), pool_out(padding, columns, width), c)
    b = ModelBuilder()
    x, y, places = b.add_tensor("x", shape), b.add_tensor("y", small), b.add_tensor("p", small)
    z = b.add_tensor("z", (n, small[1] * height, small[2] * width, c))
    options = pool_options(padding, height, width)
    b.add_op("MaxPoolingWithArgmax2D", [x], [y, places], custom_options=options)
    whole = pool_options(VALID, height, width)  # all that XNNPACK takes here
    b.add_op("MaxUnpooling2D", [y, places], [z], custom_options=whole)
    return b.finish_bytes([x], [y, z, places] if places_out else [y, z])


@given(
    st.tuples(st.integers(1, 2), st.integers(3, 9), st.integers(3, 9), st.integers(1, 5)),
    st.sampled_from([SAME, VALID]),
    st.sampled_from([(2, 2), (3, 3), (1, 2), (3, 2)]),
    st.booleans(),
    st.booleans(),
    seeds,
)
def test_pool_and_unpool(
    shape: tuple[int, ...],
    padding: int,
    window: tuple[int, int],
    ties: bool,
    places: bool,
    seed: int,
) -> None:
    r = rng(seed)
    x = r.integers(-2, 3, shape) if ties else r.standard_normal(shape)
    content = round_trip(shape, padding, *window, places)
    mine, theirs = both(content, [x.astype(np.float32)])
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


@given(
    st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)),
    st.integers(1, 3),
    st.sampled_from([SAME, VALID]),
    st.sampled_from([(2, 2), (3, 3), (4, 4), (3, 2)]),
    st.sampled_from([(1, 1), (2, 2), (2, 1)]),
    seeds,
)
def test_transposed_convolution(
    shape: tuple[int, ...],
    filters: int,
    padding: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    seed: int,
) -> None:
    r = rng(seed)
    n, rows, columns, depth = shape

    def grow(size: int, step: int, taps: int) -> int:
        return size * step if padding == SAME else (size - 1) * step + taps

    out = (n, grow(rows, stride[0], kernel[0]), grow(columns, stride[1], kernel[1]), filters)
    b = ModelBuilder()
    x = b.add_tensor("x", shape)
    weights = r.standard_normal((filters, *kernel, depth)).astype(np.float32)
    w = b.add_tensor("w", data=weights)
    bias = b.add_tensor("b", data=r.standard_normal(filters).astype(np.float32))
    y = b.add_tensor("y", out)
    options = struct.pack("<3i", padding, stride[1], stride[0])
    b.add_op("Convolution2DTransposeBias", [x, w, bias], [y], custom_options=options)
    mine, theirs = both(b.finish_bytes([x], [y]), [r.standard_normal(shape).astype(np.float32)])
    assert mine[0].shape == theirs[0].shape == out
    np.testing.assert_allclose(mine[0], theirs[0], atol=1e-5 * np.abs(theirs[0]).max(initial=1))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (b"\1\0\0", r"MaxPoolingWithArgmax2D: its options have 3 bytes"),
        (struct.pack("<6i", 0, 2, 2, 2, 2, 0), "padding 0 must be 1"),
        (struct.pack("<6i", 1, 1, 2, 2, 2, 0), "stride 2x1 must be the window's size, 2x2"),
        (struct.pack("<6i", 1, 1, 1, 1, 1, 0), "a window of 1x1 pixels has nothing to choose"),
        (struct.pack("<6i", 1, 2, 2, 2, 2, 1), "fused activation 1"),
        (struct.pack("<6i", 2, 9, 9, 9, 9, 0), "a window of 9x9 does not fit 4x4 pixels"),
    ],
)
def test_refusals_say_what_is_wrong(options: bytes, text: str) -> None:
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 4, 4, 1))
    outs = [b.add_tensor(n, (1, 2, 2, 1)) for n in "yp"]
    b.add_op("MaxPoolingWithArgmax2D", [x], outs, custom_options=options)
    interpreter = ours.Interpreter(model_content=b.finish_bytes([x], outs))
    with pytest.raises(RuntimeError, match=text):
        interpreter.allocate_tensors()
