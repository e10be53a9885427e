from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model.build import ModelBuilder
from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple),
    st.sampled_from(["int32", "int64"]),
    st.data(),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32", "int64", "uint8", "bool"])
def test_gather(
    dtype: str,
    shape: tuple[int, ...],
    batch: tuple[int, ...],
    kind: str,
    data: st.DataObject,
    seed: int,
) -> None:
    r = rng(seed)
    axes = list(range(len(shape)))
    mapped = data.draw(st.permutations(axes))[: data.draw(st.integers(1, len(shape)))]
    collapsed = sorted(a for a in mapped if data.draw(st.booleans()))
    sizes = [1 if a in collapsed else data.draw(st.integers(1, shape[a])) for a in axes]
    rank = len(batch) + len(shape) - len(collapsed)
    places = data.draw(st.permutations(range(rank)))
    offsets = sorted(places[: len(shape) - len(collapsed)])
    vector = data.draw(st.integers(0, len(batch)))
    starts = r.integers(-1, 5, (*batch[:vector], len(mapped), *batch[vector:])).astype(kind)
    check(
        "STABLEHLO_GATHER",
        [Arg(values(r, shape, dtype)), Arg(starts)],
        [Arg(shape=(1,) * rank, dtype=dtype)],
        offset_dims=offsets,
        collapsed_slice_dims=collapsed,
        start_index_map=mapped,
        index_vector_dim=vector,
        slice_sizes=sizes,
    )


def _gather(indices: np.ndarray, vector: int) -> np.ndarray:
    b = ModelBuilder()
    x = b.add_tensor("x", (4, 3))
    i = b.add_tensor("i", indices.shape, "int32")
    batch = [d for k, d in enumerate(indices.shape) if k != vector]
    y = b.add_tensor("y", (*batch, 3))
    b.add_op(
        "STABLEHLO_GATHER",
        [x, i],
        [y],
        offset_dims=[len(batch)],
        collapsed_slice_dims=[0],
        start_index_map=[0],
        index_vector_dim=vector,
        slice_sizes=[1, 3],
    )
    interpreter = Interpreter(model_content=b.finish_bytes([x, i], [y]))
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.arange(12, dtype=np.float32).reshape(4, 3))
    interpreter.set_tensor(1, indices)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(2))


def test_indices_that_are_numbers() -> None:
    """Not against LiteRT, which reads past the indices' shape: it answers, or crashes, by chance."""
    plain = np.array([[1, 3], [0, 2]], np.int32)
    np.testing.assert_array_equal(_gather(plain, 2), _gather(plain[..., None], 2))
    assert _gather(np.array(2, np.int32), 0).tolist() == [6, 7, 8]
