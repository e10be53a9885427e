"""Programs that once ended otherwise than in LiteRT, each as small as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.litert import litert
from tests.programs.calls import Call, Outcome, Program, outcomes
from tests.programs.judge import compare, ours
from tests.runtime.interpreter.outcomes import is_error

ALLOCATE, RUN = ("allocate",), ("run",)


def both(content: bytes, *calls: Call) -> list[Outcome]:
    """What the calls give, on either side."""
    program = Program(content, list(calls))
    theirs, mine = litert().run(outcomes, program), ours(program)
    compare(program, theirs, mine)
    return mine


def number(value: Any) -> np.ndarray:
    return np.array(value, np.int32)


def constant(b: ModelBuilder, value: Any) -> int:
    return b.add_tensor("", data=number(value))


def stored(shape: Sequence[int], kind: Any = np.int32) -> bytes:
    """x of six numbers stored in a variable, which is read into a tensor of this shape and type."""
    b = ModelBuilder()
    x, h = b.add_tensor("x", (2, 3), np.int32), b.add_tensor("h", (1,), "RESOURCE")
    y = b.add_tensor("y", shape, kind, shape_signature=(-1,) * len(shape))
    b.add_op("VAR_HANDLE", [], [h], container="", shared_name="v")
    b.add_op("ASSIGN_VARIABLE", [h, x], [])
    b.add_op("READ_VARIABLE", [h], [y])
    return b.finish_bytes([x], [y])


SIX = number([[1, 2, 3], [4, 5, 6]])


def test_a_variable_is_read_into_the_declared_shape_whatever_the_signature() -> None:
    for shape, want in (((1, 4), [[1, 2, 3, 4]]), ((6,), [1, 2, 3, 4, 5, 6]), ((), SIX.tolist())):
        got = both(stored(shape), ALLOCATE, ("set", 0, SIX), RUN)[-1]
        assert got[0].tolist() == want


def test_a_variable_of_another_type_is_refused() -> None:
    got = both(stored((2, 3), np.float32), ALLOCATE, ("set", 0, SIX), RUN)[-1]
    assert is_error(got)
    assert "variable 'v' holds int32, 'y' is float32" in got[1]


def test_a_variable_with_less_than_its_reader_needs_is_refused() -> None:
    """LiteRT reads whatever lies behind it."""
    program = Program(stored((7,)), [ALLOCATE, ("set", 0, SIX), RUN])
    kind, text = ours(program)[-1]
    assert kind is RuntimeError
    assert "variable 'v' of shape (2, 3) is less than 'y' of (7,) needs" in text


def cut(shape: Sequence[int], signature: Sequence[int] | None = None) -> bytes:
    """x from a place that is fed on, into a tensor of this shape."""
    b = ModelBuilder()
    x, begin = (
        b.add_tensor("x", (4,), np.int32, shape_signature=signature),
        b.add_tensor("b", (1,), np.int32),
    )
    y = b.add_tensor("y", shape, np.int32)
    b.add_op("SLICE", [x, begin, constant(b, [-1])], [y])
    return b.finish_bytes([x, begin], [y])


def test_a_slice_keeps_the_declared_shape() -> None:
    feed = ("set", 0, number([1, 2, 3, 4]))
    fits = both(
        cut((2,)), ALLOCATE, feed, ("set", 1, number([2])), RUN, ("set", 1, number([1])), RUN
    )
    assert fits[-3][0].tolist() == [3, 4]
    assert is_error(fits[-1])
    assert "the slice is (3,), declared is (2,)" in fits[-1][1]


def test_a_strict_resize_is_held_to_the_signature_not_to_the_shape_now() -> None:
    b = ModelBuilder()
    x, y = (b.add_tensor(n, (1, 3), shape_signature=(-1, 3)) for n in "xy")
    b.add_op("RELU", [x], [y])
    content = b.finish_bytes([x], [y])
    got = both(
        content,
        ("resize", 0, [1, 5], False),
        ("resize", 0, [2, 5], True),
        ("resize", 0, [2, 3], True),
    )
    assert is_error(got[1])
    assert "dimension 1 of tensor 0 with value 3 to 5" in got[1][1]
    assert got[2] is None


def test_inputs_keep_their_values_through_an_allocation_that_fails() -> None:
    b = ModelBuilder()
    x, w, y = b.add_tensor("x", (2,)), b.add_tensor("w", (2,)), b.add_tensor("y", (2,))
    b.add_op("ADD", [x, w], [y])
    content = b.finish_bytes([x, w], [y])
    ones, twos, three = np.ones(2, np.float32), np.full(2, 2, np.float32), np.ones(3, np.float32)
    first = [ALLOCATE, ("set", 0, ones), ("set", 1, twos), RUN]
    failing = [("resize", 0, [3], False), ALLOCATE, ("set", 0, three), ("set", 1, ones), RUN]
    again = [("resize", 0, [2], False), ALLOCATE, ("set", 0, ones), RUN]
    got = both(content, *first, *failing, *again)
    assert [is_error(outcome) for outcome in got[4:9]] == [False, True, True, False, True]
    assert got[-1][0].tolist() == [2, 2]


def loop(outs: Callable[[ModelBuilder, list[int]], list[int]], turns: int) -> bytes:
    """So many turns of a body over a counter from 0 and two numbers that are fed."""
    b = ModelBuilder()
    zero, ins = constant(b, 0), [b.add_tensor(n, (), np.int32) for n in "xy"]
    ends = [b.add_tensor(f"end{k}", (), np.int32) for k in range(3)]
    b.add_op("WHILE", [zero, *ins], ends, cond_subgraph_index=1, body_subgraph_index=2)
    b.set_io(ins, ends)
    b.add_subgraph("condition")
    carried, more = [b.add_tensor(n, (), np.int32) for n in "kxy"], b.add_tensor("more", (), bool)
    b.add_op("LESS", [carried[0], constant(b, turns)], [more])
    b.set_io(carried, [more])
    b.add_subgraph("body")
    carried = [b.add_tensor(n, (), np.int32) for n in "kxy"]
    b.set_io(carried, outs(b, carried))
    return b.finish_bytes()


def summed(b: ModelBuilder, x: int, y: int) -> int:
    out = b.add_tensor("", (), np.int32)
    b.add_op("ADD", [x, y], [out])
    return out


def test_a_loop_hands_on_an_input_in_a_later_place_as_litert_does() -> None:
    """LiteRT has overwritten it by then: y becomes the new x, not the old one."""
    fibonacci = loop(lambda b, c: [summed(b, c[0], constant(b, 1)), summed(b, c[1], c[2]), c[1]], 5)
    feeds = [("set", 0, number(1)), ("set", 1, number(1))]
    assert [int(v) for v in both(fibonacci, ALLOCATE, *feeds, RUN)[-1][:3]] == [5, 32, 32]
    earlier = loop(lambda b, c: [summed(b, c[0], constant(b, 1)), c[2], summed(b, c[1], c[2])], 5)
    assert [int(v) for v in both(earlier, ALLOCATE, *feeds, RUN)[-1][:3]] == [5, 8, 13]


def test_a_loop_gives_a_scalar_or_one_number_as_the_turns_have_it() -> None:
    def body(b: ModelBuilder, carried: list[int]) -> list[int]:
        one = b.add_tensor("one", (1,), np.int32)
        b.add_op("ADD", [carried[1], constant(b, [3])], [one])
        return [summed(b, carried[0], constant(b, 1)), one, carried[2]]

    feeds = [("set", 0, number(4)), ("set", 1, number(7))]
    for turns, want in ((0, 4), (1, [7]), (3, [13])):
        got = both(loop(body, turns), ALLOCATE, *feeds, RUN)[-1]
        assert [v.tolist() for v in got[:3]] == [turns, want, 7]


def branch(shape: Sequence[int]) -> bytes:
    """x or -x, for a condition of this shape."""
    b = ModelBuilder()
    c, x = (
        b.add_tensor("c", shape, bool, shape_signature=(-1,) * len(shape)),
        b.add_tensor("x", (2,)),
    )
    y = b.add_tensor("y", (2,))
    b.add_op("IF", [c, x], [y], then_subgraph_index=1, else_subgraph_index=2)
    b.set_io([c, x], [y])
    for op in ("ABS", "NEG"):
        b.add_subgraph(op)
        a, z = b.add_tensor("a", (2,)), b.add_tensor("z", (2,))
        b.add_op(op, [a], [z])
        b.set_io([a], [z])
    return b.finish_bytes()


@pytest.mark.parametrize(
    ("shape", "runs"), [((), True), ((1, 1), True), ((2,), False), ((0,), False)]
)
def test_a_condition_has_one_element(shape: tuple[int, ...], runs: bool) -> None:
    x = np.array([-1, 2], np.float32)
    got = both(
        branch(shape),
        ALLOCATE,
        *([("set", 0, np.ones(shape, bool)), ("set", 1, x), RUN] if runs else []),
    )
    assert is_error(got[-1]) != runs
    if runs:
        assert got[-1][0].tolist() == [1, 2]


def test_what_a_run_never_comes_to_is_not_refused() -> None:
    """The body is never run; of its SPLIT LiteRT does not know the axis before."""

    def body(b: ModelBuilder, carried: list[int]) -> list[int]:
        rank, axis = b.add_tensor("rank", (), np.int32), b.add_tensor("axis", (), np.int32)
        b.add_op("RANK", [constant(b, [1, 2, 3])], [rank])
        b.add_op("SUB", [rank, constant(b, 1)], [axis])
        halves = [b.add_tensor("", (1,), np.int32, shape_signature=(-1,)) for _ in range(2)]
        b.add_op("SPLIT", [axis, constant(b, [1, 2, 3])], halves, num_splits=2)
        return [summed(b, carried[0], constant(b, 1)), *carried[1:]]

    feeds = [("set", 0, number(4)), ("set", 1, number(7))]
    got = both(loop(body, 0), ALLOCATE, *feeds, RUN)[-1]
    assert [v.tolist() for v in got[:3]] == [0, 4, 7]
    assert is_error(both(loop(body, 1), ALLOCATE, *feeds, RUN)[-1])


@pytest.mark.parametrize("op", ["TOPK_V2", "SLICE"])
def test_what_follows_a_size_that_litert_leaves_to_the_run_is_refused_there(op: str) -> None:
    b = ModelBuilder()
    x, z = b.add_tensor("x", (4,), np.int32, shape_signature=(-1,)), b.add_tensor("z", (3,))
    y, sums = (b.add_tensor("", (1,), np.int32, shape_signature=(-1,)) for _ in range(2))
    if op == "TOPK_V2":
        b.add_op(op, [x, constant(b, 2)], [y, sums])
    else:
        b.add_op(op, [x, constant(b, [1]), constant(b, [2])], [y])
    wrong = b.add_tensor("", (2, 2))
    b.add_op("RESHAPE", [z, constant(b, [2, 2])], [wrong])
    content = b.finish_bytes([x, z], [y, wrong])
    feeds = [("set", 0, number([1, 2, 3, 4])), ("set", 1, np.zeros(3, np.float32))]
    got = both(content, ALLOCATE, *feeds, RUN)
    assert [is_error(outcome) for outcome in got] == [False, False, False, True]
