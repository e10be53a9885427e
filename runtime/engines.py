"""The two ways in which a compiled model runs: code alone, or code and NumPy kernels in turn."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from litefuse.runtime.errors import ExecutionError, PortError
from litefuse.runtime.executor import Executable
from litefuse.runtime.program import Part, TensorInfo
from litefuse.runtime.threads import ThreadPool

if TYPE_CHECKING:
    from litefuse.runtime.interpreter.delegation import InterpreterPartition
    from litefuse.runtime.model import Model


class Engine(Protocol):
    """Runs a model on arrays in the order of its inputs; makes new arrays for its outputs."""

    def run(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """One run; PortError for arrays that do not fit, ExecutionError once closed."""

    def reset(self) -> None:
        """Set every variable of the model back to where it starts."""

    def numba_callable(self) -> Any:
        """See `CompiledModel.numba_callable`."""

    def close(self) -> None:
        """Free what it holds; again is harmless."""


def runs_alone(
    parts: Sequence[Part],
    nodes: int,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
) -> bool:
    """Whether one partition is the whole model: all its nodes, all its outputs, no other input."""
    if len(parts) != 1 or parts[0].partition.subgraph != 0:
        return False
    partition = parts[0].partition
    return (
        len(partition.nodes) == nodes
        and set(partition.inputs) <= {port.tensor for port in inputs}
        and {port.tensor for port in outputs} <= set(partition.outputs)
    )


class CodeEngine:
    """A model that is one partition: arrays go straight into the code."""

    def __init__(
        self,
        part: Part,
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        pool: ThreadPool,
    ) -> None:
        if part.image is None:
            raise ExecutionError("code for another machine does not run here")
        self.executable = Executable(part.image, pool)
        self._inputs = tuple(inputs)
        at = {port.tensor: i for i, port in enumerate(self._inputs)}
        self._feed = [at[port.tensor] for port in self.executable.inputs]
        self._unused = [i for i in range(len(self._inputs)) if i not in self._feed]
        made = {port.tensor: i for i, port in enumerate(self.executable.outputs)}
        self._give = [made[port.tensor] for port in outputs]
        self._straight = self._feed == list(range(len(self._inputs))) and self._give == list(
            range(len(made))
        )

    def run(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """See `Engine.run`."""
        if self._straight:
            return self.executable(*arrays)
        for i in self._unused:  # the graph has it and reads it nowhere: still it must fit
            check(self._inputs[i], arrays[i])
        results = self.executable(*[arrays[i] for i in self._feed])
        repeated = len(set(self._give)) < len(self._give)
        return [results[i].copy() if repeated else results[i] for i in self._give]

    def numba_callable(self) -> Any:
        """See `CompiledModel.numba_callable`."""
        if self._unused or sorted(self._give) != list(range(len(self.executable.outputs))):
            raise ExecutionError(
                "numba_callable: the model has inputs that nothing reads, or outputs twice; its "
                "code has other arguments than the model"
            )
        first = len(self._feed)
        order = [self._feed.index(i) for i in range(first)] + [first + i for i in self._give]
        return self.executable.numba_callable(order)

    def reset(self) -> None:
        """Nothing: nodes with variables are never claimed."""

    def close(self) -> None:
        """See `Engine.close`."""
        self.executable.close()


class MixedEngine:
    """A model of several partitions and nodes in between, which run on the NumPy kernels."""

    def __init__(
        self,
        content: bytes | memoryview,
        parts: Sequence[Part],
        inputs: Sequence[TensorInfo],
        outputs: Sequence[TensorInfo],
        pool: ThreadPool,
    ) -> None:
        from litefuse.runtime.interpreter import Interpreter, OpResolverType

        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        self._lock = threading.Lock()
        self._closed = False
        self._interpreter = Interpreter(
            model_content=content,
            experimental_delegates=[_Given(parts, pool)],
            num_threads=pool.num_threads,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()

    def run(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """See `Engine.run`."""
        given = [check(port, value) for port, value in zip(self._inputs, arrays, strict=True)]
        with self._lock:
            if self._closed:
                raise ExecutionError("the compiled model is closed")
            for port, array in zip(self._inputs, given, strict=True):
                self._interpreter.set_tensor(port.tensor, array)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(port.tensor) for port in self._outputs]

    def reset(self) -> None:
        """See `Engine.reset`."""
        with self._lock:
            self._interpreter.reset_all_variables()

    def numba_callable(self) -> Any:
        """Always ExecutionError: NumPy kernels cannot run inside Numba's code."""
        raise ExecutionError(
            "numba_callable needs a model that is one partition, all of it machine code; "
            "explain() says which nodes are not and what to do"
        )

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for index in range(self._interpreter.num_subgraphs()):
                    self._interpreter.subgraph(index).close()


class _Given:
    """A delegate of our interpreter that claims what has been compiled already."""

    def __init__(self, parts: Sequence[Part], pool: ThreadPool) -> None:
        self._parts, self._pool = tuple(parts), pool

    def claim(
        self, model: Model, subgraph_index: int, shapes: Mapping[int, tuple[int, ...]]
    ) -> Iterable[InterpreterPartition]:
        """The partitions of this subgraph, where the shapes are those they were compiled for."""
        for part in self._parts:
            partition = part.partition
            now = {i: shapes.get(i, shape) for i, shape in partition.shapes.items()}
            if partition.subgraph == subgraph_index and now == partition.shapes:
                yield _GivenPart(part, self._pool)


class _GivenPart:
    """One such claim."""

    def __init__(self, part: Part, pool: ThreadPool) -> None:
        self.nodes = part.partition.nodes
        self.inputs = part.partition.inputs
        self.outputs = part.partition.outputs
        self._part, self._pool = part, pool

    def prepare(self, num_threads: int) -> Executable:
        """The partition's code, on the model's threads (which are `num_threads`)."""
        del num_threads
        if self._part.image is None:
            raise ExecutionError("code for another machine does not run here")
        return Executable(self._part.image, self._pool)


def check(port: TensorInfo, value: Any) -> np.ndarray:
    """`value` as an array of the port's dtype and shape, or PortError."""
    array = np.asarray(value)
    wanted = np.dtype(port.dtype)
    text = wanted.hasobject and array.dtype.kind in "OSU"
    if array.dtype != wanted and not text:
        raise PortError(
            f"input {port.name!r} is {array.dtype} but must be {wanted.name}; convert it with "
            f".astype({wanted.name!r}) (or quantise it)"
        )
    if array.shape != port.shape:
        raise PortError(
            f"input {port.name!r} has shape {array.shape} but must have {port.shape}; compile for "
            "other shapes with litefuse.compile(model, input_shapes=...)"
        )
    return array
