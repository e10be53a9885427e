from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check, rng, seeds, values


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple),
    st.data(),
    st.sampled_from(["int32", "int64"]),
    seeds,
)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "int32", "int64", "int8"])
def test_reverse_sequence(
    dtype: str, shape: tuple[int, ...], data: st.DataObject, kind: str, seed: int
) -> None:
    r = rng(seed)
    sequence, batch = data.draw(st.permutations(range(len(shape))))[:2]
    lengths = r.integers(1, shape[sequence] + 1, shape[batch]).astype(kind)
    check(
        "REVERSE_SEQUENCE",
        [Arg(values(r, shape, dtype)), Arg(lengths)],
        [Arg(shape=shape, dtype=dtype)],
        seq_dim=sequence,
        batch_dim=batch,
    )
