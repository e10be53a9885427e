from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import assert_close, litert, rng, run, seeds

BRANCHES = [f"STABLEHLO_{name}" for name in ("ADD", "MULTIPLY", "MAXIMUM")]


@given(
    st.integers(-2, 5),
    st.integers(1, 3),
    st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    seeds,
)
def test_case(index: int, count: int, shape: tuple[int, ...], seed: int) -> None:
    b = ModelBuilder()
    which = b.add_tensor("which", (), "int32")
    pair = [b.add_tensor(name, shape, "float32") for name in ("x", "y")]
    out = b.add_tensor("out", shape, "float32")
    branches = list(range(1, count + 1))
    b.add_op("STABLEHLO_CASE", [which, *pair], [out], branch_subgraph_indices=branches)
    b.set_io([which, *pair], [out])
    for op in BRANCHES[:count]:
        b.add_subgraph(op)
        operands = [b.add_tensor(name, shape, "float32") for name in ("a", "b")]
        result = b.add_tensor("c", shape, "float32")
        b.add_op(op, operands, [result])
        b.set_io(operands, [result])
    b.select_subgraph(0)
    content = b.finish_bytes([which, *pair], [out])
    r = rng(seed)
    feeds = [np.array(index, np.int32)]
    feeds += [r.standard_normal(shape).astype(np.float32) for _ in range(2)]
    (want,) = run(litert(content), feeds)
    (got,) = run(Interpreter(model_content=content), feeds)
    assert_close("STABLEHLO_CASE", got, want)
