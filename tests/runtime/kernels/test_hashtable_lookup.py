from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.kernels.one_op import Arg, check

TYPES = ("float32", "int8", "uint8", "int16", "int32", "int64")


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
