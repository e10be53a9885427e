"""Unrolled loops compute what the others do: run both, on this machine, and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.core import IRError, Value
from litefuse.compiler.ir.passes import PassContext, PassManager
from litefuse.compiler.ir.types import I32
from litefuse.passes import unroll, vectorize
from tests.codegen.build import Code, function
from tests.passes.test_vectorize import pytestmark, run

__all__ = ["pytestmark"]


@pytest.mark.parametrize("dynamic", [False, True])
@given(
    times=st.integers(1, 9), trip=st.integers(0, 23), step=st.integers(1, 3), vector=st.booleans()
)
def test_unrolled_loops_agree(
    dynamic: bool, times: int, trip: int, step: int, vector: bool
) -> None:
    vector &= step == 1

    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            x = c.load(args[1], i, I32)
            c.store(x, args[4], i)
            return [c.add(x, carried[0])]

        upper = args[6] if dynamic else b.constant(trip)
        total = b.loop(b.constant(0), upper, each, [b.constant(1, I32)], step, **marks)
        b.store(total[0], args[4], b.constant(150))

    marks = {"unroll": times, **({"vector": 4} if vector else {})}
    unrolled = function(5, lambda b, a: body(b, a, marks))
    PassManager([vectorize.PASS, unroll.PASS]).run(unrolled, PassContext(), verify=True)
    plain = function(5, lambda b, a: body(b, a, {}))
    for got, want in zip(run(unrolled, trip), run(plain, trip), strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_number_of_turns_is_checked() -> None:
    def body(b: Code, args: list[Value]) -> None:
        b.loop(b.constant(0), b.constant(30), lambda c, i, _: (), unroll=0)

    with pytest.raises(IRError, match="must be at least 1"):
        PassManager([unroll.PASS]).run(function(1, body), PassContext())
