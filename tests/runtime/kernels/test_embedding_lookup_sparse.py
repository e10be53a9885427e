from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
    st.integers(1, 6),
    st.sampled_from(["SUM", "MEAN", "SQRTN"]),
    seeds,
)
def test_embedding_lookup_sparse(
    lookup: tuple[int, ...], rest: tuple[int, ...], count: int, combiner: str, seed: int
) -> None:
    r = rng(seed)
    dense = (*lookup, 4)
    indices = np.stack([r.integers(0, d, count) for d in dense], -1)
    indices = indices[np.lexsort(indices.T[::-1])].astype(np.int32)
    check(
        "EMBEDDING_LOOKUP_SPARSE",
        [
            Arg(r.integers(0, 5, count).astype(np.int32)),
            Arg(indices),
            Arg(np.array(dense, np.int32)),
            Arg(r.uniform(0.5, 2, count).astype(np.float32)),
            Arg(values(r, (5, *rest), "float32")),
        ],
        [Arg(shape=(1,), dtype="float32")],
        combiner=combiner,
    )
