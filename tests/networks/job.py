"""What is asked of the process that interpreters run in, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Arrays = list[NDArray[Any]]
OURS = ("litefuse", "own")


@dataclass
class Job:
    """Run a model in one interpreter.

    ``who``: "litert" (LiteRT alone), "litefuse" (LiteRT with litefuse.Delegate) or "own"
    (litefuse.Interpreter). ``resolver``: a member of OpResolverType. ``cases``: named inputs; if
    there are none, ``runs`` random ones from ``seed`` on and, with ``limits``, the types' limits.
    ``small_integers`` keeps inputs of 32 bits and more, which mostly are indices, at 0 and 1.
    ``tensors`` asks for every tensor that a node writes, in every subgraph, and every variable
    tensor after each case. Before the cases with the numbers in ``resets`` all variables are reset.
    """

    model: str | bytes
    who: str
    resolver: str = "BUILTIN_REF"
    threads: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    cases: list[tuple[str, Arrays]] | None = None
    seed: int = 0
    runs: int = 1
    limits: bool = False
    small_integers: bool = False
    tensors: bool = False
    resets: tuple[int, ...] = ()


@dataclass
class Answer:
    """What came of a job.

    ``stage`` is how far it got: "make", "allocate", "invoke", "done"; or "died" (by a signal),
    "hung" (was ended), "broken" (an exception that no interpreter may raise). ``error`` says why
    it is not "done". ``claimed`` of ``planned`` nodes run in litefuse, in ``partitions``;
    ``nodes`` is how many nodes of the model the interpreter lists. ``tensors`` has for each case
    the tensors by (subgraph, index), less those without a value or a NumPy type.
    """

    stage: str = "make"
    error: str = ""
    outputs: list[Arrays] = field(default_factory=list)
    tensors: list[dict[tuple[int, int], NDArray[Any]]] = field(default_factory=list)
    cases: list[tuple[str, Arrays]] = field(default_factory=list)
    nodes: int = 0
    claimed: int = 0
    planned: int = 0
    partitions: int = 0
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
