from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.kernels.one_op import Arg, check


@given(
    st.text(alphabet="ab \t\n", max_size=14),
    st.integers(1, 4),
    st.integers(0, 3),
    st.booleans(),
)
def test_skip_gram(text: str, size: int, skip: int, every: bool) -> None:
    sentence = np.array([text.encode()], object)
    check(
        "SKIP_GRAM",
        [Arg(sentence, dtype="string")],
        [Arg(shape=(1,), dtype="string")],
        ngram_size=size,
        max_skip_size=skip,
        include_all_ngrams=every,
    )
