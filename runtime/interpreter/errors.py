"""The error texts of LiteRT's Python API that programs are known to read, and our own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from litefuse.runtime.kernels import NodeContext

NOT_READY = "Invoke called on model that is not ready."
DATA_IS_NULL = "Tensor data is null. Run allocate_tensors() first"
UNALLOCATED = "Cannot set tensor: Tensor is unallocated. Try calling allocate_tensors() first"
UNREADABLE = "Failed to convert value into readable tensor."
NOT_BYTES = "PyBytes_AsStringAndSize() failed."
NOT_UTF8 = "PyUnicode_AsUTF8AndSize() failed."
NO_NODE = "Invalid node index"
EMPTY_FILE = "mmap of size 0 requested.The model allocation is null/empty"
FIXED_SIZE = "Attempting to resize a fixed-size tensor."
REFERENCE_ALIVE = (
    "There is at least 1 reference to internal data\n"
    "      in the interpreter in the form of a numpy array or slice. Be sure to\n"
    "      only hold the function returned from tensor() if you are using raw\n"
    "      data access."
)
PRESERVE_WARNING = (
    "Enabling `experimental_preserve_all_tensors` keeps every intermediate tensor and turns off "
    "delegation by default; use it for debugging."
)

_TYPE_NAMES = {
    "float32": "FLOAT32",
    "float64": "FLOAT64",
    "float16": "FLOAT16",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "bool": "BOOL",
    "complex64": "COMPLEX64",
    "complex128": "COMPLEX128",
}


def type_name(dtype: np.dtype[Any]) -> str:
    """LiteRT's name of a NumPy dtype; NOTYPE for one that no tensor can have."""
    if dtype.kind in "OSU":
        return "STRING"
    return _TYPE_NAMES.get(dtype.name, "NOTYPE")


def invalid_tensor(index: int, count: int) -> ValueError:
    """For a tensor index outside the subgraph."""
    return ValueError(f"Invalid tensor index {index} exceeds max tensor index {count}")


def invalid_subgraph(index: int, count: int) -> ValueError:
    """For a subgraph index outside the model, where one tensor is asked for."""
    return ValueError(f"Invalid subgraph index {index} exceeds max subgraph index {count}")


def no_array(value: Any) -> ValueError:
    """For set_tensor of a string tensor with a list, or another thing that is no array."""
    return ValueError(
        f"Passed in value type is not a numpy array, got type {type(value).__name__}."
    )


def no_such_input(index: int, count: int) -> RuntimeError:
    """For a resize of a tensor outside the subgraph."""
    return RuntimeError(
        "tensor_index < context_.tensors_size && tensor_index >= 0 was not true. "
        f"(tensor {index} of {count})"
    )


def impossible_size(what: str, index: int, name: str, shape: Iterable[int]) -> RuntimeError:
    """For a resize to a shape whose elements or bytes (`what`) no 64-bit number counts."""
    return RuntimeError(
        f"BytesRequired number of {what} overflowed.\n"
        f"(tensor {index}, {name!r}, resized to {list(shape)})"
    )


def strict_rank(index: int, was: int, asked: int) -> RuntimeError:
    """For a strict resize to another rank."""
    return RuntimeError(
        f"tensor->dims->size != dims.size() ({was} != {asked}) "
        f"(a strict resize of tensor {index} keeps its rank)"
    )


def wrong_type(got: np.dtype[Any], wanted: str, index: int, name: str) -> ValueError:
    """For set_tensor with an array of another type."""
    return ValueError(
        f"Cannot set tensor: Got value of type {type_name(got)} but expected type {wanted} "
        f"for input {index}, name: {name} "
    )


def wrong_rank(got: int, wanted: int, index: int) -> ValueError:
    """For set_tensor with an array of another rank."""
    return ValueError(
        f"Cannot set tensor: Dimension mismatch. Got {got} but expected {wanted} for input {index}."
    )


def wrong_dimension(got: int, wanted: int, axis: int, index: int) -> ValueError:
    """For set_tensor with an array of another size along one axis."""
    return ValueError(
        f"Cannot set tensor: Dimension mismatch. Got {got} but expected {wanted} "
        f"for dimension {axis} of input {index}."
    )


def constant_tensor(index: int, name: str) -> ValueError:
    """For set_tensor on the model's own data (LiteRT crashes there)."""
    return ValueError(
        f"Cannot set tensor: tensor {index}, name: {name}, is a constant of the model, "
        "which is mapped read-only. Set an input, or edit the model and load it again."
    )


def strict_resize(axis: int, index: int, was: int, asked: int) -> RuntimeError:
    """For a strict resize of a dimension that the signature fixes."""
    return RuntimeError(
        f"Attempting to resize dimension {axis} of tensor {index} with value {was} to {asked}. "
        "ResizeInputTensorStrict only allows mutating unknown dimensions identified by -1."
    )


def refused_node(error: Exception, index: int, node: NodeContext, stage: str) -> RuntimeError:
    """For a node whose shapes or types its kernel refuses: the rule, the tensors, the node."""
    tensors = ", ".join(
        f"{value.name!r} {type_name(value.dtype).lower()}{list(value.shape)}"
        for value in node.inputs
        if value is not None
    )
    return RuntimeError(
        f"{_reason(error, node.op.name)} (inputs: {tensors or 'none'})\n"
        f"Node number {index} ({node.op.name}) failed to {stage}."
    )


def failed_node(error: Exception, index: int, op: str) -> RuntimeError:
    """For a node that fails while it runs."""
    return RuntimeError(f"{_reason(error, op)}\nNode number {index} ({op}) failed to invoke.")


def _reason(error: Exception, op: str) -> str:
    if isinstance(error, RuntimeError):
        return str(error)
    what = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    return f"{op}: {what}: {error}"


def missing_ops(nodes: Iterable[tuple[int, str]], model: str) -> RuntimeError:
    """For allocation of a graph with ops that no kernel and no delegate runs; (node, op) pairs."""
    where: dict[str, list[int]] = {}
    for node, name in nodes:
        where.setdefault(name, []).append(node)
    lines = []
    for name, found in sorted(where.items()):
        shown = ", ".join(str(n) for n in found[:8]) + (", ..." if len(found) > 8 else "")
        times = "node" if len(found) == 1 else f"{len(found)} nodes:"
        lines.append(f"  {name} ({times} {shown})")
    ops = "op" if len(where) == 1 else "ops"
    return RuntimeError(
        f"{model} needs {len(where)} {ops} that litefuse's interpreter has no kernel for:\n"
        + "\n".join(lines)
        + "\nRun this model in LiteRT with litefuse.Delegate (LiteRT's kernels take these nodes), "
        "pass a delegate that claims them in experimental_delegates, or give each as a CustomOp to "
        "InterpreterWithCustomOps."
    )
