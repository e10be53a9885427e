"""litefuse in its own interpreter: the claims behind `litefuse.Interpreter`.

The counterpart of `runtime.litert.delegate` without a C ABI in between: the plan says which nodes,
the build gives their code (from the cache, on all starts but the first), an executable runs it on
the interpreter's arrays.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.runtime import build
from litefuse.runtime.arena import ALIGN
from litefuse.runtime.errors import BuildError, LitefuseError, LitefuseWarning
from litefuse.runtime.executor import Executable, aligned_empty
from litefuse.runtime.loader import LoadedImage
from litefuse.runtime.options import Options
from litefuse.runtime.plan import NodeRecord, Partition, Reason
from litefuse.runtime.threads import ThreadPool

if TYPE_CHECKING:
    from litefuse.runtime.kernels.base import Array, Shape
    from litefuse.runtime.model import Model
    from litefuse.runtime.profile import Profile


class FullDelegationError(LitefuseError, RuntimeError):
    """`require_full_delegation` was asked for and some nodes cannot be claimed; it lists why."""


class CompilingDelegate:
    """Claims what litefuse compiles. The keywords are the options of `litefuse.Options`.

    A partition that cannot be compiled is left to the interpreter's kernels with one
    LitefuseWarning; FullDelegationError where `require_full_delegation` asks for all or nothing.
    """

    name = "litefuse"

    def __init__(self, options: Options | None = None, **keywords: Any) -> None:
        self.options = options if options is not None else Options.from_kwargs(**keywords)
        self._nodes: dict[int, list[NodeRecord]] = {}
        self._running: list[_Running] = []
        self._said: set[str] = set()

    def claim(
        self, model: Model, subgraph_index: int, shapes: Mapping[int, Shape]
    ) -> list[CompiledClaim]:
        """Plan the subgraph and compile its partitions for these shapes."""
        plan = build.plan(model, subgraph_index, self.options)
        reasons = dict(plan.reasons)
        claims: list[CompiledClaim] = []
        for planned in plan.partitions:
            partition, unknown = _at(model, planned, shapes)
            if unknown is not None:
                _refuse(reasons, model, planned, "a shape known at allocation", unknown)
                continue
            try:
                image = build.build(model, partition, self.options)
            except LitefuseError as error:
                _refuse(reasons, model, planned, "compiling failed", str(error))
                self._warn(
                    f"litefuse leaves {len(planned.nodes)} nodes to the interpreter, since they "
                    f"could not be compiled: {error}"
                )
                continue
            claims.append(CompiledClaim(self, partition, image))
        self._nodes[subgraph_index] = _records(model, subgraph_index, reasons, claims)
        self._check(subgraph_index)
        return claims

    def explain(self) -> list[NodeRecord]:
        """Every node of the model this was last applied to, claimed or not, and why not."""
        return [node for _, nodes in sorted(self._nodes.items()) for node in nodes]

    @property
    def is_fully_delegated(self) -> bool:
        """Whether every node of that model is claimed."""
        nodes = self.explain()
        return bool(nodes) and all(node.claimed for node in nodes)

    def summary(self) -> str:
        """One line: how many nodes are claimed, in how many partitions."""
        nodes = self.explain()
        claimed = sum(node.claimed for node in nodes)
        partitions = len({(n.subgraph, n.partition) for n in nodes if n.claimed})
        full = "fully delegated" if self.is_fully_delegated else "not fully delegated"
        return (
            f"litefuse delegate: {claimed} nodes delegated out of {len(nodes)} nodes with "
            f"{partitions} partitions ({full})"
        )

    def profile(self, runs: int = 50) -> list[Profile]:
        """Time every fused kernel of each living partition over `runs` invokes of its own.

        BuildError when no partition is alive.
        """
        living = [running for running in self._running if not running.closed]
        if not living:
            raise BuildError(
                "nothing to profile: no living interpreter runs nodes compiled by this delegate; "
                "see explain()"
            )
        return [running.executable.profile(runs) for running in living]

    def started(self, running: _Running) -> None:
        """Remember an executable that an interpreter runs, for `profile`."""
        self._running = [other for other in self._running if not other.closed]
        self._running.append(running)

    def _check(self, subgraph: int) -> None:
        nodes = self._nodes[subgraph]
        refused = [node for node in nodes if not node.claimed]
        if refused and self.options.require_full_delegation:
            told = "; ".join(
                f"{n.op} #{n.node}: {n.rule}: {n.value}; {n.remedy}" for n in refused[:3]
            )
            raise FullDelegationError(
                f"require_full_delegation: {len(refused)} of {len(nodes)} nodes of subgraph "
                f"{subgraph} cannot be claimed: {told}"
            )

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            warnings.warn(text, LitefuseWarning, stacklevel=3)


class CompiledClaim:
    """A compiled partition as `litefuse.Interpreter` wants it."""

    def __init__(self, owner: CompilingDelegate, partition: Partition, image: LoadedImage) -> None:
        self.partition = partition
        self.nodes = partition.nodes
        self.inputs = partition.inputs
        self.outputs = partition.outputs
        self._owner = owner
        self._image = image

    def prepare(self, num_threads: int) -> _Running:
        """The partition ready to run, on as many threads as the options or the interpreter say."""
        running = _Running(self._image, self._owner.options.threads(num_threads))
        self._owner.started(running)
        return running


class _Running:
    """An executable with its own threads and output arrays, called with the input arrays."""

    def __init__(self, image: LoadedImage, num_threads: int) -> None:
        self._pool = ThreadPool(num_threads)
        self.executable = Executable(image, self._pool)
        image.close()  # the executable holds a reference of its own
        self._outputs = [
            aligned_empty(port.shape, np.dtype(port.dtype)) for port in self.executable.outputs
        ]
        self._bound: tuple[Array, ...] | None = None

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        """Run; the same output arrays are given at each call."""
        # An interpreter gives the same arrays again and again: then nothing is bound anew.
        bound = self._bound
        if bound is not None and len(arrays) == len(bound) and all(map(_same, arrays, bound)):
            self.executable.invoke()
            return self._outputs
        self._bound = None
        self.executable(*arrays, out=self._outputs)
        # What is out of line was copied by the executable, and must be again at the next call.
        if all(array.flags.c_contiguous and array.ctypes.data % ALIGN == 0 for array in arrays):
            self._bound = arrays
        return self._outputs

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.executable.closed

    def close(self) -> None:
        """Free the arena and stop the threads."""
        self.executable.close()
        self._pool.close()


def default_delegate(num_threads: int) -> CompilingDelegate:
    """What `litefuse.Interpreter` uses when it is given no delegate: all the defaults."""
    return CompilingDelegate(Options(num_threads=num_threads))


def _same(one: Array, other: Array) -> bool:
    return one is other


def _at(
    model: Model, planned: Partition, shapes: Mapping[int, Shape]
) -> tuple[Partition, str | None]:
    """The partition at the interpreter's shapes, or the name of a tensor that has none yet."""
    graph = model.subgraphs[planned.subgraph]
    found = dict(planned.shapes)
    for index in planned.shapes:
        if index in shapes:
            found[index] = tuple(shapes[index])
        elif model.raw_data(graph.tensors[index]) is None:
            return planned, f"tensor {graph.tensors[index].name!r} gets its shape from the run"
    made = Partition(planned.subgraph, planned.nodes, planned.inputs, planned.outputs, found)
    return made, None


def _refuse(
    reasons: dict[int, Reason], model: Model, partition: Partition, rule: str, value: str
) -> None:
    operators = model.subgraphs[partition.subgraph].operators
    for node in partition.nodes:
        reasons[node] = Reason(
            node, operators[node].name, rule, value, "the interpreter runs this node itself"
        )


def _records(
    model: Model, subgraph: int, reasons: Mapping[int, Reason], claims: Sequence[CompiledClaim]
) -> list[NodeRecord]:
    where = {node: k for k, claim in enumerate(claims) for node in claim.nodes}
    records = []
    for i, op in enumerate(model.subgraphs[subgraph].operators):
        why = reasons.get(i)
        if i in where or why is None:
            records.append(NodeRecord(subgraph, i, op.name, i in where, partition=where.get(i)))
        else:
            told = (why.rule, why.value, why.remedy)
            records.append(NodeRecord(subgraph, i, op.name, False, *told))
    return records
