"""`SimpleDelegate`: the base class with which a delegate is written in Python.

In the spirit of TFLite's SimpleDelegate: say which nodes you can run and how, and leave
partitioning, lifetimes, error texts and the C ABI to the base. A minimal delegate overrides
`is_node_supported` and `eval`; `examples/numba_delegate.py` is a whole one.
"""

from __future__ import annotations

import ctypes as c
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from litefuse.runtime.litert import kernel, selfcheck, structs
from litefuse.runtime.litert.errors import LiteRTError, Refusal
from litefuse.runtime.litert.kernel import Kernel
from litefuse.runtime.litert.views import GraphView, NodeView, PartitionView, TensorView
from litefuse.runtime.plan import NodeRecord

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

__all__ = ["LiteRTError", "NativeKernel", "NodeRecord", "Partition", "Refusal", "SimpleDelegate"]


@dataclass(frozen=True, slots=True)
class NativeKernel:
    """A C function `int f(TfLiteContext *, TfLiteNode *)` and what `node->user_data` will hold.

    `keep` is held until the interpreter frees the kernel: put the owner of the code there.
    A Numba `@cfunc("int32(uintp, uintp)")` gives such a function (`.address`).
    """

    address: int
    user_data: int = 0
    keep: object = None


@dataclass(slots=True)
class Partition:
    """Nodes of one interpreter that run as one.

    `inputs` are the tensors read from outside, without `constants`; `outputs` those that must be
    written. `shapes` holds the current shape of each of them. `state` is the delegate's own.
    """

    index: int
    nodes: tuple[NodeView, ...]
    inputs: tuple[int, ...]
    constants: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: dict[int, Shape]
    graph: GraphView = field(repr=False)
    state: Any = field(default=None, repr=False)

    @property
    def node_ids(self) -> tuple[int, ...]:
        """The node ids in execution order."""
        return tuple(node.index for node in self.nodes)

    def tensor(self, index: int) -> TensorView:
        """A tensor that one of the nodes touches, as it was at Prepare."""
        return self.graph.tensor(index)


@dataclass(slots=True)
class _Session:
    """The graphs of one interpreter, in the order in which Prepare saw them."""

    contexts: list[int] = field(default_factory=list)
    records: list[tuple[NodeRecord, ...]] = field(default_factory=list)
    partitions: list[tuple[Partition, ...]] = field(default_factory=list)


