"""`Interpreter`: LiteRT's Python API over litefuse's delegate and NumPy kernels."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, unique
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.errors import LitefuseWarning
from litefuse.runtime.interpreter import arguments, errors
from litefuse.runtime.interpreter.custom_ops import resolve
from litefuse.runtime.interpreter.default_delegate import default_delegate
from litefuse.runtime.interpreter.delegation import (
    InterpreterDelegate,
    InterpreterPartition,
    check_delegate,
)
from litefuse.runtime.interpreter.details import Details, node_details, signature_tensors
from litefuse.runtime.interpreter.lookup import Registered
from litefuse.runtime.interpreter.op_versions import check_versions
from litefuse.runtime.interpreter.signature import SignatureRunner
from litefuse.runtime.interpreter.subgraph import SubgraphState
from litefuse.runtime.interpreter.views import ViewTracker
from litefuse.runtime.kernels.base import Array, Shape
from litefuse.runtime.model import Model, ModelError, read_model


@unique
class OpResolverType(Enum):
    """Which implementation runs the nodes that no given delegate claims.

    AUTO and BUILTIN let litefuse's own delegate claim first; BUILTIN_REF and
    BUILTIN_WITHOUT_DEFAULT_DELEGATES run everything on the NumPy kernels.
    """

    AUTO = 0
    BUILTIN = 1
    BUILTIN_REF = 2
    BUILTIN_WITHOUT_DEFAULT_DELEGATES = 3


class Interpreter:
    """Runs a .tflite model.

    Arguments are LiteRT's.  Those that tune its native delegates (clustering, node fusion, node
    profiling, latest features) are accepted and change nothing here.  ValueError for a model that
    cannot be read and for arguments out of range; RuntimeError from allocation and runs.
    """

    _registered: Registered = MappingProxyType({})  # the user's ops: InterpreterWithCustomOps

    def __init__(
        self,
        model_path: str | os.PathLike[str] | None = None,
        model_content: bytes | memoryview | None = None,
        experimental_delegates: Sequence[Any] | None = None,
        num_threads: int | None = None,
        experimental_op_resolver_type: OpResolverType = OpResolverType.AUTO,
        experimental_preserve_all_tensors: bool = False,
        experimental_disable_delegate_clustering: bool = False,
        experimental_default_delegate_latest_features: bool = False,
        experimental_compress_quantization_zero_points: bool = False,
        experimental_disable_delegate_node_fusion: bool = False,
        experimental_force_delegate_node_profiling: bool = False,
    ) -> None:
        self._compress_zero_points = experimental_compress_quantization_zero_points
        flags = {
            "experimental_preserve_all_tensors": experimental_preserve_all_tensors,
            "experimental_disable_delegate_clustering": experimental_disable_delegate_clustering,
            "experimental_default_delegate_latest_features": (
                experimental_default_delegate_latest_features
            ),
            "experimental_compress_quantization_zero_points": (
                experimental_compress_quantization_zero_points
            ),
            "experimental_disable_delegate_node_fusion": experimental_disable_delegate_node_fusion,
            "experimental_force_delegate_node_profiling": (
                experimental_force_delegate_node_profiling
            ),
        }
        self._resolver = _resolver(experimental_op_resolver_type)
        optimised = self._resolver in (OpResolverType.AUTO, OpResolverType.BUILTIN)
        if experimental_preserve_all_tensors and optimised:
            warnings.warn(errors.PRESERVE_WARNING, stacklevel=2)
        self._preserve = bool(experimental_preserve_all_tensors)
        self._num_threads = _thread_count(num_threads)
        self.model, self._name = _open(model_path, model_content)
        check_versions(self.model, self._registered)
        for name, given in flags.items():
            arguments.flag(given, "CreateWrapperFromBuffer", name)
        self._delegates: list[InterpreterDelegate] = [
            check_delegate(delegate) for delegate in experimental_delegates or ()
        ]
        self._use_default = optimised and not experimental_preserve_all_tensors
        self._warned = False
        self._views = ViewTracker()
        self.resources: dict[Any, Any] = {}
        self._subgraphs: dict[int, SubgraphState] = {}
        self.subgraph(0)

    def __del__(self) -> None:
        for state in getattr(self, "_subgraphs", {}).values():
            state.close()

    # --- what other parts of the runtime use ---------------------------------------------------

    def subgraph(self, index: int) -> SubgraphState:
        """The state of one subgraph, made on first use."""
        state = self._subgraphs.get(index)
        if state is None:
            # Weak, so that dropping the interpreter ends its executables at once.
            asks = self._delegates or self._use_default
            claim = weakref.WeakMethod(self._claim) if asks else None
            host = weakref.proxy(self)
            state = SubgraphState(
                self.model,
                index,
                host,
                self._name,
                claim,
                self._num_threads,
                self._registered,
                self._preserve,
            )
            self._subgraphs[index] = state
        return state

    def run_subgraph(self, index: int, inputs: Sequence[Array]) -> list[Array]:
        """Run a subgraph on these inputs, resizing it to them; its outputs (control-flow ops)."""
        state = self.subgraph(index)
        for tensor, array in zip(state.graph.inputs, inputs, strict=True):
            state.resize_input(tensor, array.shape, strict=False)
        state.allocate()
        for tensor, array in zip(state.graph.inputs, inputs, strict=True):
            if not state.is_constant(tensor):
                state.put(state.values[tensor], array)
        state.invoke()
        return [state.data(tensor).copy() for tensor in state.graph.outputs]

    def subgraph_ops(self, index: int) -> list[str]:
        """Names of a subgraph's ops, in order; none when there is no such subgraph."""
        graphs = self.model.subgraphs
        return [op.name for op in graphs[index].operators] if 0 <= index < len(graphs) else []

    def subgraph_io(self, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """The tensors that are a subgraph's inputs, and those that are its outputs."""
        graph = self.subgraph(index).graph
        return graph.inputs, graph.outputs

    def subgraph_output_shapes(self, index: int, inputs: Sequence[Shape]) -> list[Shape | None]:
        """Shapes that a subgraph gives for these input shapes; None where only a run can tell."""
        state = self.subgraph(index)
        for tensor, shape in zip(state.graph.inputs, inputs, strict=True):
            state.resize_input(tensor, shape, strict=False)
        state.allocate()
        return state.output_shapes()

    def ensure_safe(self) -> None:
        """RuntimeError while a view that `tensor()` gave is still referenced."""
        if self._views.alive():
            raise RuntimeError(errors.REFERENCE_ALIVE)

    def _claim(self, index: int, shapes: dict[int, Shape]) -> Iterable[InterpreterPartition]:
        """What the delegates claim: those given first, in order, then litefuse's own."""
        taken: set[int] = set()
        found: list[InterpreterPartition] = []
        for delegate in self._delegates:
            for partition in delegate.claim(self.model, index, shapes):
                if taken.isdisjoint(partition.nodes):
                    taken.update(partition.nodes)
                    found.append(partition)
        if self._use_default and not self._delegates:
            found.extend(self._claim_by_default(index, shapes))
        return found

    def _claim_by_default(
        self, index: int, shapes: dict[int, Shape]
    ) -> Iterable[InterpreterPartition]:
        """litefuse's own claims; a failure leaves the graph to the kernels, with one warning."""
        try:
            delegate = default_delegate(self._num_threads)
            return () if delegate is None else list(delegate.claim(self.model, index, shapes))
        except Exception as error:
            if not self._warned:
                self._warned = True
                text = f"{self._name} runs without compiled code: {error}"
                if isinstance(error, ImportError):
                    text += (
                        ". NumPy is enough for the interpreter's kernels, which are slower; pip "
                        "install litefuse brings what compiled code needs. To run on the kernels "
                        "without this warning, pass OpResolverType.BUILTIN_REF"
                    )
                warnings.warn(text, LitefuseWarning, stacklevel=2)
            return ()

    # --- LiteRT's API --------------------------------------------------------------------------

    def allocate_tensors(self) -> None:
        """Make the graph ready to run; RuntimeError names what is missing or refused."""
        self.ensure_safe()
        self.subgraph(0).allocate()

    def invoke(self) -> None:
        """Run the graph; RuntimeError before allocation, or while a `tensor()` view is alive."""
        self.ensure_safe()
        self.subgraph(0).invoke()

    def set_tensor(self, tensor_index: int, value: npt.ArrayLike) -> None:
        """Copy `value` into a tensor; ValueError unless its type and shape are the tensor's."""
        index = arguments.whole_number(tensor_index, "SetTensor", "tensor_index")
        self.subgraph(0).set_tensor(index, value)

    def get_tensor(self, tensor_index: int, subgraph_index: int = 0) -> Any:
        """A copy of a tensor's value, a NumPy scalar at rank 0; ValueError when it has none yet."""
        index = arguments.whole_number(tensor_index, "GetTensor", "tensor_index")
        subgraph = arguments.whole_number(subgraph_index, "GetTensor", "subgraph_index")
        return self._checked(subgraph).get_tensor(index)

    def tensor(self, tensor_index: int) -> Callable[[], Any]:
        """A function that gives a view of the tensor's memory as it is when called.

        Keep the function, not the view: nothing runs while a view is alive. At rank 0 it gives a
        NumPy scalar, which is no view.
        """

        def view() -> Any:
            index = arguments.whole_number(tensor_index, "tensor", "tensor_index")
            state = self.subgraph(0)
            data = state.data(index)
            if not data.ndim:
                return data[()]
            return self._views.view(data, writable=not state.is_constant(index))

        return view

    def resize_tensor_input(
        self, input_index: int, tensor_size: npt.ArrayLike, strict: bool = False
    ) -> None:
        """Give an input another shape; allocate again before running.

        `strict` lets only dimensions change that the model's signature leaves open.
        """
        self.ensure_safe()
        shape = np.array(tensor_size, np.int32)
        if shape.ndim != 1:
            raise ValueError(f"Shape should be 1D instead of {shape.ndim}.")
        index = arguments.whole_number(input_index, "ResizeInputTensor", "input_index")
        strictly = arguments.flag(strict, "ResizeInputTensor", "strict")
        self.subgraph(0).resize_input(index, tuple(int(d) for d in shape), strictly)

    def get_input_details(self) -> list[Details]:
        """A dictionary for each input of the graph."""
        state = self.subgraph(0)
        return [state.details(i) for i in state.graph.inputs]

    def get_output_details(self) -> list[Details]:
        """A dictionary for each output of the graph."""
        state = self.subgraph(0)
        return [state.details(i) for i in state.graph.outputs]

    def get_tensor_details(self, subgraph_index: int = 0) -> list[Details]:
        """A dictionary for each tensor that has a NumPy type; ValueError for no such subgraph."""
        count = self.num_subgraphs()
        if subgraph_index < 0 or subgraph_index >= count:
            raise ValueError(
                f"subgraph_index is out of range: {subgraph_index} for the model, "
                f"which has {count} subgraphs."
            )
        index = arguments.whole_number(subgraph_index, "NumTensors", "subgraph_index")
        state = self.subgraph(index)
        found = [state.details(i) for i in range(len(state.values))]
        return [details for details in found if details["dtype"] is not None]

    def get_signature_list(self) -> dict[str, dict[str, list[str]]]:
        """{signature key: {"inputs": [...], "outputs": [...]}}."""
        return {
            key: {name: list(tensors) for name, tensors in signature.items()}
            for key, signature in self._get_full_signature_list().items()
        }

    def get_signature_runner(self, signature_key: str | None = None) -> SignatureRunner:
        """A callable for one signature; without a key, for the only one."""
        if signature_key is None:
            signatures = self.get_signature_list()
            if len(signatures) != 1:
                raise ValueError(
                    f"SignatureDef signature_key is None and model has {len(signatures)} "
                    "Signatures. None is only allowed when the model has 1 SignatureDef"
                )
            signature_key = next(iter(signatures))
        return SignatureRunner(interpreter=self, signature_key=signature_key)

    def num_subgraphs(self) -> int:
        """How many subgraphs the model has."""
        return len(self.model.subgraphs)

    def reset_all_variables(self) -> None:
        """Zero all variable tensors (resource variables keep their values, as in LiteRT)."""
        for state in self._subgraphs.values():
            state.reset_variables()

    @property
    def arena_bytes(self) -> int:
        """Bytes of tensor memory that is planned now: the arenas of all subgraphs in use, and their
        variables.

        0 before allocation.  Weights are not among them (they stay in the mapped file), nor are
        tensors whose shape only a run can tell.  LiteRT has no such property.
        """
        return sum(state.arena_bytes for state in self._subgraphs.values())

    @property
    def experimental_compress_quantization_zero_points(self) -> bool:
        """The argument of that name."""
        return self._compress_zero_points

    def _get_op_details(self, op_index: int) -> Details:
        """One entry of `_get_ops_details`; ValueError for no such node."""
        index = arguments.whole_number(op_index, "NodeInputs", "op_index")
        state = self.subgraph(0)
        nodes, partitions = state.graph.operators, state.partitions
        if 0 <= index < len(nodes):
            op = nodes[index]
            return node_details(self.model, index, op.name, op.inputs, op.outputs)
        if not 0 <= index - len(nodes) < len(partitions):
            raise ValueError(errors.NO_NODE)
        partition = partitions[index - len(nodes)]
        inputs, outputs = state.delegate_inputs(partition), tuple(partition.outputs)
        return node_details(self.model, index, "DELEGATE", inputs, outputs)

    def _get_tensor_details(self, tensor_index: int, subgraph_index: int) -> Details:
        """One tensor's dictionary; ValueError for no such tensor, or one without a NumPy type."""
        details = self._checked(int(subgraph_index)).details(int(tensor_index))
        if details["dtype"] is None:
            raise ValueError("Could not get tensor details")
        return details

    def _get_full_signature_list(self) -> dict[str, dict[str, dict[str, int]]]:
        """`get_signature_list` with each name's tensor index."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for signature in self.model.signature_defs:
            tensors = signature_tensors(self.model, signature.signature_key)
            if tensors is not None:
                found[signature.signature_key] = {"inputs": tensors[0], "outputs": tensors[1]}
        return found

    def _get_ops_details(self) -> list[Details]:
        """The model's nodes in order, then one DELEGATE node for each claimed partition."""
        state = self.subgraph(0)
        count = len(state.graph.operators) + len(state.partitions)
        return [self._get_op_details(i) for i in range(count)]

    def _native_handle(self) -> int:
        """Always RuntimeError: there is no native interpreter behind this one."""
        raise RuntimeError(
            "litefuse.Interpreter has no native handle; use ai_edge_litert's Interpreter with "
            "litefuse.Delegate where one is needed"
        )

    def __getstate__(self) -> object:
        """TypeError: an interpreter is neither pickled nor copied."""
        raise TypeError(
            f"cannot pickle '{type(self).__module__}.{type(self).__name__}' object; make another "
            "interpreter of the same model"
        )

    def _checked(self, subgraph_index: int) -> SubgraphState:
        index = int(subgraph_index)
        if not 0 <= index < self.num_subgraphs():
            raise errors.invalid_subgraph(index, self.num_subgraphs())
        return self.subgraph(index)


class InterpreterWithCustomOps(Interpreter):
    """An interpreter in which Python functions run custom ops, or builtins in place of our kernels.

    `custom_op_registerers` holds `CustomOp`s and functions that take an `OpResolver` and add ops to
    it (see `custom_ops`).  Such nodes are never claimed by litefuse's own delegate.  ValueError for
    LiteRT's native registerers, which nothing but LiteRT's interpreter can call.
    """

    def __init__(self, custom_op_registerers: Sequence[Any] | None = None, **kwargs: Any) -> None:
        self._registered = resolve(custom_op_registerers)
        super().__init__(**kwargs)


def _resolver(given: Any) -> OpResolverType:
    """The resolver type; one of LiteRT's own enumeration is taken by name."""
    hash(given)  # TypeError, as in LiteRT, which looks it up in a dictionary
    name = getattr(given, "name", None)
    if isinstance(given, Enum) and name in OpResolverType.__members__:
        return OpResolverType[str(name)]
    raise ValueError(f"Unrecognized passed in op resolver type: {given}")


def _thread_count(given: Any) -> int:
    if given is None:
        return 1
    if not isinstance(given, int):
        raise ValueError("type of num_threads should be int")
    if given < 1:
        raise ValueError("num_threads should >= 1")
    return given


def _open(path: Any, content: Any) -> tuple[Model, str]:
    """The model and a name for error texts; ValueError in LiteRT's words, then ours."""
    if path and content:
        raise ValueError("Can't both provide `model_path` and `model_content`")
    if not path and not content:
        raise ValueError("`model_path` or `model_content` must be specified.")
    if not path:
        return _read(arguments.content(content)), "the model"
    name = os.fsdecode(path)
    if not os.path.isfile(name):  # noqa: PTH113 - a path object would cost its import
        raise ValueError(f"Could not open '{name}'.The model allocation is null/empty")
    if os.path.getsize(name) == 0:  # noqa: PTH202
        raise ValueError(errors.EMPTY_FILE)
    return _read(name), os.path.basename(name)  # noqa: PTH119


def _read(source: Any) -> Model:
    try:
        return read_model(source)
    except ModelError as error:
        raise ValueError(f"The model is not a valid Flatbuffer buffer: {error}") from error
