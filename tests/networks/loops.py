"""The bodies of loops, turn by turn beside LiteRT's.

A loop's float results are all its turns' differences added up, and LiteRT keeps the tensors of the
last turn alone. So what each turn is given is noted while ours runs; then the body runs in LiteRT
as a model of its own, on the same, and each of its nodes is held to its bound (`walk`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from litefuse.runtime.interpreter import Interpreter
from litefuse.runtime.model import Model, read_model, write_model
from litefuse.runtime.model.checks import SUBGRAPH_FIELDS
from tests.networks.job import Job
from tests.networks.ours import ready
from tests.networks.process import Child
from tests.networks.walk import Array, Compared, walk

_LOOPS = ("WHILE",)
_TURNS = 12  # of a loop are looked at

Calls = dict[int, list[list[Array]]]  # what each subgraph was given, turn by turn


def note_turns(interpreter: Interpreter) -> Calls:
    """Note, from now on, what the interpreter's loops give their subgraphs."""
    inside = {
        int(getattr(op.options, name))
        for graph in interpreter.model.subgraphs
        for op in graph.operators
        if op.name in _LOOPS
        for name in _subgraphs(op)
    }
    calls: Calls = {}
    run = interpreter.run_subgraph

    def noting(index: int, inputs: Sequence[Array]) -> list[Array]:
        if index in inside:
            calls.setdefault(index, []).append([np.array(array) for array in inputs])
        return run(index, inputs)

    interpreter.run_subgraph = noting  # type: ignore[method-assign]
    return calls


def compare_turns(child: Child, model: Model, calls: Calls) -> Compared:
    """Every node of some turns of each loop (first and last among them), beside LiteRT's."""
    found = Compared()
    for index, turns in sorted(calls.items()):
        content = write_model(with_main(model, index))
        chosen = sorted({round(i) for i in np.linspace(0, len(turns) - 1, _TURNS)})
        for turn in chosen:
            where = f"subgraph {index}, turn {turn}"
            _compare(child, content, turns[turn], where, found)
    return found


def _compare(child: Child, content: bytes, given: list[Array], where: str, found: Compared) -> None:
    model = read_model(content)
    graph = model.subgraphs[0]
    held = [model.raw_data(graph.tensors[t]) is not None for t in graph.inputs]
    fed = [array for array, constant in zip(given, held, strict=True) if not constant]
    job = Job(content, "litert", "BUILTIN_REF", cases=[(where, fed)], tensors=True)
    answer = child.run(job)
    if answer.stage != "done":
        found.beyond.append(f"{where}: LiteRT {answer.stage}: {answer.error}")
        return
    ours = ready(content, fed)
    calls = note_turns(ours)
    inner = walk(ours, answer.tensors[0])
    merge(found, inner, where)
    merge(found, compare_turns(child, ours.model, calls), where)


def merge(found: Compared, other: Compared, where: str = "") -> None:
    """Add what another comparison found."""
    prefix = f"{where} " if where else ""
    found.floats += other.floats
    if other.worst > found.worst:
        found.worst, found.where = other.worst, prefix + other.where
    found.beyond.extend(prefix + text for text in other.beyond)


def with_main(model: Model, index: int) -> Model:
    """The model with another main subgraph, which changes places with the first."""
    places = list(range(len(model.subgraphs)))
    places[0], places[index] = index, 0
    graphs = [model.subgraphs[i] for i in places]
    moved = [
        replace(graph, operators=[_moved(op, places) for op in graph.operators]) for graph in graphs
    ]
    return replace(model, subgraphs=moved, signature_defs=[])


def _subgraphs(op: Any) -> tuple[str, ...]:
    """The options that name the operator's subgraphs."""
    return SUBGRAPH_FIELDS.get(getattr(op.options, "TABLE", ""), ())


def _moved(op: Any, places: list[int]) -> Any:
    """The operator, its subgraphs where they are now."""
    names = _subgraphs(op)
    if not names:
        return op
    options = copy(op.options)
    for name in names:
        old = getattr(options, name)
        new = tuple(places[i] for i in old) if isinstance(old, tuple) else places[int(old)]
        setattr(options, name, new)
    return replace(op, options=options)
