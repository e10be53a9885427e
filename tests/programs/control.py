"""Branches, loops, and variables in random graphs: subgraphs drawn like the main one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.programs.graph import Graph, Made

DEEPEST = 2
NAMES = ("v", "w")


@contextmanager
def _subgraph(g: Graph, values: Sequence[np.ndarray]) -> Iterator[tuple[int, Graph, list[Made]]]:
    """A new subgraph with inputs of these values; the current one is current again afterwards."""
    here = g.builder.model.subgraphs.index(g.builder.graph)
    index = g.builder.add_subgraph("")
    inner = Graph(g.draw, g.builder, g.depth + 1)
    yield index, inner, [inner.input(v) for v in values]
    g.builder.select_subgraph(here)


def _results(inner: Graph, kinds: Sequence[Any]) -> list[Made] | None:
    """A tensor of each dtype, the later ones first; None when there are not enough.

    LiteRT may lose one that it gives twice, or that it computed before the run.
    """
    found: list[Made] = []
    for kind in kinds:
        fitting = [
            m for m in inner.made if m.value.dtype == kind and not m.fixed and m not in found
        ]
        if not fitting:
            return None
        found.append(inner.draw(st.sampled_from(fitting[::-1])))
    return found


def _next(inner: Graph, ins: list[Made]) -> list[Made]:
    """For each input what a loop carries on: itself or a tensor made in the body.

    An input in another's place LiteRT may read when it is no longer there, and a rank that changes
    may make it fail without a reason.
    """
    made = [m for m in reversed(inner.made) if m not in ins and not m.fixed]

    def like(x: Made) -> list[Made]:
        return [m for m in made if m.value.dtype == x.value.dtype and m.rank == x.rank]

    return [inner.draw(st.sampled_from([*like(x), x])) for x in ins]


def _carried(g: Graph) -> list[Made]:
    return [g.draw(st.sampled_from(g.made[::-1])) for _ in range(g.draw(st.integers(1, 3)))]


def branch(g: Graph) -> None:
    """IF over a bool of one element; each branch may give other shapes."""
    conditions = [m for m in g.made if m.value.dtype == np.bool_ and m.value.size == 1]
    if not conditions or g.depth >= DEEPEST:
        return
    condition = g.draw(st.sampled_from(conditions))
    fed = _carried(g)
    kinds = [m.value.dtype for m in fed][: g.draw(st.integers(1, len(fed)))]
    indices, found = [], []
    for _ in range(2):
        with _subgraph(g, [m.value for m in fed]) as (index, inner, ins):
            inner.grow(g.draw(st.integers(0, 3)))
            outs = _results(inner, kinds) or ins[: len(kinds)]
            g.builder.set_io([m.index for m in ins], [m.index for m in outs])
        indices.append(index)
        found.append([m.value for m in outs])
    values = found[0] if condition.value.all() else found[1]
    options = {"then_subgraph_index": indices[0], "else_subgraph_index": indices[1]}
    g.op("IF", [condition, *fed], *values, static=g.flip(), **options)


def loop(g: Graph) -> None:
    """WHILE of up to four turns; what it carries may change its shape in each."""
    if g.depth >= DEEPEST:
        return
    fed = _carried(g)
    counter, turns = g.runtime(0), g.draw(st.integers(0, 4))
    values = [counter.value, *(m.value for m in fed)]
    with _subgraph(g, values) as (condition, inner, ins):
        [more] = inner.op("LESS", [ins[0], inner.constant(turns)], np.bool_(turns > 0))
        g.builder.set_io([m.index for m in ins], [more.index])
    with _subgraph(g, values) as (body, inner, ins):
        inner.made.remove(ins[0])
        [following] = inner.op("ADD", [ins[0], inner.constant(1)], np.int32(1))
        inner.grow(g.draw(st.integers(0, 3)))
        outs = [following, *_next(inner, ins[1:])]
        g.builder.set_io([m.index for m in ins], [m.index for m in outs])
    # With other shapes than at first, the values are a guess: what reads them may be refused.
    given = [ins[k].value if not turns else out.value for k, out in enumerate(outs)]
    options = {"cond_subgraph_index": condition, "body_subgraph_index": body}
    g.op("WHILE", [counter, *fed], *given, static=g.flip(), **options)


def _handle(g: Graph, name: str) -> int:
    index = g.builder.add_tensor("", (1,), "RESOURCE")
    g.builder.add_op("VAR_HANDLE", [], [index], container="", shared_name=name)
    return index


def variable(g: Graph) -> None:
    """Store a tensor in a variable and read it, or read what an earlier invoke stored."""
    x = g.pick()
    if x is None:
        return
    handle = _handle(g, g.draw(st.sampled_from(NAMES)))
    late = g.flip()
    if not late:
        g.builder.add_op("ASSIGN_VARIABLE", [handle, x.index], [])
    out = g.output(x.value)
    g.builder.add_op("READ_VARIABLE", [handle], [out.index])
    if late:
        g.builder.add_op("ASSIGN_VARIABLE", [handle, x.index], [])
    g.made.append(out)


def once(g: Graph) -> None:
    """CALL_ONCE of a subgraph that gives a variable its first value, which is then read."""
    if g.depth:
        return
    x = g.pick()
    if x is None:
        return
    name = g.draw(st.sampled_from(NAMES))
    with _subgraph(g, []) as (index, inner, _):
        handle = _handle(inner, name)
        inner.builder.add_op(
            "ASSIGN_VARIABLE", [handle, inner.constant(x.value, x.value.dtype).index], []
        )
        g.builder.set_io([], [])
    g.builder.add_op("CALL_ONCE", [], [], init_subgraph_index=index)
    out = g.output(x.value)
    g.builder.add_op("READ_VARIABLE", [_handle(g, name)], [out.index])
    g.made.append(out)
