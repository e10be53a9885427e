from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.placement import Span, place

ALIGN = 64


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Some stretches of memory over up to 20 steps."""
    found = []
    for _ in range(draw(st.integers(0, 30))):
        first = draw(st.integers(0, 19))
        last = draw(st.integers(first, 19))
        size = draw(st.one_of(st.integers(0, 300), st.integers(0, 1 << 40)))
        found.append(Span(first, last, size))
    return found


def rounded(span: Span) -> int:
    return -(-span.size // ALIGN) * ALIGN


def busiest(found: list[Span]) -> int:
    """The most bytes that are needed at any one step: no placement does with less."""
    return max(
        (sum(rounded(s) for s in found if s.first <= t <= s.last) for t in range(20)), default=0
    )


@given(spans())
def test_what_lives_at_once_does_not_overlap(found: list[Span]) -> None:
    placement = place(found, ALIGN)
    assert all(offset % ALIGN == 0 for offset in placement.offsets)
    lying = list(zip(found, placement.offsets, strict=True))
    for i, (a, at_a) in enumerate(lying):
        assert 0 <= at_a <= placement.total - rounded(a)
        for b, at_b in lying[:i]:
            if a.first <= b.last and b.first <= a.last and a.size and b.size:
                assert at_a + a.size <= at_b or at_b + b.size <= at_a


@given(spans())
def test_the_total_lies_between_the_busiest_step_and_the_sum(found: list[Span]) -> None:
    total = place(found, ALIGN).total
    assert busiest(found) <= total <= sum(map(rounded, found))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=9, unique=True), st.integers(0, 9))
def test_a_chain_that_grows_and_then_shrinks_needs_its_largest_pair(
    sizes: list[int], split: int
) -> None:
    """Each tensor lives while it is made and while the next one is: two at a time.

    In other chains a tensor between two that are placed before it may find the gap between them
    too small.
    """
    hill = sorted(sizes[:split]) + sorted(sizes[split:], reverse=True)
    found = [Span(i, i + 1, size * ALIGN) for i, size in enumerate(hill)]
    assert place(found, ALIGN).total == busiest(found)


@given(spans())
def test_the_order_given_does_not_change_the_total(found: list[Span]) -> None:
    """Ties are broken by time alone, so equal spans may swap places but nothing grows."""
    again = sorted(found, key=lambda s: (s.first, s.last, s.size))
    unique = list({(s.first, rounded(s)): s for s in again}.values())
    assert place(unique, ALIGN).total == place(unique[::-1], ALIGN).total


@pytest.mark.parametrize("span", [Span(3, 2, 8), Span(0, 0, -1)])
def test_what_is_no_span_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="span 1 is no stretch of memory and time"):
        place([Span(0, 0, 1), span], ALIGN)
