"""What a delegate sees of the interpreter's graph: nodes, tensors and partitions, as Python.

The objects are snapshots taken while the interpreter runs the delegate's Prepare; they stay
readable afterwards. Only `TensorView.data` points into the interpreter's own memory, and only for
constants, which stay where they are for as long as the interpreter lives.
"""

from __future__ import annotations

import ctypes as c
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.litert import structs
from litefuse.runtime.litert.attributes import read_attributes
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.model.enums import BuiltinOperator

Array = npt.NDArray[Any]

_NO_FLOATS = np.empty(0, np.float32)
_NO_INTS = np.empty(0, np.int32)
_TENSOR_BYTES = c.sizeof(structs.TfLiteTensor)
_ALLOCATIONS = {
    0: "none", 1: "constant", 2: "arena", 3: "variable", 4: "dynamic", 5: "computed constant",
    6: "custom", 7: "variant", 8: "not in CPU memory",
}  # fmt: skip


def array_at(address: int, dtype: np.dtype[Any], shape: tuple[int, ...], nbytes: int) -> Array:
    """A writable array over foreign memory, without a copy; the caller vouches for its life."""
    buffer: Any = (c.c_char * nbytes).from_address(address)
    elements: Array = np.frombuffer(buffer, dtype, count=math.prod(shape))
    return elements.reshape(shape)


@dataclass(frozen=True, slots=True)
class TensorView:
    """One tensor at the time of Prepare.

    `type_name` is spelled as in the TFLite schema; `dtype` is None for types NumPy lacks.
    `shape` is the interpreter's current shape. `scales`, `zero_points` and
    `quantized_dimension` are empty or 0 for unquantized tensors.
    """

    index: int
    name: str
    type_name: str
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...] | None
    nbytes: int
    allocation: int
    is_variable: bool
    quantization_kind: int
    scales: npt.NDArray[np.float32] = field(compare=False)
    zero_points: npt.NDArray[np.int32] = field(compare=False)
    quantized_dimension: int
    is_sparse: bool
    address: int = field(repr=False)

    @property
    def is_constant(self) -> bool:
        """Whether the bytes come from the model file and never change."""
        return self.allocation == structs.MMAP_RO and self.address != 0

    @property
    def is_dynamic(self) -> bool:
        """Whether the interpreter knows the shape only while it runs."""
        return self.allocation == structs.DYNAMIC

    @property
    def allocation_name(self) -> str:
        """The kind of memory, in words."""
        return _ALLOCATIONS.get(self.allocation, f"allocation type {self.allocation}")

    @property
    def raw(self) -> memoryview | None:
        """The bytes of a constant, read-only and without a copy; None for other tensors."""
        if not self.is_constant:
            return None
        return memoryview((c.c_char * self.nbytes).from_address(self.address)).toreadonly()

    @property
    def data(self) -> Array | None:
        """The elements of a constant as a read-only array; None where there is no such array."""
        if not self.is_constant or self.dtype is None or self.is_sparse:
            return None
        array = array_at(self.address, self.dtype, self.shape, self.nbytes)
        array.flags.writeable = False
        return array


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node: operator, tensor indices (-1 is an absent optional input), attributes.

    `name` is the schema's operator name, or the custom operator's own. `attributes` has the
    schema's field names and numbers (`fused_activation_function`: 1 is RELU); fields that this
    operator version lacks are missing. It is None where the attributes cannot be read.
    """

    index: int
    code: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    attributes: dict[str, Any] | None = field(compare=False)
    custom_data: bytes = field(repr=False)
    graph: GraphView = field(repr=False, compare=False)

    @property
    def input_tensors(self) -> tuple[TensorView | None, ...]:
        """The operands, None where an optional one is absent."""
        return tuple(None if i < 0 else self.graph.tensor(i) for i in self.inputs)

    @property
    def output_tensors(self) -> tuple[TensorView, ...]:
        """The results."""
        return tuple(self.graph.tensor(i) for i in self.outputs)


@dataclass(frozen=True, slots=True)
class PartitionView:
    """Nodes that the interpreter can run as one: node ids in order, tensors in and out.

    `inputs` includes constants, as the interpreter lists them.
    """

    nodes: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class GraphView:
    """One subgraph of an interpreter, while its Prepare callback runs.

    `plan` holds the node ids in execution order. Nodes are read at once, since claiming nodes
    moves the interpreter's own records; tensors on first use.
    """

    def __init__(self, context: int) -> None:
        self.context = context
        header = structs.TfLiteContext.from_address(context)
        self.num_tensors = int(header.tensors_size)
        self.num_threads = int(header.recommended_num_threads)
        plan = c.c_void_p()
        self._call("GetExecutionPlan", c.byref(plan))
        self.plan = structs.read_ints(plan.value)
        self._nodes = {i: self._read_node(i) for i in self.plan}
        self._tensors: dict[int, TensorView] = {}
        self._closed = False
        # Prepare ran on this graph before: after a resize, shapes between nodes may be stale.
        self.is_redo = False
        # Which subgraph of the interpreter this is: 0 is the main one.
        self.subgraph = 0

    @property
    def nodes(self) -> tuple[NodeView, ...]:
        """Every node in execution order."""
        return tuple(self._nodes[i] for i in self.plan)

    def node(self, index: int) -> NodeView:
        """The node with this id; KeyError if the plan has none."""
        return self._nodes[index]

    def tensor(self, index: int) -> TensorView:
        """The tensor with this index; IndexError if there is none."""
        found = self._tensors.get(index)
        if found is None:
            if self._closed:
                raise LiteRTError(
                    f"tensor {index} was not looked at while Prepare ran; read it in "
                    "is_node_supported or prepare if it is needed later"
                )
            if not 0 <= index < self.num_tensors:
                raise IndexError(f"tensor {index} of a graph with {self.num_tensors} tensors")
            found = self._tensors[index] = read_tensor(self.context, index)
        return found

    def close(self) -> None:
        """Stop reading the interpreter's memory: what was read stays."""
        self._closed = True

    def partitions(self, nodes: Sequence[int]) -> list[PartitionView]:
        """How the interpreter would group these nodes if they were claimed; changes nothing."""
        if not nodes:
            return []
        wanted = structs.int_array(nodes)
        params, count = c.c_void_p(), c.c_int()
        self._call(
            "PreviewDelegatePartitioning", c.addressof(wanted), c.byref(params), c.byref(count)
        )
        if not params.value:
            return []
        found = (structs.TfLiteDelegateParams * count.value).from_address(params.value)
        return [
            PartitionView(
                structs.read_ints(p.nodes_to_replace),
                structs.read_ints(p.input_tensors),
                structs.read_ints(p.output_tensors),
            )
            for p in found
        ]

    def _call(self, name: str, *arguments: object) -> None:
        status = structs.context_call(self.context, name, *arguments)
        if status != structs.OK:
            raise LiteRTError(f"the interpreter's {name} returned status {status}")

    def _read_node(self, index: int) -> NodeView:
        node_address, registration_address = c.c_void_p(), c.c_void_p()
        self._call(
            "GetNodeAndRegistration", index, c.byref(node_address), c.byref(registration_address)
        )
        if not node_address.value or not registration_address.value:
            raise LiteRTError(f"the interpreter has no record of node {index}")
        node = structs.TfLiteNode.from_address(node_address.value)
        registration = structs.TfLiteRegistration.from_address(registration_address.value)
        code = int(registration.builtin_code)
        custom = b""
        if node.custom_initial_data and node.custom_initial_data_size > 0:
            custom = c.string_at(node.custom_initial_data, node.custom_initial_data_size)
        name = _operator_name(code, registration.custom_name)
        version = int(registration.version)
        return NodeView(
            index=index,
            code=code,
            name=name,
            version=version,
            inputs=structs.read_ints(node.inputs),
            outputs=structs.read_ints(node.outputs),
            intermediates=structs.read_ints(node.intermediates),
            attributes=read_attributes(name, version, node.builtin_data or 0),
            custom_data=custom,
            graph=self,
        )


