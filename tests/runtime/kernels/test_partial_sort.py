from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.partial_sort import best_first


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_the_best_come_in_their_order(scores: list[int], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(scores)))
    found = best_first(scores, k)
    assert len(set(found)) == k
    assert [scores[i] for i in found] == sorted(scores, reverse=True)[:k]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40, unique=True))
def test_without_equals_it_is_a_sort(scores: list[float]) -> None:
    by_score = sorted(range(len(scores)), key=lambda i: -scores[i])
    assert best_first(scores, len(scores)) == by_score


@pytest.mark.parametrize(
    ("scores", "k", "order"),
    [
        ([5, 5, 5], 1, [0]),
        ([4, 2, 2, 8, 4], 2, [3, 0]),
        ([1, 1, 1], 3, [0, 1, 2]),
        ([1, 1, 1, 1, 1], 4, [1, 3, 0, 2]),
        ([2, 1, 2, 1, 2, 1, 2], 5, [0, 4, 6, 2, 1]),
    ],
)
def test_equals(scores: list[int], k: int, order: list[int]) -> None:
    """What a C++ program of GNU's library prints for these."""
    assert best_first(scores, k) == order
