from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple),
    st.sampled_from(["int32", "int64"]),
    st.data(),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "int8", "int32", "int64", "uint8"])
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
