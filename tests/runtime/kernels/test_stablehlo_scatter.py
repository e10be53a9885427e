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
@pytest.mark.parametrize("dtype", ["float32", "int8", "int64"])
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


@given(
    st.lists(st.tuples(*[st.integers(1, 2)] * 4, *[st.integers(0, 2)] * 3), min_size=1, max_size=4),
    st.sampled_from(REGIONS),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_reduce_window(dtype: str, axes: list[tuple[int, ...]], region: str, seed: int) -> None:
    r = rng(seed)
    window, strides, steps, base = ([axis[i] for axis in axes] for i in range(4))
    shape = [(axis[0] - 1) * axis[2] + 1 + axis[6] for axis in axes]
    _check(
        "STABLEHLO_REDUCE_WINDOW",
        region,
        [r.integers(-3, 4, shape).astype(dtype), np.array(1, dtype)],
        window_dimensions=window,
        window_strides=strides,
        window_dilations=steps,
        base_dilations=base,
        padding=[p for axis in axes for p in axis[4:6]],
        body_subgraph_index=1,
    )