class SimpleDelegate:
    """A delegate for LiteRT and TFLite interpreters, given as `experimental_delegates=[...]`.

    Override `is_node_supported` and either `eval` or `native_invoke`; `begin`, `prepare`,
    `reshape` and `release` are optional. One object may serve several interpreters, one after
    another or at once: keep what belongs to one of them in `partition.state`. Errors raised in
    any method reach the caller as the interpreter's RuntimeError with the text in it, and
    `last_traceback` holds the whole story.

    Options, as the neighbours name them: `max_delegated_partitions` (0: no limit; the largest
    win), `min_nodes_per_partition`, `first_delegate_node_index`, `last_delegate_node_index`.

    With `allow_dynamic_shapes = True` the interpreter also accepts graphs with dynamic tensors
    and keeps kernels over a resize: then override `reshape`.
    """

    name = "SimpleDelegate"
    allow_dynamic_shapes = False

    def __init__(
        self,
        *,
        max_delegated_partitions: int = 0,
        min_nodes_per_partition: int = 0,
        first_delegate_node_index: int = 0,
        last_delegate_node_index: int = 2**31 - 1,
    ) -> None:
        self.max_delegated_partitions = max_delegated_partitions
        self.min_nodes_per_partition = min_nodes_per_partition
        self.first_delegate_node_index = first_delegate_node_index
        self.last_delegate_node_index = last_delegate_node_index
        self.last_traceback = ""
        self._sessions: list[_Session] = []
        self._pending: dict[int, Partition] = {}
        self._struct: structs.TfLiteDelegate | None = None
        self._custom_name = b""

    # What a delegate says about itself.

    def begin(self, graph: GraphView) -> None:
        """Called once a graph, before any node is asked about."""

    def is_node_supported(self, node: NodeView, graph: GraphView) -> bool | Refusal:
        """Whether this node can be run; a `Refusal` instead of False says why it cannot."""
        raise NotImplementedError(f"{type(self).__name__} must override is_node_supported")

    def prepare(self, partition: Partition) -> Refusal | None:
        """Get ready to run a partition; the graph is still as it was.

        Returning a `Refusal` leaves these nodes to the interpreter; raising fails the delegate.
        """
        return None

    def reshape(self, partition: Partition, shapes: Mapping[int, Shape]) -> Mapping[int, Shape]:
        """The shapes of `partition.outputs` when its inputs have these shapes.

        Called instead of a new `prepare` when `allow_dynamic_shapes` is set.
        """
        changed = ", ".join(
            f"{partition.tensor(i).name} from {list(partition.shapes[i])} to {list(shapes[i])}"
            for i in partition.inputs
            if partition.shapes[i] != shapes[i]
        )
        raise LiteRTError(
            f"{self.name} was prepared for fixed shapes, but {changed} changed; "
            "override reshape, or resize before the delegate is applied"
        )

    def eval(
        self,
        partition: Partition,
        inputs: Mapping[int, Array],
        outputs: Mapping[int, Array],
    ) -> None:
        """Run a partition: read `inputs` (with constants), fill `outputs` in place.

        Both map a tensor index to a view of the interpreter's own memory; a view is valid only
        during the call. Tensors of types that NumPy lacks come as raw bytes.
        """
        raise NotImplementedError(f"{type(self).__name__} must override eval or native_invoke")

    def native_invoke(self, partition: Partition) -> NativeKernel | None:
        """A C function to run the partition instead of `eval`: no Python, no GIL."""
        return None

    def release(self, partition: Partition) -> None:
        """Called when the interpreter has let go of a partition."""

    # What it can tell afterwards.

    def explain(self) -> list[NodeRecord]:
        """Every node of the interpreter this delegate was last applied to, claimed or not."""
        return [r for records in self._last().records for r in records]

    @property
    def partitions(self) -> list[Partition]:
        """The partitions in that interpreter."""
        return [p for partitions in self._last().partitions for p in partitions]

    def _last(self) -> _Session:
        return self._sessions[-1] if self._sessions else _Session()

    # The interpreter's side.

    def _get_native_delegate_pointer(self) -> int:
        """The address of the TfLiteDelegate: what an Interpreter asks a delegate for."""
        selfcheck.ensure_usable()
        if self._struct is None:
            self._custom_name = self.name.encode("utf-8", "replace")
            self._struct = structs.TfLiteDelegate(
                Prepare=kernel.PREPARE_DELEGATE,
                flags=structs.ALLOW_DYNAMIC_TENSORS if self.allow_dynamic_shapes else 0,
            )
        address = c.addressof(self._struct)
        kernel.DELEGATES[address] = self
        self._sessions.append(_Session())
        del self._sessions[:-_MAX_SESSIONS]
        return address

    def _apply(self, context: int) -> None:
        """Claim nodes of the graph at `context`; the body of TfLiteDelegate.Prepare."""
        graph = GraphView(context)
        session = self._session_of(context)
        ordinal = session.contexts.index(context)
        graph.is_redo = bool(session.records[ordinal])
        graph.subgraph = ordinal
        waiting: list[Partition] = []
        try:
            self.begin(graph)
            verdicts = {node.index: self._judge(node, graph) for node in graph.nodes}
            while True:
                claimed = [i for i in graph.plan if verdicts[i] is True]
                found = self._limit(graph.partitions(claimed), verdicts)
                if not self._reconsider(graph, verdicts):
                    break
            chosen: list[Partition] = []
            for view in found:
                partition = _partition(len(chosen), view, graph)
                refusal = self.prepare(partition)
                if refusal is None:
                    chosen.append(partition)
                    waiting.append(partition)
                else:
                    verdicts.update(dict.fromkeys(view.nodes, refusal))
            self._check(graph, verdicts)
            while waiting:
                self._replace(context, waiting[0])
                waiting.pop(0)
            session.records[ordinal] = tuple(_records(ordinal, graph, verdicts, chosen))
            session.partitions[ordinal] = tuple(chosen)
        finally:
            for partition in waiting:  # prepared, but no interpreter has them
                self.release(partition)
            graph.close()

    def _reconsider(self, graph: GraphView, verdicts: dict[int, bool | Refusal]) -> bool:
        """Refuse nodes because of what became of others; True has all of them grouped anew."""
        return False

    def _check(self, graph: GraphView, verdicts: Mapping[int, bool | Refusal]) -> None:
        """Called when all is decided and nothing replaced: the last moment to refuse."""

    def _kernel_prepared(self, kernel: Kernel, context: int, node: int) -> None:
        """Called at the end of each kernel prepare, when the outputs have their shapes."""

    def _session_of(self, context: int) -> _Session:
        """The session that knows this context (a redo after a resize), or the newest."""
        for session in reversed(self._sessions):
            if context in session.contexts:
                # An address is reused once its interpreter is gone, so only the newest
                # session may grow; an older one that knows the address is being redone.
                newest = self._sessions[-1]
                if session is newest or newest.contexts:
                    return session
                session.contexts[session.contexts.index(context)] = 0
        session = self._sessions[-1]
        session.contexts.append(context)
        session.records.append(())
        session.partitions.append(())
        return session

    def _judge(self, node: NodeView, graph: GraphView) -> bool | Refusal:
        if node.code == structs.DELEGATE_OP:
            return Refusal("another delegate has it already", node.name)
        if not self.first_delegate_node_index <= node.index <= self.last_delegate_node_index:
            return Refusal(
                "outside first_delegate_node_index..last_delegate_node_index",
                f"node {node.index}",
                f"the range is {self.first_delegate_node_index} to {self.last_delegate_node_index}",
            )
        verdict = self.is_node_supported(node, graph)
        if isinstance(verdict, Refusal):
            return verdict
        return bool(verdict) or Refusal(f"{self.name} does not support it", node.name)

    def _limit(
        self, found: Sequence[PartitionView], verdicts: dict[int, bool | Refusal]
    ) -> list[PartitionView]:
        """The partitions within the limits, in execution order; refuses the nodes of others."""
        by_size = sorted(found, key=lambda p: -len(p.nodes))
        count = self.max_delegated_partitions or len(by_size)
        chosen = [p for p in by_size[:count] if len(p.nodes) >= self.min_nodes_per_partition]
        for partition in found:
            if partition in chosen:
                continue
            size = len(partition.nodes)
            if size < self.min_nodes_per_partition:
                refusal = Refusal(
                    "partition smaller than min_nodes_per_partition",
                    f"{size} of at least {self.min_nodes_per_partition} nodes",
                    "lower min_nodes_per_partition",
                )
            else:
                refusal = Refusal(
                    "beyond max_delegated_partitions",
                    f"{len(found)} partitions, {count} allowed",
                    "raise max_delegated_partitions",
                )
            verdicts.update(dict.fromkeys(partition.nodes, refusal))
        return [p for p in found if p in chosen]

    def _replace(self, context: int, partition: Partition) -> None:
        """Put one kernel in the place of one partition's nodes.

        One call a partition, so that each may have a native function of its own: what the
        interpreter would form from all claimed nodes together it also forms from each alone.
        """
        assert self._struct is not None  # set before an interpreter can have the address
        native = self.native_invoke(partition)
        registration = structs.TfLiteRegistration(
            init=kernel.INIT,
            free=kernel.FREE,
            prepare=kernel.PREPARE,
            invoke=kernel.INVOKE if native is None else native.address,
            custom_name=self._custom_name,
            version=1,
        )
        wanted = structs.int_array(partition.node_ids)
        kernel.PENDING[context] = kernel.Kernel(self, partition, native)
        try:
            status = structs.context_call(
                context,
                "ReplaceNodeSubsetsWithDelegateKernels",
                registration,
                c.addressof(wanted),
                c.addressof(self._struct),
            )
        finally:
            unused = kernel.PENDING.pop(context, None)
        if status != structs.OK or unused is not None:
            raise LiteRTError(
                f"the interpreter did not take {self.name}'s partition {partition.index} "
                f"of {len(partition.nodes)} nodes (status {status})"
            )


