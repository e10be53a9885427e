"""Models that remember: the same state on both sides, invoke after invoke.

Their memory is in resource variables (VAR_HANDLE) or in variable tensors (recurrent ops).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from litefuse.cli import inputs
from litefuse.runtime.interpreter import Interpreter, OpResolverType
from litefuse.runtime.model import read_model
from tests.networks.job import Answer, Job
from tests.networks.process import Child
from tests.networks.sweep import corpus_files

Array = NDArray[Any]


def remembers(path: Path) -> bool:
    """Whether a model has state from one invoke to the next."""
    return any(
        any(op.name == "VAR_HANDLE" for op in graph.operators)
        or any(t >= 0 and graph.tensors[t].is_variable for op in graph.operators for t in op.inputs)
        for graph in read_model(path).subgraphs
    )


def streaming_files(corpus: Path) -> list[Path]:
    """The corpus's models with state, small ones first."""
    return [path for path in corpus_files(corpus) if remembers(path)]


def interpreter(path: Path) -> Interpreter:
    """Ours on its kernels, ready to run, keeping all tensors."""
    found = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    found.allocate_tensors()
    return found


def feeds(path: Path, seed: int, count: int) -> list[list[Array]]:
    """Random inputs of `count` invokes."""
    details = interpreter(path).get_input_details()
    return [arrays for _, arrays in inputs.cases(details, seed, count, limits=False)]


def in_litert(
    child: Child,
    path: Path,
    stream: Sequence[list[Array]],
    resets: tuple[int, ...] = (),
    tensors: bool = False,
) -> Answer:
    """What LiteRT's reference kernels answer to a stream of inputs."""
    cases = [(str(i), arrays) for i, arrays in enumerate(stream)]
    return child.run(Job(str(path), "litert", cases=cases, tensors=tensors, resets=resets))


def step(ours: Interpreter, arrays: Sequence[Array]) -> list[Array]:
    """One invoke."""
    give(ours, arrays)
    ours.invoke()
    return [ours.get_tensor(d["index"]) for d in ours.get_output_details()]


def give(ours: Interpreter, arrays: Sequence[Array]) -> None:
    """Set the inputs."""
    for detail, array in zip(ours.get_input_details(), arrays, strict=True):
        ours.set_tensor(detail["index"], array)
