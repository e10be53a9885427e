"""Random programs: a random graph, and calls of the interpreter's methods in random order.

What single ops cannot show: which memory is whose, what a new shape reaches, what is left after an
error, what lasts from run to run. LiteRT's reference does the same in a process of its own.
"""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conformance.protocol import Answer
from tests.programs.calls import random_program
from tests.programs.graph import random_model
from tests.programs.judge import check


@settings(max_examples=max(400, settings().max_examples))
@given(data=st.data())
def test_a_random_program(data: Any) -> None:
    program = random_program(data.draw, random_model(data.draw))
    assume(not isinstance(check(program), Answer))
