"""One subgraph made runnable: its tensors' values, its nodes' kernels, its claimed partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.runtime.interpreter import arguments, errors
from litefuse.runtime.interpreter.control_edges import control_edges
from litefuse.runtime.interpreter.delegation import Executable, InterpreterPartition
from litefuse.runtime.interpreter.details import Details, tensor_details
from litefuse.runtime.interpreter.limits import require_positive, require_room, uncountable
from litefuse.runtime.interpreter.lookup import (
    Registered,
    find_kernel,
    hidden_from_delegates,
    kernel_key,
)
from litefuse.runtime.interpreter.memory import Step, TensorMemory
from litefuse.runtime.interpreter.schedule import Claims
from litefuse.runtime.interpreter.slices import Slicing, evaluate_slices, slicing
from litefuse.runtime.kernels import Kernel, KernelError, NodeContext, TensorValue
from litefuse.runtime.kernels.base import Array, Host, Shape
from litefuse.runtime.plan import ORDERED_OPS

if TYPE_CHECKING:
    from litefuse.runtime.model import Model, Operator, Tensor

Claim = Callable[[int, dict[int, Shape]], Iterable[InterpreterPartition]]
ClaimReference = Callable[[], "Claim | None"]

# Values of at most this many elements are computed at allocation when all they depend on is
# constant: shapes made of SHAPE, STRIDED_SLICE, PACK and the like, which then are static.
_FOLD_ELEMENTS = 1024
# Those that LiteRT computes at allocation, too; whatever else is computed it gets from a run.
_LITERT_FOLDS = frozenset(
    {
        "BROADCAST_ARGS",
        "CONCATENATION",
        "GATHER",
        "MUL",
        "RANGE",
        "RANK",
        "REDUCE_PROD",
        "RESHAPE",
        "SHAPE",
        "STRIDED_SLICE",
        "TILE",
    }
)


class Node:
    """An operator with its kernel (None when there is none) and the context that it runs in."""

    __slots__ = ("context", "dynamic", "index", "kernel", "late", "op", "slicing")

    def __init__(self, index: int, op: Operator, kernel: Kernel | None, context: NodeContext):
        self.index = index
        self.op = op
        self.kernel = kernel
        self.context = context
        self.dynamic = False
        self.late = False  # refused at allocation, where LiteRT has not come to it yet
        self.slicing: Slicing | None = None


class SubgraphState:
    """A subgraph between construction and its last run.

    Tensors lie in one arena (see `memory`), so after a run only the graph's inputs, outputs and
    variables are sure to have their values; with `preserve` all tensors have.
    """

    def __init__(
        self,
        model: Model,
        index: int,
        host: Host,
        name: str,
        claim: ClaimReference | None,
        num_threads: int,
        registered: Registered | None = None,
        preserve: bool = False,
    ) -> None:
        self.model = model
        self._preserve = preserve
        self._registered: Registered = registered or {}
        self.graph = model.subgraphs[index]
        self.index = index
        self._name = name
        self._claim = claim
        self._num_threads = num_threads
        self._edges = control_edges(model, index)
        self._inputs = frozenset(self.graph.inputs)
        # Read before any node ran: the inputs, and constants without elements, whose empty buffers
        # make them no constants (in LiteRT neither, so that what depends on them is dynamic).
        made = {t for op in self.graph.operators for t in op.outputs}
        self._sources = self._inputs | {
            i
            for i, tensor in enumerate(self.graph.tensors)
            if 0 in tensor.shape and tensor.buffer != 0 and i not in made
        }
        self.values: list[TensorValue] = []
        for tensor in self.graph.tensors:
            has_data = tensor.buffer != 0 and model.raw_data(tensor) is not None
            blocks = self._block_scales(tensor) if has_data else None
            self.values.append(TensorValue(tensor, tuple(tensor.shape), None, has_data, blocks))
        self._model_constants = frozenset(i for i, v in enumerate(self.values) if v.constant)
        self.nodes = [self._node(i, op, host) for i, op in enumerate(self.graph.operators)]
        self._ready = False
        self._placed = False  # since the last allocation, but for the tensors resized after it
        self._resized: set[int] = set()
        self._at_work = False
        self._unknown: set[int] = set()
        self._early: set[int] = set()  # computed at allocation by us alone
        self._claims = self._make_claims(())
        self._executables: list[Executable] = []
        self._memory: TensorMemory | None = None

    def _block_scales(self, tensor: Tensor) -> Array | None:
        """The scales of a blockwise quantised constant; None for any other."""
        details = tensor.quantization.details if tensor.quantization is not None else None
        index = getattr(details, "scales", None) if hasattr(details, "block_size") else None
        if index is None or not 0 <= index < len(self.graph.tensors):
            return None
        return self.model.tensor_data(self.graph.tensors[index])

    def _node(self, index: int, op: Operator, host: Host) -> Node:
        kernel = find_kernel(op, self._registered)
        inputs = [self.values[t] if t >= 0 else None for t in op.inputs]
        outputs = [self.values[t] for t in op.outputs if t >= 0]
        inner = [self.values[t] for t in op.intermediates if t >= 0]
        return Node(index, op, kernel, NodeContext(op, inputs, outputs, {}, host, inner))

    # --- tensors ------------------------------------------------------------------------------

    def check_index(self, index: int) -> int:
        """The index as an int; ValueError outside the subgraph."""
        index = int(index)
        if not 0 <= index < len(self.values):
            raise errors.invalid_tensor(index, len(self.values))
        return index

    def data(self, index: int) -> Array:
        """The tensor's memory now; ValueError when it has none."""
        index = self.check_index(index)
        value = self.values[index]
        if value.data is None:
            if value.constant:
                value.data = self.model.tensor_data(value.tensor)
            elif self._has_memory(index):
                value.data = _zeros(value) if value.memory is None else value.memory
        if value.data is None:
            raise ValueError(errors.DATA_IS_NULL)
        return value.data

    def _has_memory(self, index: int) -> bool:
        """Whether the tensor has a place of its own, as it may keep between a resize and the next
        allocation.
        """
        hidden = index in self._unknown or index in self._claims.inside
        return self._placed and not hidden and index not in self._resized

    def get_tensor(self, index: int) -> Any:
        """A copy of the tensor's value; a NumPy scalar when it is a number without dimensions."""
        data = self.data(index).copy()
        return data if data.ndim or data.dtype.hasobject else data[()]

    def set_tensor(self, index: int, given: Any) -> None:
        """Copy `given` into the tensor; ValueError unless type and shape fit."""
        index = self.check_index(index)
        slot = self.values[index]
        value = arguments.readable(given)
        text = slot.dtype.hasobject
        fits = value.dtype.kind in "OSU" if text else _same_type(value.dtype, slot.dtype)
        if not fits:
            raise errors.wrong_type(value.dtype, slot.tensor.type.name, index, slot.name)
        if value.ndim != len(slot.shape):
            raise errors.wrong_rank(value.ndim, len(slot.shape), index)
        for axis, (got, wanted) in enumerate(zip(value.shape, slot.shape, strict=True)):
            if got != wanted:
                raise errors.wrong_dimension(got, wanted, axis, index)
        if index in self._model_constants:
            raise errors.constant_tensor(index, slot.name)
        if slot.data is None and not self._has_memory(index):
            raise ValueError(errors.UNALLOCATED)
        self.put(slot, arguments.texts(given, value) if text else np.asarray(value, slot.dtype))

    def put(self, slot: TensorValue, value: Array) -> None:
        """Make `value` the tensor's: copied into its place, or into an array of its own."""
        if slot.memory is None or slot.memory.shape != value.shape:
            slot.data = value.copy()
        else:
            np.copyto(slot.memory, value)
            slot.data = slot.memory

    def details(self, index: int) -> Details:
        """The tensor's entry of get_tensor_details()."""
        index = self.check_index(index)
        value = self.values[index]
        return tensor_details(value.tensor, index, value.shape, value.block_scales)

    def output_shapes(self) -> list[Shape | None]:
        """Shape of each output of the graph; None where only a run can tell."""
        return [None if t in self._unknown else self.values[t].shape for t in self.graph.outputs]

    def is_constant(self, index: int) -> bool:
        """Whether the tensor's data is the model's own."""
        return index in self._model_constants

    # --- resizing and allocation ---------------------------------------------------------------

    def resize_input(self, index: int, shape: Shape, strict: bool) -> None:
        """Give an input another shape; the graph must be allocated anew. RuntimeError if
        refused.
        """
        if not 0 <= index < len(self.values):
            raise errors.no_such_input(index, len(self.values))
        value = self.values[index]
        if strict:
            signature = value.tensor.shape_signature or value.shape
            if len(signature) != len(shape):
                raise errors.strict_rank(index, len(signature), len(shape))
            for axis, (fixed, asked) in enumerate(zip(signature, shape, strict=True)):
                if fixed not in (-1, asked):
                    raise errors.strict_resize(axis, index, fixed, asked)
        if shape == value.shape:
            return
        self._ready = False  # also when it is refused, as in LiteRT
        if index in self._model_constants:
            raise RuntimeError(errors.FIXED_SIZE)
        overflow = None if value.dtype.hasobject else uncountable(shape, value.dtype.itemsize)
        if overflow is not None:
            raise errors.impossible_size(overflow, index, value.name, shape)
        value.shape = shape
        value.data = None
        self._resized.add(index)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """KernelError if the subgraph is at work already."""
        if self._at_work:
            raise KernelError(
                f"subgraph {self.index} ({self.graph.name!r}) is at work already: one of its nodes "
                "calls it, or another thread runs it"
            )
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def allocate(self) -> None:
        """Find all shapes that can be known, claim nodes, reset variables; RuntimeError if refused.

        Does nothing when nothing was resized since the last time.
        """
        with self._alone():
            if not self._ready:
                try:
                    self._allocate()
                except MemoryError as error:
                    raise KernelError(f"{self._name} needs more memory: {error}") from error

    def _allocate(self) -> None:
        self.close()
        self._placed = False
        self._claims = self._make_claims(())
        self._unknown = set()
        kept = self._forget_values()
        try:
            self._prepare_nodes()
        except RuntimeError:
            for index, old in kept.items():  # refused: the inputs that were there still are
                if old.shape == self.values[index].shape:
                    self.values[index].data = old
            raise
        self._check_sizes()
        claim = self._claim() if self._claim is not None else None
        if claim is not None:
            self._apply_claims(claim)
        missing = [
            (node.index, node.op.name)
            for node in self.nodes
            if node.kernel is None and node.index not in self._claims.owner
        ]
        if missing:
            raise errors.missing_ops(missing, self._name)
        self._memory = TensorMemory(
            self.values,
            self._inputs,
            frozenset(self.graph.outputs),
            [self._step(step) for step in self._claims.order],
            self._unknown,
            self._preserve,
        )
        for node in self.nodes:
            if not node.dynamic and kernel_key(node.op) not in self._registered:
                node.slicing = slicing(node.op.name, node.context)
        for index in self._inputs - self._model_constants:
            value = self.values[index]
            held = kept.get(index)
            if held is not None and held.shape == value.shape:
                self.put(value, held)
            else:
                value.data = _zeros(value) if value.memory is None else value.memory
        self.reset_variables()
        self._ready = self._placed = True
        self._resized.clear()

    def _check_sizes(self) -> None:
        """KernelError if a tensor whose shape is known is larger than the memory there is."""
        for index, value in enumerate(self.values):
            if not value.constant and index not in self._unknown:
                require_room(value)

    def _check_room(self, node: Node, value: TensorValue) -> None:
        """RuntimeError if a node makes a tensor that is larger than the memory there is."""
        try:
            require_room(value)
        except KernelError as error:
            raise errors.failed_node(error, node.index, node.op.name) from error

    def infer(self, strict: bool = True) -> dict[int, Shape | None]:
        """All tensors' shapes as an allocation would find them, None where only a run can tell.

        Makes no tensor but small folded ones; the graph must be allocated anew. RuntimeError if
        refused; without `strict`, what is refused keeps the file's shapes.
        """
        self._ready = self._placed = False
        self._unknown = set()
        self._forget_values()
        with self._alone():
            self._prepare_nodes(strict)
        return {
            i: None if i in self._unknown else tuple(int(d) for d in value.shape)
            for i, value in enumerate(self.values)
        }

    def reset_variables(self) -> None:
        """Zero every variable tensor (int8: its zero point)."""
        for value in self.values:
            if value.tensor.is_variable:
                self.put(value, _zeros(value))

    def _forget_values(self) -> dict[int, Array]:
        """Drop all but the model's constants; returns copies of what inputs held."""
        kept = {i: d.copy() for i in self._inputs if (d := self.values[i].data) is not None}
        self._memory = None
        for index, value in enumerate(self.values):
            value.constant = index in self._model_constants
            value.memory = None
            if value.constant:
                if value.data is None:
                    value.data = self.model.tensor_data(value.tensor)
            else:
                value.data = None
        self._early.clear()
        for node in self.nodes:
            node.dynamic = node.late = False
            node.slicing = None
            node.context.state.clear()
        return kept

    def _prepare_nodes(self, strict: bool = True) -> None:
        """Shapes in the model's order.

        A node without a kernel keeps the shapes that the file gives it, so that a delegate may
        claim it; what follows such a node and contradicts those shapes is left to the run. Unless
        `strict`, a node that its kernel refuses is taken like one without. LiteRT stops at the
        first tensor that it cannot size: a node behind it is refused when it runs, if ever.
        """
        assumed: set[int] = set()
        late = False
        for node in self.nodes:
            outputs = [t for t in node.op.outputs if t >= 0]
            guessed = node.kernel is None or not assumed.isdisjoint(node.op.inputs)
            if guessed:
                assumed.update(outputs)
            if not self._unknown.isdisjoint(node.op.inputs):
                node.dynamic = late = True
                self._unknown.update(outputs)
            elif node.kernel is not None:
                late = late or self._waits(node)
                try:
                    shapes = self._prepare(node)
                except RuntimeError:
                    node.late = late
                    if strict and not guessed and not late:
                        raise
                    if not guessed and not strict:
                        assumed.update(outputs)
                        continue
                    shapes = [None] * len(outputs)
                    node.dynamic = True  # also without outputs
                self._take_shapes(node, outputs, shapes)
                late = late or node.dynamic
                if not guessed:
                    self._fold(node, node.kernel)

    def _waits(self, node: Node) -> bool:
        """Whether LiteRT leaves the node's shapes to the run: some ops' always, others' for want of
        a value that we alone computed.
        """
        assert node.kernel is not None
        waits = node.kernel.waits
        early = [self.values[t] for t in self._early.intersection(node.op.inputs)]
        data = [value.data for value in early]
        for value in early:
            value.data = None
        try:
            if waits is not None and waits(node.context):
                return True
            return bool(early) and None in self._prepare(node)
        except RuntimeError:
            return False
        finally:
            node.context.state.clear()
            for value, array in zip(early, data, strict=True):
                value.data = array

    def _take_shapes(self, node: Node, outputs: list[int], shapes: list[Shape | None]) -> None:
        for t, shape in zip(outputs, shapes, strict=True):
            if shape is None:
                node.dynamic = True
                self._unknown.add(t)
            else:
                self.values[t].shape = shape

    def _prepare(self, node: Node, stage: str = "prepare") -> list[Shape | None]:
        assert node.kernel is not None
        try:
            shapes = node.kernel.prepare(node.context)
            for value, shape in zip(node.context.outputs, shapes, strict=False):
                require_positive(value, shape)
            return shapes
        except Exception as error:
            raise errors.refused_node(error, node.index, node.context, stage) from error

    def _fold(self, node: Node, kernel: Kernel) -> None:
        """Compute small integer results of constants now, so that shapes made of them are
        static.
        """
        context = node.context
        shape_only = node.op.name in ("SHAPE", "RANK")
        if node.dynamic or kernel.stateful or not context.outputs:
            return
        for out in context.outputs:
            small = int(np.prod(out.shape, dtype=np.int64)) <= _FOLD_ELEMENTS
            if not small or out.dtype.kind not in "iub" or out.quantized or out.tensor.is_variable:
                return
        if not shape_only and not all(v is None or v.constant for v in context.inputs):
            return
        self._store(node, self._evaluate(node, kernel))
        for out in context.outputs:
            out.constant = True
        given = () if shape_only else node.op.inputs
        if node.op.name not in _LITERT_FOLDS or not self._early.isdisjoint(given):
            self._early.update(node.op.outputs)

    # --- delegation ----------------------------------------------------------------------------

    def _make_claims(self, partitions: Iterable[InterpreterPartition]) -> Claims:
        return Claims(
            [op.inputs for op in self.graph.operators],
            [op.outputs for op in self.graph.operators],
            self.graph.outputs,
            list(partitions),
            [
                i
                for i, op in enumerate(self.graph.operators)
                if op.name in ORDERED_OPS or kernel_key(op) in self._registered
            ],
            self._edges,
        )

    def _apply_claims(self, claim: Claim) -> None:
        # Such a node's outputs are of unknown shape to delegates, which therefore leave it alone.
        hidden = self._unknown.union(
            *(n.op.outputs for n in self.nodes if hidden_from_delegates(n.op, self._registered))
        )
        shapes = {i: value.shape for i, value in enumerate(self.values) if i not in hidden}
        partitions = self._orderly(list(claim(self.index, shapes)))
        if not partitions:
            return
        claims = self._make_claims(partitions)
        executables: list[Executable] = []
        try:
            for partition in partitions:
                executables.append(partition.prepare(self._num_threads))  # noqa: PERF401
        except BaseException:
            _close_all(executables)
            raise
        self._claims, self._executables = claims, executables

    def _orderly(self, partitions: list[InterpreterPartition]) -> list[InterpreterPartition]:
        """The partitions that the model's control dependencies allow; all when it has none."""
        if not self._edges:
            return partitions
        kept: list[InterpreterPartition] = []
        for partition in partitions:
            try:
                self._make_claims([*kept, partition])
            except KernelError:
                continue  # its nodes run on the kernels, in the order that the model wants
            kept.append(partition)
        return kept

    @property
    def partitions(self) -> Sequence[InterpreterPartition]:
        """The partitions that run instead of nodes."""
        return self._claims.partitions

    def delegate_inputs(self, partition: InterpreterPartition) -> tuple[int, ...]:
        """All tensors from outside that the partition's nodes read, constants included, sorted."""
        made = {t for n in partition.nodes for t in self.graph.operators[n].outputs}
        read = {t for n in partition.nodes for t in self.graph.operators[n].inputs}
        return tuple(sorted(t for t in read - made if t >= 0))

    def close(self) -> None:
        """Release the executables of all partitions."""
        executables, self._executables = self._executables, []
        _close_all(executables)

    # --- memory --------------------------------------------------------------------------------

    def _step(self, step: int) -> Step:
        """A step of the run's order, as the planner of memory sees it."""
        if step < 0:
            partition = self._claims.partitions[-1 - step]
            return Step(partition.inputs, partition.outputs, keeps=True)
        op = self.graph.operators[step]
        ours = not self._registered or kernel_key(op) not in self._registered
        reads, writes = ([t for t in tensors if t >= 0] for tensors in (op.inputs, op.outputs))
        first_is_there = bool(op.inputs) and op.inputs[0] >= 0
        return Step(reads, writes, op.name if ours and first_is_there else None)

    @property
    def arena_bytes(self) -> int:
        """Bytes of the tensors' arena and of the variables; 0 before allocation."""
        memory = self._memory
        return 0 if memory is None else memory.nbytes + memory.variable_nbytes

    # --- running -------------------------------------------------------------------------------

    def invoke(self) -> None:
        """Run everything in order; RuntimeError before allocation or when a node fails."""
        if not self._ready:
            raise RuntimeError(errors.NOT_READY)
        with self._alone():
            self._run()

    def _run(self) -> None:
        for index in self._sources:
            self.data(index)
        assert self._memory is not None
        for step, done in zip(self._claims.order, self._memory.releases, strict=True):
            if step < 0:
                self._run_partition(-1 - step)
            else:
                self._run_node(self.nodes[step])
            for index in done:
                self.values[index].data = None

    def _run_partition(self, k: int) -> None:
        partition = self._claims.partitions[k]
        arrays = self._executables[k](*[self.data(t) for t in partition.inputs])
        for t, array in zip(partition.outputs, arrays, strict=True):
            self.values[t].data = array

    def _run_node(self, node: Node) -> None:
        kernel = node.kernel
        assert kernel is not None
        if node.dynamic:
            if not kernel.stateful:  # a random generator goes on where the last run left it
                node.context.state.clear()
            # What allocation could prepare but not size is sized by LiteRT when it runs.
            seen = self._unknown.isdisjoint(node.op.inputs) and not node.late
            shapes = self._prepare(node, "invoke" if seen else "prepare")
            for value, shape in zip(node.context.outputs, shapes, strict=True):
                if shape is not None:
                    value.shape = shape
                    self._check_room(node, value)
        for given in node.context.inputs:
            # A tensor without elements that no node makes: its buffer has no bytes, so that it
            # is no constant (in LiteRT neither), yet all of it is known.
            if given is not None and given.data is None and 0 in given.shape:
                given.data = _zeros(given)
        self._store(node, self._evaluate(node, kernel))

    def _evaluate(self, node: Node, kernel: Kernel) -> list[Array]:
        try:
            if node.slicing is not None:
                return evaluate_slices(kernel, node.context, node.slicing)
            return kernel.run(node.context)
        except Exception as error:  # whatever a kernel did not foresee, too
            raise errors.failed_node(error, node.index, node.op.name) from error

    def _store(self, node: Node, arrays: list[Array]) -> None:
        for value, array in zip(node.context.outputs, arrays, strict=True):
            memory = value.memory
            if memory is None or memory.shape != array.shape:
                value.data = array
                if array.shape != value.shape:
                    value.shape = array.shape
            else:
                if array is not memory:
                    np.copyto(memory, array)
                value.data = memory


def _close_all(executables: list[Executable]) -> None:
    for executable in executables:
        close: Any = getattr(executable, "close", None)
        if close is not None:
            close()


def _zeros(value: TensorValue) -> Array:
    if value.dtype.hasobject:
        empty = np.empty(value.shape, object)
        empty[...] = b""
        return empty
    # LiteRT starts int8 variables alone from their zero point.
    fill = value.zero_point if value.tensor.is_variable and value.dtype == np.int8 else 0
    return np.full(value.shape, fill, value.dtype)


def _same_type(given: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    return given.kind == wanted.kind and given.itemsize == wanted.itemsize
