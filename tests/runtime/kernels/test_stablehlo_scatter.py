"""STABLEHLO_SCATTER and STABLEHLO_REDUCE_WINDOW, whose meaning is a region of one op."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import assert_close, litert, rng, run, seeds

REGIONS = [f"STABLEHLO_{name}" for name in ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")]


def _check(op: str, region: str | None, arrays: list[np.ndarray], **options: Any) -> None:
    b = ModelBuilder()
    dtype = str(arrays[0].dtype)
    inputs = [b.add_tensor(f"in{i}", a.shape, str(a.dtype)) for i, a in enumerate(arrays)]
    out = b.add_tensor("out", (1,) * arrays[0].ndim, dtype)
    b.add_op(op, inputs, [out], **options)
    b.set_io(inputs, [out])
    b.add_subgraph("region")
    pair = [b.add_tensor(name, (), dtype) for name in ("a", "b")]
    result = pair[1]
    if region is not None:
        result = b.add_tensor("c", (), dtype)
        b.add_op(region, pair, [result])
    b.set_io(pair, [result])
    b.select_subgraph(0)
    content = b.finish_bytes(inputs, [out])
    (want,) = run(litert(content), arrays)
    (got,) = run(Interpreter(model_content=content), arrays)
    assert_close(op, got, want)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    st.integers(1, 4),
    st.sampled_from([None, *REGIONS]),
    st.data(),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "int64", "bool"])
def test_scatter(
    dtype: str,
    shape: tuple[int, ...],
    count: int,
    region: str | None,
    data: st.DataObject,
    seed: int,
) -> None:
    r = rng(seed)
    axes = list(range(len(shape)))
    mapped = data.draw(st.permutations(axes))[: data.draw(st.integers(1, len(shape)))]
    inserted = sorted(mapped)
    window = [shape[a] for a in axes if a not in mapped]
    indices = r.integers(0, 4, (count, len(mapped))).astype(np.int32)
    _check(
        "STABLEHLO_SCATTER",
        region,
        [
            r.integers(-3, 4, shape).astype(dtype),
            indices,
            r.integers(-3, 4, (count, *window)).astype(dtype),
        ],
        update_window_dims=list(range(1, 1 + len(window))),
        inserted_window_dims=inserted,
        scatter_dims_to_operand_dims=mapped,
        index_vector_dim=1,
        update_computation_subgraph_index=1,
    )


def _scatter(indices: np.ndarray, vector: int) -> list[float]:
    b = ModelBuilder()
    x = b.add_tensor("x", (6,))
    i = b.add_tensor("i", indices.shape, "int32")
    u = b.add_tensor("u", indices.shape[:1])
    y = b.add_tensor("y", (6,))
    b.add_op(
        "STABLEHLO_SCATTER",
        [x, i, u],
        [y],
        update_window_dims=[],
        inserted_window_dims=[0],
        scatter_dims_to_operand_dims=[0],
        index_vector_dim=vector,
        update_computation_subgraph_index=1,
    )
    b.set_io([x, i, u], [y])
    b.add_subgraph("region")
    pair = [b.add_tensor(name, ()) for name in "ab"]
    b.set_io(pair, pair[1:])
    interpreter = Interpreter(model_content=b.finish_bytes())
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.zeros(6, np.float32))
    interpreter.set_tensor(1, indices)
    interpreter.set_tensor(2, np.array(5, np.float32) if not indices.ndim else np.float32([5, 7]))
    interpreter.invoke()
    return list(interpreter.get_tensor(3).tolist())


def test_indices_that_are_numbers() -> None:
    """Not against LiteRT, which reads past the indices' shape: it answers, or crashes, by chance."""
    plain = np.array([4, 1], np.int32)
    assert _scatter(plain, 1) == _scatter(plain[:, None], 1) == [0, 7, 0, 0, 5, 0]
    assert _scatter(np.array(3, np.int32), 0) == [0, 0, 0, 5, 0, 0]
