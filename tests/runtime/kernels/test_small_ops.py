"""Ops of one small file each: ADD_N, BITCAST, BROADCAST_ARGS, BUCKETIZE, LRN, UNIQUE, SKIP_GRAM."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, check, float32, rng, run, seeds, values

any_shape = st.lists(st.integers(0, 4), min_size=0, max_size=6).map(tuple)
some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


@given(some_shape, st.integers(1, 4), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int32", "int8", "int64"])
def test_add_n(dtype: str, shape: tuple[int, ...], count: int, seed: int) -> None:
    r = rng(seed)
    inputs = [Arg(values(r, shape, dtype)) for _ in range(count)]
    got = check("ADD_N", inputs, [Arg(shape=shape, dtype=dtype)])
    assert (got is None) == (count < 2 or dtype in ("int8", "int64"))


def test_add_n_of_two_shapes_is_refused() -> None:
    pair = [Arg(np.zeros((2, 3), np.float32)), Arg(np.zeros((3, 2), np.float32))]
    assert check("ADD_N", pair, [Arg(shape=(2, 3))]) is None


WIDTHS = ["int8", "uint8", "int16", "int32", "float32", "int64", "uint32", "float64", "complex64"]


@given(some_shape, st.sampled_from(WIDTHS), st.sampled_from(WIDTHS), st.booleans(), seeds)
def test_bitcast(shape: tuple[int, ...], source: str, target: str, fits: bool, seed: int) -> None:
    ratio = np.dtype(target).itemsize // np.dtype(source).itemsize
    if ratio > 1 and fits:
        shape = (*shape, ratio)
    x = np.frombuffer(
        rng(seed).bytes(int(np.prod(shape)) * np.dtype(source).itemsize), source
    ).reshape(shape)
    got = check("BITCAST", [Arg(x.view("u1").view(source))], [Arg(shape=(1,), dtype=target)])
    assert got is not None or (ratio > 1 and not fits)


@given(st.data(), seeds)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_broadcast_args(dtype: str, data: st.DataObject, seed: int) -> None:
    r = rng(seed)
    whole = r.integers(1, 5, data.draw(st.integers(1, 6)))
    pair = []
    for _ in range(2):
        part = whole[data.draw(st.integers(0, len(whole) - 1)) :].copy()
        part[r.integers(0, 2, len(part)) == 1] = 1
        pair.append(Arg(part.astype(dtype)))
    check("BROADCAST_ARGS", pair, [Arg(shape=(1,), dtype=dtype)])


def test_broadcast_args_that_do_not_fit() -> None:
    # LiteRT aborts the process here, so that only our refusal can be tested.
    pair = [Arg(np.array([2, 3], np.int32)), Arg(np.array([4], np.int32))]
    content = build("BROADCAST_ARGS", pair, [Arg(shape=(1,), dtype="int32")])
    with pytest.raises(RuntimeError, match="do not broadcast"):
        run(Interpreter(model_content=content), [pair[0].data, pair[1].data])


@given(some_shape, st.lists(st.floats(-5, 5), max_size=6), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int8"])
def test_bucketize(
    dtype: str, shape: tuple[int, ...], edges: list[float], ordered: bool, seed: int
) -> None:
    edges = [float32(e) for e in (sorted(edges) if ordered else edges)]
    r = rng(seed)
    x = r.integers(-6, 7, shape).astype(dtype)
    if edges:
        x[r.integers(0, 2, shape) == 1] = np.asarray(edges[0]).astype(dtype)
    check("BUCKETIZE", [Arg(x)], [Arg(shape=shape, dtype="int32")], boundaries=edges)


@given(
    st.tuples(*[st.integers(1, 4)] * 3, st.integers(1, 8)),
    st.integers(0, 9),
    st.floats(0.1, 3),
    st.floats(0, 2),
    st.floats(-1, 2),
    seeds,
)
def test_local_response_normalization(
    shape: tuple[int, ...], radius: int, bias: float, alpha: float, beta: float, seed: int
) -> None:
    x = values(rng(seed), shape, "float32")
    check(
        "LOCAL_RESPONSE_NORMALIZATION",
        [Arg(x)],
        [Arg(shape=shape)],
        radius=radius,
        bias=float32(bias),
        alpha=float32(alpha),
        beta=float32(beta),
    )


@given(st.integers(1, 30), st.sampled_from(["int32", "int64"]), seeds)
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32", "int64", "bool"])
def test_unique(dtype: str, count: int, indices: str, seed: int) -> None:
    x = rng(seed).integers(0, 6, count).astype(dtype)
    check(
        "UNIQUE",
        [Arg(x)],
        [Arg(shape=(1,), dtype=dtype), Arg(shape=(1,), dtype=indices)],
        idx_out_type=indices.upper(),
    )


@given(
    st.text(alphabet="ab \t\n", max_size=14),
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
)
def test_skip_gram(text: str, size: int, skip: int, every: bool) -> None:
    sentence = np.array([text.encode()], object)
    check(
        "SKIP_GRAM",
        [Arg(sentence, dtype="string")],
        [Arg(shape=(1,), dtype="string")],
        ngram_size=size,
        max_skip_size=skip,
        include_all_ngrams=every,
    )
