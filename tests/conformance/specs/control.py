"""VAR_HANDLE, ASSIGN_VARIABLE, READ_VARIABLE, CALL_ONCE, IF, WHILE, STABLEHLO_COMPOSITE and _CASE.

Subgraphs hold TILE, which runs in every type: by 1 it copies, by 2 it makes another shape.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Case
from tests.conformance.draw import PLAIN, Draw, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.graphs import graph
from tests.conformance.specs.moving import data, rarely

_KINDS = tuple(t for t in PLAIN if t != "bfloat16")  # which passes a CAST to be fed


def _tile(b: ModelBuilder, x: int, shape: tuple[int, ...], dtype: str, times: int) -> int:
    """A copy of x, its first axis repeated."""
    by = np.array([times, *[1] * (len(shape) - 1)], np.int32)
    y = b.add_tensor(shape=(shape[0] * times, *shape[1:]), type=dtype)
    b.add_op("TILE", [x, b.add_tensor(data=by)], [y])
    return y


def _variable(draw: Draw, dtype: str, *, op: str) -> Case:
    """Read, assign, read again: over three invokes, after CALL_ONCE has set the variable."""
    dims = shape(draw, 0, 4, most=40, zero=False)
    first = data(draw, dims, dtype)
    fed = [data(draw, dims, dtype) for _ in range(3)]
    initialised = op == "CALL_ONCE" or not rarely(draw)
    named = draw(st.sampled_from((("", "v"), ("box", "v"), ("", "w"))))

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        def handle() -> int:
            made = b.add_tensor("handle", (), "resource")
            b.add_op("VAR_HANDLE", [], [made], container=named[0], shared_name=named[1])
            return made

        x = b.add_tensor("x", dims, dtype)
        before, after = (b.add_tensor(n, dims, dtype) for n in ("before", "after"))
        if initialised:
            b.add_op("CALL_ONCE", [], [], init_subgraph_index=1)
        where = handle()
        b.add_op("READ_VARIABLE", [where], [before])
        b.add_op("ASSIGN_VARIABLE", [where, x], [])
        b.add_op("READ_VARIABLE", [where], [after])
        b.set_io([x], [before, after])
        if initialised:
            b.add_subgraph("initialise")
            value = b.add_tensor("value", data=first, type=dtype)
            b.add_op("ASSIGN_VARIABLE", [handle(), value], [])
            b.set_io([], [])
            b.select_subgraph(0)
        return [x], [before, after]

    return graph(op, make, *([f] for f in fed), note=(dims, initialised, named))


for _op in ("VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE", "CALL_ONCE"):
    _specification: Callable[[Draw, str], Case] = partial(_variable, op=_op)
    # LiteRT dies of a variable of strings.
    conforms(_op, *(t for t in _KINDS if t != "string"), others=())(_specification)


def _branch(b: ModelBuilder, dims: tuple[int, ...], dtype: str, times: int) -> int:
    """Add a subgraph of one input: x once or twice, and a copy of it."""
    index = b.add_subgraph(f"times{times}")
    x = b.add_tensor("x", dims, dtype)
    b.set_io([x], [_tile(b, x, dims, dtype, times), _tile(b, x, dims, dtype, 1)])
    return index


@conforms("IF", *_KINDS, others=())
def if_(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4, most=40)
    times = [draw(st.integers(1, 2)) for _ in range(2)]
    one = (1,) if draw(st.booleans()) else ()

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        condition, x = b.add_tensor("c", one, "bool"), b.add_tensor("x", dims, dtype)
        y = [b.add_tensor("y", dims, dtype), b.add_tensor("z", dims, dtype)]
        b.add_op("IF", [condition, x], y, then_subgraph_index=1, else_subgraph_index=2)
        b.set_io([condition, x], y)
        for n in times:
            _branch(b, dims, dtype, n)
        b.select_subgraph(0)
        return [condition, x], y

    steps = [[np.full(one, c), data(draw, dims, dtype)] for c in (True, False)]
    return graph("IF", make, *steps, note=(dims, times))


@conforms("STABLEHLO_CASE", *_KINDS, others=())
def case_(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4, most=40)
    times = draw(st.lists(st.integers(1, 2), min_size=1, max_size=3))
    one = (1,) if draw(st.booleans()) else ()

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        index, x = b.add_tensor("i", one, "int32"), b.add_tensor("x", dims, dtype)
        y = [b.add_tensor("y", dims, dtype), b.add_tensor("z", dims, dtype)]
        places = list(range(1, len(times) + 1))
        b.add_op("STABLEHLO_CASE", [index, x], y, branch_subgraph_indices=places)
        b.set_io([index, x], y)
        for n in times:
            _branch(b, dims, dtype, n)
        b.select_subgraph(0)
        return [index, x], y

    taken = [draw(st.integers(-1, len(times))) for _ in range(2)]
    steps = [[np.full(one, i, np.int32), data(draw, dims, dtype)] for i in taken]
    return graph("STABLEHLO_CASE", make, *steps, note=(dims, times, taken))


@conforms("STABLEHLO_COMPOSITE", *_KINDS, others=())
def composite(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4, most=40)
    times = draw(st.integers(1, 2))
    options: dict[str, Any] = {"name": "twice", "decomposition_subgraph_index": 1}
    if not rarely(draw):
        options["composite_attributes"] = tuple(flexbuffers.Dumps({}))

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        x = b.add_tensor("x", dims, dtype)
        y = [b.add_tensor("y", dims, dtype), b.add_tensor("z", dims, dtype)]
        b.add_op("STABLEHLO_COMPOSITE", [x], y, **options)
        b.set_io([x], y)
        _branch(b, dims, dtype, times)
        b.select_subgraph(0)
        return [x], y

    steps = [[data(draw, dims, dtype)] for _ in range(2)]
    return graph("STABLEHLO_COMPOSITE", make, *steps, note=(dims, times))


@conforms("WHILE", *_KINDS, others=())
def while_(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 3, most=20)
    text = dtype == "string"  # that the body did not write LiteRT cannot read
    times = draw(st.integers(1 if text else 0, 2))
    counts = [draw(st.integers(1 if text else 0, 3)) for _ in range(2)]

    def pair(b: ModelBuilder, grown: int = 1) -> list[int]:
        size = (dims[0] * grown, *dims[1:])
        return [
            b.add_tensor("i", (), "int32"),
            b.add_tensor("n", (), "int32"),
            b.add_tensor("x", size, dtype),
        ]

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        ins, outs = pair(b), pair(b)
        b.add_op("WHILE", ins, outs, cond_subgraph_index=1, body_subgraph_index=2)
        b.set_io(ins, outs)
        b.add_subgraph("condition")
        held, less = pair(b), b.add_tensor("less", (), "bool")
        b.add_op("LESS", held[:2], [less])
        b.set_io(held, [less])
        b.add_subgraph("body")
        held, one = pair(b), b.add_tensor("one", data=np.array(1, np.int32))
        i = b.add_tensor("i2", (), "int32")
        b.add_op("ADD", [held[0], one], [i])
        x = _tile(b, held[2], dims, dtype, times) if times else held[2]
        b.set_io(held, [i, held[1], x])
        b.select_subgraph(0)
        return ins, outs

    zero = np.array(0, np.int32)
    steps = [[zero, np.array(n, np.int32), data(draw, dims, dtype)] for n in counts]
    return graph("WHILE", make, *steps, note=(dims, times, counts))
