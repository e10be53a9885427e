from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, check, rng, run, seeds


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
