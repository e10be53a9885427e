"""Vectorized loops compute what the scalar ones do: run both, on this machine, and compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.codegen.targets import find
from litefuse.compiler.ir.core import IRError, Module, Value
from litefuse.compiler.ir.passes import PassContext, PassManager
from litefuse.compiler.ir.types import F32, I1, I8, I32, INDEX
from litefuse.passes import vectorize
from tests.codegen.build import HOST, Code, compiled, function

Array = npt.NDArray[Any]
SIZE = 200
pytestmark = pytest.mark.skipif(
    HOST.arch not in ("x86_64", "aarch64"), reason="no target for this machine"
)


def arrays() -> list[Array]:
    random = np.random.default_rng(5)
    return [
        random.normal(size=SIZE).astype(np.float32),
        random.integers(-100, 100, SIZE).astype(np.int32),
        random.integers(-128, 128, SIZE).astype(np.int8),
        np.zeros(SIZE, np.float32),
        np.zeros(SIZE, np.int32),
    ]


def run(module: Module, end: int) -> list[Array]:
    data = arrays()
    compiled(module, find("host")).call("k", *data, end=end)
    return data


def check(
    body: Callable[[Code, list[Value], dict[str, Any]], None], end: int = 37, scalar: int = 0
) -> PassContext:
    """Build the same kernel marked and unmarked, run the passes on the marked one, compare all memory."""
    context = PassContext(target=find("host"))
    plain = function(5, lambda b, a: body(b, a, {}))
    marked = function(5, lambda b, a: body(b, a, {"vector": 8}))
    PassManager([vectorize.PASS]).run(marked, context, verify=True)
    assert context.statistics["loops left scalar"] == scalar
    for got, want in zip(run(marked, end), run(plain, end), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)
    return context


@pytest.mark.parametrize("trip", [1, 3, 8, 13, 16, 37])
def test_elementwise_with_strides_and_uniform_values(trip: int) -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        f, _, s, out, *_ = args
        two = b.constant(2)

        def each(c: Code, i: Value, _: Any) -> tuple[()]:
            x = c.load(f, c.add(i, c.constant(5)), F32)
            y = c.load(f, c.mul(i, two), F32)
            z = c.load(f, c.op("arith.subi", (c.constant(60), i), INDEX), F32)
            u = c.load(f, c.constant(3), F32)
            k = c.op(
                "arith.sitofp", (c.op("arith.index_cast", (c.mul(i, c.constant(3)),), I32),), F32
            )
            t = c.op("arith.fma", (x, y, u), F32)
            t = c.op("arith.maxf", (t, z), F32)
            c.store(c.op("arith.addf", (t, k), F32), out, c.add(i, i))
            wide = c.op("arith.extsi", (c.load(s, i, I8),), I32)
            q = c.op(
                "arith.mbqm",
                (wide, c.constant(1 << 30, I32), c.constant(-1, I32)),
                I32,
                x_bound=128,
            )
            c.store(q, args[4], i)
            return ()

        b.loop(b.constant(0), b.constant(trip), each, **marks)

    assert check(body).statistics["loops vectorized"] == 1


@given(
    trip=st.integers(0, 60),
    kinds=st.sampled_from(["addi", "muli", "maxsi", "minsi", "andi", "ori", "xori"]),
)
def test_integer_folds(trip: int, kinds: str) -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            return [c.op(f"arith.{kinds}", (c.load(args[1], i, I32), carried[0]), I32)]

        total = b.loop(b.constant(0), b.constant(trip), each, [b.constant(21, I32)], **marks)
        b.store(total[0], args[4], b.constant(0))

    check(body)


@pytest.mark.parametrize("kind", ["addf", "mulf", "maxf", "minf", "fma"])
@pytest.mark.parametrize("trip", [5, 8, 29])
def test_float_folds(kind: str, trip: int) -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            x = c.load(args[0], i, F32)
            if kind == "fma":
                return [c.op("arith.fma", (x, x, carried[0]), F32)]
            return [c.op(f"arith.{kind}", (carried[0], x), F32)]

        total = b.loop(b.constant(0), b.constant(trip), each, [b.constant(0.5, F32)], **marks)
        b.store(total[0], args[3], b.constant(1))

    check(body)


@pytest.mark.parametrize("end", [0, 5, 8, 31, 40])
def test_bounds_that_are_only_known_when_it_runs(end: int) -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            x = c.load(args[1], i, I32)
            c.store(x, args[4], c.add(i, c.constant(1)))
            return [c.add(carried[0], x)]

        total = b.loop(args[5], args[6], each, [b.constant(3, I32)], **marks)
        b.store(total[0], args[4], b.constant(0))

    check(body, end)


def test_a_loop_inside_and_division_of_the_counter() -> None:
    """An outer loop over channels around a sum over taps, as pooling has it; indices that are not affine."""

    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, _: Any) -> tuple[()]:
            half = c.op("arith.divsi", (i, c.constant(2)), INDEX)
            start = c.load(args[0], half, F32)

            def tap(d: Code, t: Value, carried: list[Value]) -> list[Value]:
                at = d.add(d.mul(t, d.constant(20)), i)
                return [d.op("arith.addf", (carried[0], d.load(args[0], at, F32)), F32)]

            total = c.loop(c.constant(0), c.constant(5), tap, [start])
            c.store(total[0], args[3], i)
            return ()

        b.loop(b.constant(0), b.constant(19), each, **marks)

    check(body)


def test_gathers_selects_and_a_branch_all_lanes_share() -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        shared = b.op("arith.cmpi", (args[6], b.constant(3)), I1, predicate="sgt")

        def each(c: Code, i: Value, _: Any) -> tuple[()]:
            n = c.op("arith.andi", (c.load(args[1], i, I32), c.constant(63, I32)), I32)
            x = c.op("loop.gather", (args[0], c.constant(2), n), F32)
            y = c.op("loop.gather", (args[0], i, n), F32)
            less = c.op("arith.cmpf", (x, y), I1, predicate="olt")
            c.store(c.op("arith.select", (less, x, y), F32), args[3], i)
            direct = c.load(args[0], c.op("arith.index_cast", (n,), INDEX), F32)
            c.when(shared, lambda d: d.store(direct, args[3], d.add(i, d.constant(100))))
            small = c.op("arith.cmpi", (i, c.constant(9)), I1, predicate="slt")
            c.store(c.op("arith.select", (small, n, c.constant(-1, I32)), I32), args[4], i)
            return ()

        b.loop(b.constant(0), b.constant(30), each, **marks)

    check(body)


def test_the_innermost_mark_wins_and_a_lone_store_keeps_the_last() -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def row(c: Code, r: Value, _: Any) -> tuple[()]:
            def each(d: Code, i: Value, _: Any) -> tuple[()]:
                at = d.add(d.mul(r, d.constant(20)), i)
                d.store(d.load(args[0], at, F32), args[3], at)
                d.store(d.load(args[1], at, I32), args[4], d.constant(7))
                return ()

            c.loop(c.constant(0), c.constant(20), each, **marks)
            return ()

        b.loop(b.constant(0), b.constant(4), row, **marks)

    assert check(body).statistics["loops vectorized"] == 1


def test_what_lanes_cannot_share_stays_scalar() -> None:
    """A running sum that is also stored: the carried value has a second use."""

    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, carried: list[Value]) -> list[Value]:
            total = c.add(carried[0], c.load(args[1], i, I32))
            c.store(total, args[4], i)
            return [total]

        b.loop(b.constant(0), b.constant(30), each, [b.constant(0, I32)], **marks)

    check(body, scalar=1)


def test_branches_by_lane_stay_scalar() -> None:
    def body(b: Code, args: list[Value], marks: dict[str, Any]) -> None:
        def each(c: Code, i: Value, _: Any) -> tuple[()]:
            n = c.load(args[1], i, I32)
            positive = c.op("arith.cmpi", (n, c.constant(0, I32)), I1, predicate="sgt")
            c.when(positive, lambda d: d.store(n, args[4], i))
            return ()

        b.loop(b.constant(0), b.constant(30), each, **marks)

    check(body, scalar=1)


def test_a_marked_loop_has_step_one() -> None:
    def body(b: Code, args: list[Value]) -> None:
        b.loop(b.constant(0), b.constant(30), lambda c, i, _: (), step=2, vector=8)

    with pytest.raises(IRError, match="has step 2, not 1"):
        PassManager([vectorize.PASS]).run(function(1, body), PassContext())
