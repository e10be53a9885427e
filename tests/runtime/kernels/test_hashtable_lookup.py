from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values

TYPES = ("float32", "int8", "uint8", "int16", "int32", "int64")


@given(
    st.sampled_from(TYPES),
    st.lists(st.integers(-20, 20), min_size=0, max_size=8, unique=True).map(sorted),
    st.lists(st.integers(-22, 22), min_size=1, max_size=8),
    st.lists(st.integers(1, 3), max_size=3),
    seeds,
)
def test_rows(dtype: str, keys: list[int], lookups: list[int], row: list[int], seed: int) -> None:
    table = values(rng(seed), (len(keys), *row), dtype)
    check(
        "HASHTABLE_LOOKUP",
        [Arg(np.array(lookups, np.int32)), Arg(np.array(keys, np.int32)), Arg(table)],
        [Arg(shape=(len(lookups), *row), dtype=dtype), Arg(shape=(len(lookups),), dtype="uint8")],
    )


def test_strings() -> None:
    got = check(
        "HASHTABLE_LOOKUP",
        [
            Arg(np.array([7, 5, 6], np.int32)),
            Arg(np.array([5, 7], np.int32)),
            Arg(np.array([b"five", b"seven"], object), dtype="string"),
        ],
        [Arg(shape=(3,), dtype="string"), Arg(shape=(3,), dtype="uint8")],
    )
    assert got is not None
    assert got[0].tolist() == [b"seven", b"five", b""]


@pytest.mark.parametrize("rank", [0, 2])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_ranks_and_types_that_both_refuse(rank: int, which: int) -> None:
    args = [np.array([1], np.int32), np.array([1], np.int32), np.array([1], np.float32)]
    if which == 2 and rank == 2:
        args[1] = np.array([1, 2], np.int32)  # another number of keys
    else:
        args[which] = args[which].reshape((1,) * rank)
    outs = [Arg(shape=(1,), dtype="float32"), Arg(shape=(1,), dtype="uint8")]
    assert check("HASHTABLE_LOOKUP", [Arg(a) for a in args], outs) is None


def test_a_flag_of_another_type() -> None:
    args = [np.array([1], np.int32), np.array([1], np.int32), np.array([1], np.float32)]
    outs = [Arg(shape=(1,), dtype="float32"), Arg(shape=(1,), dtype="int8")]
    assert check("HASHTABLE_LOOKUP", [Arg(a) for a in args], outs) is None