def _operator_name(code: int, custom_name: bytes | None) -> str:
    if code in (structs.CUSTOM_OP, structs.DELEGATE_OP) and custom_name:
        return custom_name.decode("utf-8", "replace")
    try:
        return BuiltinOperator(code).name
    except ValueError:
        return f"BUILTIN_{code}"


def tensor_address(context: int, index: int) -> int:
    """Where the TfLiteTensor is now; adding tensors moves them, so never keep it."""
    base: int = structs.TfLiteContext.from_address(context).tensors
    return base + index * _TENSOR_BYTES


def read_tensor(context: int, index: int) -> TensorView:
    """A snapshot of one tensor of the graph at `context`."""
    raw = structs.TfLiteTensor.from_address(tensor_address(context, index))
    type_name, dtype = structs.TENSOR_TYPES.get(raw.type, (f"TYPE_{raw.type}", ""))
    scales, zero_points, dimension = _NO_FLOATS, _NO_INTS, 0
    if raw.quantization.type == 1 and raw.quantization.params:
        affine = structs.TfLiteAffineQuantization.from_address(raw.quantization.params)
        scales = np.frombuffer(structs.counted_bytes(affine.scale), np.float32)
        zero_points = np.frombuffer(structs.counted_bytes(affine.zero_point), np.int32)
        dimension = int(affine.quantized_dimension)
    return TensorView(
        index=index,
        name=(raw.name or b"").decode("utf-8", "replace"),
        type_name=type_name,
        dtype=np.dtype(dtype) if dtype else None,
        shape=structs.read_ints(raw.dims),
        shape_signature=structs.read_ints(raw.dims_signature) or None,
        nbytes=int(raw.bytes),
        allocation=int(raw.allocation_type),
        is_variable=bool(raw.is_variable),
        quantization_kind=int(raw.quantization.type),
        scales=scales,
        zero_points=zero_points,
        quantized_dimension=dimension,
        is_sparse=bool(raw.sparsity),
        address=raw.data or 0,
    )
