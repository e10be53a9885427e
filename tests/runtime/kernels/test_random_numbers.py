from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, check, rng, run, seeds

some_shape = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
keys = st.integers(1, 2**63 - 1)


@given(some_shape, keys, keys, st.booleans(), st.integers(1, 3))
@pytest.mark.parametrize("op", ["RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL"])
def test_random(
    op: str, shape: tuple[int, ...], seed: int, seed2: int, constant: bool, times: int
) -> None:
    # Of an odd number of normal ones LiteRT writes one past the end of its tensor.
    shape = (*shape, 2)
    check(
        op,
        [Arg(np.array(shape, np.int32), constant=constant)],
        [Arg(shape=(1,) * len(shape))],
        times=times,
        seed=seed,
        seed2=seed2,
    )


@given(st.integers(1, 3), st.integers(1, 6), st.integers(0, 9), keys, st.integers(1, 3), seeds)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_multinomial(
    dtype: str, batch: int, classes: int, count: int, key: int, times: int, seed: int
) -> None:
    logits = rng(seed).standard_normal((batch, classes)).astype(np.float32)
    check(
        "MULTINOMIAL",
        [Arg(logits), Arg(np.array(count, np.int32))],
        [Arg(shape=(1, 1), dtype=dtype)],
        times=times,
        seed=key,
        seed2=0,
    )


def test_without_a_seed_the_distribution_holds() -> None:
    shape = Arg(np.array([100, 100], np.int32), constant=True)
    uniform = build("RANDOM_UNIFORM", [shape], [Arg(shape=(1, 1))])
    normal = build("RANDOM_STANDARD_NORMAL", [shape], [Arg(shape=(1, 1))])
    first, second = (run(Interpreter(model_content=uniform), [])[0] for _ in range(2))
    assert (first != second).any()
    assert abs(first.mean() - 0.5) < 0.02
    assert first.min() >= 0
    assert first.max() < 1
    (bell,) = run(Interpreter(model_content=normal), [])
    assert abs(bell.mean()) < 0.06
    assert abs(bell.std() - 1) < 0.05
