"""Run a row: Hypothesis draws its examples, the verdicts are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.case import Case
from tests.conformance.judge import judge
from tests.conformance.registry import Row

# A type that an op refuses needs no more than a look.
REFUSED_EXAMPLES = 3
# From this many examples on, the part that compares a result is what the row promises.
ENOUGH = 100


@dataclass
class Tally:
    """What a row's examples came to; differences are the largest."""

    statuses: Counter[str] = field(default_factory=Counter)
    of_range: float = 0.0
    of_bound: float = 0.0

    @property
    def examples(self) -> int:
        """How many were run."""
        return self.statuses.total()


def for_each_case(
    row: Row, examples: int, do: Callable[[Case], None], derandomize: bool = True
) -> None:
    """Call `do` on that many cases of a row, the same ones each time unless `derandomize` is off."""
    draw_case: st.SearchStrategy[Case] = st.composite(
        lambda draw: row.specification(draw, row.type)
    )()

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(draw_case)
    def run(case: Case) -> None:
        do(case)

    run()


def run_row(row: Row, examples: int, derandomize: bool = True) -> Tally:
    """The tally of a row; AssertionError, naming the smallest case, when the sides disagree.

    A row whose examples are mostly refused, or on which LiteRT mostly dies, fails too: it compares
    nothing. A row of a refused type fails when LiteRT runs it.
    """
    tally = Tally()

    def run(case: Case) -> None:
        verdict = judge(case)
        tally.statuses[verdict.status] += 1
        tally.of_range = max(tally.of_range, verdict.of_range)
        tally.of_bound = max(tally.of_bound, verdict.of_bound)

    count = min(examples, REFUSED_EXAMPLES) if row.refused else examples
    for_each_case(row, count, run, derandomize)
    equal = tally.statuses["equal"]
    if row.refused:
        assert not equal, f"{row.op} runs in {row.type}: name the type in its specification"
    else:
        # Hypothesis's examples vary one another: of few, the part that is refused varies widely.
        part = row.at_least if tally.examples >= ENOUGH else row.at_least * 0.4
        assert equal >= part * tally.examples, (
            f"{row.name}: only {equal} of {tally.examples} examples compared a result "
            f"({dict(tally.statuses)}); draw fewer refusals"
        )
    return tally
