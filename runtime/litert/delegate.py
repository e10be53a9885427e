"""`litefuse.Delegate`: compiles what it can of a LiteRT graph and runs it as native code."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litefuse.runtime import build
from litefuse.runtime.errors import LitefuseWarning
from litefuse.runtime.litert.compiled import CompiledPartition, GraphCode
from litefuse.runtime.litert.errors import LiteRTError, Refusal
from litefuse.runtime.litert.import_graph import adopt, import_graph, propagate_shapes
from litefuse.runtime.litert.kernel import Kernel, rename
from litefuse.runtime.litert.simple import Array, NativeKernel, Partition, Shape, SimpleDelegate
from litefuse.runtime.litert.trampoline import trampoline_address
from litefuse.runtime.litert.views import GraphView, NodeView
from litefuse.runtime.options import MAX_INDEX, Options
from litefuse.runtime.plan import STRANDED_REMEDY, STRANDED_RULE, NodeRecord, Plan, stranded
from litefuse.runtime.plan import Partition as Planned
from litefuse.runtime.profile import Profile

if TYPE_CHECKING:
    from litefuse.runtime.delegate import CompiledClaim, CompilingDelegate
    from litefuse.runtime.model import Model

_PLANNING, _COMPILING = _SAID = ("planning failed", "compiling failed")


@dataclass(slots=True)
class _Work:
    """One graph while its Prepare runs: what was read, and what the plan says of its nodes."""

    code: GraphCode
    plan: Plan | None
    failure: Refusal | None
    positions: dict[int, int]


class Delegate(SimpleDelegate):
    """Give it to LiteRT as `Interpreter(..., experimental_delegates=[litefuse.Delegate()])`.

    Options are those of `litefuse.Options`; an unknown or ill-typed one is an OptionError. What
    cannot be compiled stays with the interpreter: `explain()` tells which nodes and why, and a
    LitefuseWarning is given once when a compilation failed or nothing was claimed at all.
    """

    name = "litefuse"
    # A delegate without it makes LiteRT refuse whole models that have one dynamic tensor.
    allow_dynamic_shapes = True

    def __init__(self, **options: Any) -> None:
        self.options = Options.from_kwargs(**options)
        super().__init__(
            max_delegated_partitions=self.options.max_delegated_partitions,
            min_nodes_per_partition=self.options.min_nodes_per_partition,
            first_delegate_node_index=self.options.first_delegate_node_index,
            last_delegate_node_index=self.options.last_delegate_node_index,
        )
        # Node ids are the interpreter's, which the planner does not know: applied here instead.
        self._plan_options = self.options.replace(
            max_delegated_partitions=0,
            min_nodes_per_partition=0,
            first_delegate_node_index=0,
            last_delegate_node_index=MAX_INDEX,
            allow_nodes=(),
            deny_nodes=(),
        )
        self._work: dict[int, _Work] = {}
        self._said: set[str] = set()
        self._closed = False
        self._own: CompilingDelegate | None = None

    def claim(
        self, model: Model, subgraph_index: int, shapes: Mapping[int, Shape]
    ) -> list[CompiledClaim]:
        """What `litefuse.Interpreter` asks for: one delegate serves either interpreter."""
        if self._own is None:
            from litefuse.runtime.delegate import CompilingDelegate

            self._own = CompilingDelegate(self.options)
        return self._own.claim(model, subgraph_index, shapes)

    def explain(self) -> list[NodeRecord]:
        """Every node of the interpreter this delegate was last applied to, claimed or not."""
        return super().explain() if self._own is None else self._own.explain()

    def begin(self, graph: GraphView) -> None:
        """Read the graph and plan it; a failure to plan leaves every node to the interpreter."""
        imported = import_graph(graph)
        if self.options.model is not None:
            imported = adopt(imported, self.options.model)
        if graph.is_redo:
            imported = propagate_shapes(imported)
        code = GraphCode(imported, self._plan_options, self.options.threads(graph.num_threads))
        plan, failure = None, None
        try:
            plan = build.plan(
                imported.model, 0, self._plan_options, content_hash=imported.content_hash
            )
        except Exception as error:
            failure = Refusal(_PLANNING, str(error), "please report it")
            self._warn(f"litefuse leaves this model to the interpreter: {error}")
        if imported.fusion_is_off:
            self._warn(
                "the interpreter makes every node a partition of its own "
                "(experimental_preserve_all_tensors or experimental_disable_delegate_node_fusion): "
                "litefuse's results stay right, but nothing can be fused"
            )
        positions = {node: i for i, node in enumerate(imported.node_ids)}
        self._work[graph.context] = _Work(code, plan, failure, positions)

    def is_node_supported(self, node: NodeView, graph: GraphView) -> bool | Refusal:
        """What the options and the plan say of a node."""
        work = self._work[graph.context]
        names = [tensor.name for tensor in node.output_tensors]
        by_option = self.options.refusal(node.index, node.name, names)
        if by_option is not None:
            return Refusal(by_option.rule, by_option.value, by_option.remedy)
        refusal = work.code.imported.refusals.get(node.index, work.failure)
        if refusal is not None or work.plan is None:
            return False if refusal is None else refusal
        position = work.positions[node.index]
        reason = work.plan.reasons.get(position)
        if reason is not None:
            return Refusal(reason.rule, reason.value, reason.remedy)
        return position in work.plan.claimed

    def prepare(self, partition: Partition) -> Refusal | None:
        """Compile, or load from the cache, before the interpreter changes anything."""
        work = self._work[partition.graph.context]
        nodes = partition.node_ids
        touched = {i for node in partition.nodes for i in (*node.inputs, *node.outputs) if i >= 0}
        tensors = work.code.imported.model.subgraphs[0].tensors
        planned = Planned(
            subgraph=0,
            nodes=work.code.imported.positions(nodes),
            inputs=partition.inputs,
            outputs=partition.outputs,
            shapes={i: tensors[i].shape for i in sorted(touched)},
        )
        partition.shapes.update({i: planned.shapes[i] for i in partition.shapes})
        try:
            partition.state = CompiledPartition(work.code, planned)
        except Exception as error:
            ops = ", ".join(sorted({node.name for node in partition.nodes}))
            self._warn(
                f"litefuse leaves {len(nodes)} nodes ({ops}) to the interpreter, since they could "
                f"not be compiled: {error}"
            )
            return Refusal(_COMPILING, str(error), "please report it")
        return None

    def native_invoke(self, partition: Partition) -> NativeKernel | None:
        """The trampoline into the compiled code; None where none can be mapped."""
        address = trampoline_address()
        if address is None:
            return None
        compiled = _compiled(partition)
        return NativeKernel(address, compiled.current.state_address, compiled)

    def reshape(self, partition: Partition, shapes: Mapping[int, Shape]) -> Mapping[int, Shape]:
        """Compile for other input shapes, or take up what was compiled for them before."""
        return _compiled(partition).reshape(shapes)

    def eval(
        self,
        partition: Partition,
        inputs: Mapping[int, Array],
        outputs: Mapping[int, Array],
    ) -> None:
        """Run a partition from Python, where native code cannot."""
        _compiled(partition).run(inputs, outputs)

    def release(self, partition: Partition) -> None:
        """Free the partition's code, arena and, with the last one, threads."""
        if partition.state is not None:
            compiled, partition.state = _compiled(partition), None
            compiled.close()

    def profile(self, runs: int = 50) -> list[Profile]:
        """Time every fused kernel of each partition over `runs` invokes of its own.

        It runs beside the interpreter, on zeros, and changes none of its tensors. With 0 runs it
        gives the times of the interpreter's own last invoke, for which the delegate must have the
        option `profile`. LiteRTError when no interpreter has a compiled partition now.
        """
        if runs == 0 and not self.options.profile:
            raise LiteRTError(
                "the last invoke was not timed: make the delegate with profile=True, or ask for "
                "runs of its own with profile(50)"
            )
        if self._own is not None:
            return self._own.profile(runs)
        living = [_compiled(p) for p in self.partitions if p.state is not None]
        profiles = [p.profile(runs) for p in living if p.executable is not None]
        if not profiles:
            raise LiteRTError(
                "nothing to profile: no living interpreter runs nodes compiled by this delegate; "
                "see explain()"
            )
        return profiles

    @property
    def is_fully_delegated(self) -> bool:
        """Whether every node of the model it was last applied to is claimed."""
        records = self.explain()
        return bool(records) and all(record.claimed for record in records)

    def summary(self) -> str:
        """One line: how many nodes are claimed, in how many partitions."""
        if self._own is not None:
            return self._own.summary()
        records = self.explain()
        claimed = sum(record.claimed for record in records)
        full = "fully delegated" if self.is_fully_delegated else "not fully delegated"
        return (
            f"litefuse delegate: {claimed} nodes delegated out of {len(records)} nodes with "
            f"{len(self.partitions)} partitions ({full})"
        )

    def close(self) -> None:
        """Refuse further interpreters; those that use it now keep working until they go."""
        self._closed = True

    def _get_native_delegate_pointer(self) -> int:
        if self._closed:
            raise LiteRTError("this delegate is closed; make a new litefuse.Delegate")
        return super()._get_native_delegate_pointer()

    def _apply(self, context: int) -> None:
        self._own = None  # reports are about the interpreter that came last
        try:
            super()._apply(context)
        finally:
            self._work.pop(context, None)

    def _reconsider(self, graph: GraphView, verdicts: dict[int, bool | Refusal]) -> bool:
        claimed = {i for i, verdict in verdicts.items() if verdict is True}
        nodes = [(node.index, node.name, node.inputs, node.outputs) for node in graph.nodes]
        names = {node.index: node.name for node in graph.nodes}
        left = stranded(nodes, lambda i: graph.tensor(i).is_constant, claimed)
        for node, reader in left.items():
            told = f"{names[reader]} #{reader} is not"
            verdicts[node] = Refusal(STRANDED_RULE, told, STRANDED_REMEDY)
        return bool(left)

    def _check(self, graph: GraphView, verdicts: Mapping[int, bool | Refusal]) -> None:
        refused = [(graph.node(i), v) for i, v in verdicts.items() if isinstance(v, Refusal)]
        if not refused:
            return
        if self.options.require_full_delegation:
            told = "; ".join(f"{node.name} #{node.index}: {why}" for node, why in refused[:3])
            raise LiteRTError(
                f"require_full_delegation: {len(refused)} of {len(verdicts)} nodes cannot be "
                f"claimed: {told}"
            )
        # Other subgraphs, such as one that only sets variables, are no news.
        if (
            graph.subgraph == 0
            and len(refused) == len(verdicts)
            and not any(v.rule in _SAID for _, v in refused)
        ):
            rules = Counter(f"{node.name}: {why.rule}" for node, why in refused)
            told = "; ".join(f"{count} x {rule}" for rule, count in rules.most_common(3))
            self._warn(
                f"litefuse claims none of the {len(verdicts)} nodes of this graph ({told}); it "
                "runs as if litefuse were absent. explain() has every reason"
            )

    def _kernel_prepared(self, kernel: Kernel, context: int, node: int) -> None:
        state = _compiled(kernel.partition).current.state_address
        if kernel.native is not None and kernel.user_data != state:
            rename(context, node, kernel, state)

    def _warn(self, text: str) -> None:
        """Say something once for each delegate, at the line that made the interpreter."""
        if text not in self._said:
            self._said.add(text)
            warnings.warn(text, LitefuseWarning, stacklevel=_frames_to_user())


def _compiled(partition: Partition) -> CompiledPartition:
    state = partition.state
    if not isinstance(state, CompiledPartition):
        raise LiteRTError("the interpreter has already let go of this partition")
    return state


def _frames_to_user() -> int:
    """How far up the stack the caller outside of litefuse and the interpreter is."""
    ours = ("litefuse.", "ai_edge_litert", "tflite_runtime", "tensorflow")
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(ours):
        frame = frame.f_back
        level += 1
    return level
