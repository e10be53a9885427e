from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, shapes, values

TYPES = ["float32", "int8", "bool", "int64"]


@given(shapes(1, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("how", ["constant", "fed", "option"])
def test_reshape(
    how: str, dtype: str, shape: tuple[int, ...], data: st.DataObject, stretch: bool, seed: int
) -> None:
    new = list(data.draw(st.permutations(shape)))
    if stretch:
        new[data.draw(st.integers(0, len(new) - 1))] = -1
    x = Arg(values(rng(seed), shape, dtype))
    wanted = Arg(np.array(new, np.int32), constant=how == "constant")
    got = check(
        "RESHAPE",
        [x, None if how == "option" else wanted],
        [Arg(shape=(1,), dtype=dtype)],
        new_shape=new,
    )
    assert got is not None


@pytest.mark.parametrize("new", [[5], [-1, -1], [7, -1], [2, 2]])
def test_reshape_that_does_not_fit_is_refused(new: list[int]) -> None:
    x = Arg(np.zeros((2, 3), np.float32))
    shape = Arg(np.array(new, np.int32), constant=True)
    assert check("RESHAPE", [x, shape], [Arg(shape=(1,))], new_shape=new) is None


@given(st.lists(st.sampled_from((1, 1, 2, 3)), min_size=1, max_size=5), st.data(), seeds)
def test_squeeze(shape: list[int], data: st.DataObject, seed: int) -> None:
    ones = [i for i, d in enumerate(shape) if d == 1]
    drop = data.draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    drop = [d - len(shape) if data.draw(st.booleans()) else d for d in drop]
    x = Arg(values(rng(seed), shape, "float32"))
    assert check("SQUEEZE", [x], [Arg(shape=(1,))], squeeze_dims=drop) is not None


def test_squeeze_of_a_longer_axis_is_refused() -> None:
    x = Arg(np.zeros((2, 1), np.float32))
    assert check("SQUEEZE", [x], [Arg(shape=(1,))], squeeze_dims=[0]) is None


@given(shapes(1, 4), st.data(), st.booleans(), seeds)
@pytest.mark.parametrize("dtype", TYPES)
def test_expand_dims(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, constant: bool, seed: int
) -> None:
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    x = Arg(values(rng(seed), shape, dtype))
    at = Arg(np.array([axis], np.int32), constant=constant)
    assert check("EXPAND_DIMS", [x, at], [Arg(shape=(1,), dtype=dtype)]) is not None


@given(shapes(1, 5), st.sampled_from(("INT32", "INT64")))
def test_shape(shape: tuple[int, ...], kind: str) -> None:
    x = Arg(np.zeros(shape, np.float32))
    assert check("SHAPE", [x], [Arg(shape=(1,), dtype=kind.lower())], out_type=kind) is not None


@given(shapes(1, 5))
def test_rank(shape: tuple[int, ...]) -> None:
    x = Arg(np.zeros(shape, np.float32))
    assert check("RANK", [x], [Arg(shape=(), dtype="int32")]) is not None