_MAX_SESSIONS = 64


def _partition(index: int, view: PartitionView, graph: GraphView) -> Partition:
    nodes = tuple(graph.node(i) for i in view.nodes)
    for node in nodes:  # so that they can be read when the graph is closed
        for i in (*node.inputs, *node.outputs):
            if i >= 0:
                graph.tensor(i)
    inputs = tuple(i for i in view.inputs if i >= 0 and not graph.tensor(i).is_constant)
    constants = tuple(i for i in view.inputs if i >= 0 and graph.tensor(i).is_constant)
    shapes = {i: graph.tensor(i).shape for i in (*inputs, *view.outputs)}
    return Partition(index, nodes, inputs, constants, view.outputs, shapes, graph)


def _records(
    ordinal: int,
    graph: GraphView,
    verdicts: Mapping[int, bool | Refusal],
    partitions: Sequence[Partition],
) -> list[NodeRecord]:
    home = {i: p.index for p in partitions for i in p.node_ids}
    records = []
    for node in graph.nodes:
        verdict = verdicts[node.index]
        if isinstance(verdict, Refusal):
            why = (verdict.rule, verdict.value, verdict.remedy)
            records.append(NodeRecord(ordinal, node.index, node.name, False, *why))
        else:
            records.append(
                NodeRecord(ordinal, node.index, node.name, True, partition=home[node.index])
            )
    return records
