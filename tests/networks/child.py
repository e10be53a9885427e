"""The process that interpreters run in: LiteRT's reference kernels abort, and a bug of ours might.

``python -m tests.networks.child`` reads pickled jobs from stdin and writes pickled answers to what
was its stdout (which then shows stderr, since native code prints where it likes). `process.Child`
is its other end.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import time
import warnings
from typing import Any

import numpy as np

from litefuse.cli import inputs
from litefuse.runtime.model import read_model
from tests.networks.job import OURS, Answer, Job


def run(job: Job) -> Answer:
    """Do a job. What an interpreter refuses is an answer, not an exception."""
    answer = Answer()
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            _run(job, answer)
        except (RuntimeError, ValueError, MemoryError) as error:
            answer.error = f"{type(error).__name__}: {error}"
    answer.warnings = [str(w.message) for w in said if "litefuse" in str(w.category)]
    answer.seconds = time.perf_counter() - started
    return answer


def _run(job: Job, answer: Answer) -> None:
    interpreter, delegate = _make(job)
    answer.stage = "allocate"
    for detail in interpreter.get_input_details():
        if tuple(detail["shape"]) != inputs.shape_of(detail):
            interpreter.resize_tensor_input(detail["index"], list(inputs.shape_of(detail)))
    interpreter.allocate_tensors()
    constants = _constants(job)
    details = [d for d in interpreter.get_input_details() if d["index"] not in constants]
    answer.nodes = len(_model_nodes(interpreter))
    _count(job, interpreter, delegate, answer)
    answer.cases = job.cases or _cases(job, details)
    answer.stage = "invoke"
    for number, (_, arrays) in enumerate(answer.cases):
        if number in job.resets:
            interpreter.reset_all_variables()
        for detail, array in zip(details, arrays, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        answer.outputs.append(
            [
                np.asarray(interpreter.get_tensor(d["index"]))
                for d in interpreter.get_output_details()
            ]
        )
        if job.tensors:
            answer.tensors.append(_tensors(interpreter, job))
    answer.stage = "done"


def _tensors(interpreter: Any, job: Job) -> dict[tuple[int, int], Any]:
    found = {}
    for index, graph in enumerate(read_model(job.model).subgraphs):
        written = {t for op in graph.operators for t in op.outputs if t >= 0}
        states = {t for t, tensor in enumerate(graph.tensors) if tensor.is_variable}
        for tensor in sorted(written | states):
            if graph.tensors[tensor].type.name in ("RESOURCE", "VARIANT"):
                continue  # LiteRT reads a handle's bytes as an array, and dies
            with contextlib.suppress(ValueError):
                found[index, tensor] = np.asarray(interpreter.get_tensor(tensor, index))
    return found


def _make(job: Job) -> tuple[Any, Any]:
    """The interpreter that a job asks for, and litefuse's delegate where it has one."""
    words: dict[str, Any] = {"num_threads": job.threads}
    if job.tensors:
        words["experimental_preserve_all_tensors"] = True
    words["model_path" if isinstance(job.model, str) else "model_content"] = job.model
    if job.who == "own":
        from litefuse.runtime.delegate import CompilingDelegate
        from litefuse.runtime.interpreter import Interpreter, OpResolverType

        if job.options:
            words["experimental_delegates"] = [CompilingDelegate(**job.options)]
        words["experimental_op_resolver_type"] = OpResolverType[job.resolver]
        return Interpreter(**words), None
    from ai_edge_litert import interpreter as litert

    delegate = None
    if job.who == "litefuse":
        import litefuse

        delegate = litefuse.Delegate(**job.options)
        words["experimental_delegates"] = [delegate]
    words["experimental_op_resolver_type"] = litert.OpResolverType[job.resolver]
    return litert.Interpreter(**words), delegate


def _constants(job: Job) -> set[int]:
    """Tensors with data in the model. Some models list theirs as inputs, where LiteRT would write
    into the mapped file, and die."""
    model = read_model(job.model)
    tensors = model.subgraphs[0].tensors
    return {i for i, t in enumerate(tensors) if t.buffer and model.raw_data(t) is not None}


def _model_nodes(interpreter: Any) -> list[Any]:
    return [d for d in interpreter._get_ops_details() if d["op_name"] != "DELEGATE"]


def _count(job: Job, interpreter: Any, delegate: Any, answer: Answer) -> None:
    """How many nodes litefuse runs, and in how many partitions."""
    if job.who == "litefuse":
        records = [r for r in delegate.explain() if r.subgraph == 0]
        answer.claimed = sum(r.claimed for r in records)
        answer.planned = len(records)
        answer.partitions = len(delegate.partitions)
        answer.refused = [
            f"{r.op} #{r.node}: {r.rule}: {r.value}" for r in records if not r.claimed
        ]
    elif job.who in OURS:
        partitions = interpreter.subgraph(0).partitions
        answer.claimed = sum(len(p.nodes) for p in partitions)
        answer.planned = answer.nodes
        answer.partitions = len(partitions)


def _cases(job: Job, details: list[Any]) -> list[tuple[str, list[Any]]]:
    found = list(inputs.cases(details, job.seed, job.runs, job.limits))
    if not job.small_integers:
        return found
    return [
        (name, [np.minimum(a, 1) if a.dtype.kind in "iu" and a.itemsize > 2 else a for a in arrays])
        for name, arrays in found
    ]


def main() -> None:
    """Answer jobs until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs = sys.stdin.buffer
    while True:
        try:
            job = pickle.load(jobs)
        except EOFError:
            return
        try:
            answer = run(job)
        except Exception as error:  # an exception of another kind is a finding: it must be told
            answer = Answer(stage="broken", error=f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    main()
