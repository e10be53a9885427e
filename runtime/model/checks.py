"""Rules between the tables of a model: every index must lead somewhere, data must fit its type.

The rules are LiteRT's own (it refuses such models too), and bounds where LiteRT looks at nothing.
Used on what was read and again before anything is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from litefuse.runtime.model import storage
from litefuse.runtime.model.enums import BuiltinOperator
from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.objects import Model, Operator, Quantization, SubGraph, Tensor
from litefuse.runtime.model.operators import options_table
from litefuse.runtime.model.schema_options import BUILTIN_OPTIONS_2

# Options that name subgraphs.
SUBGRAPH_FIELDS = {
    "CallOnceOptions": ("init_subgraph_index",),
    "IfOptions": ("then_subgraph_index", "else_subgraph_index"),
    "StableHLOCompositeOptions": ("decomposition_subgraph_index",),
    "StablehloCaseOptions": ("branch_subgraph_indices",),
    "StablehloReduceOptions": ("body_subgraph_index",),
    "StablehloReduceWindowOptions": ("body_subgraph_index",),
    "StablehloScatterOptions": ("update_computation_subgraph_index",),
    "StablehloSortOptions": ("comparator_subgraph_index",),
    "StablehloWhileOptions": ("cond_subgraph_index", "body_subgraph_index"),
    "WhileOptions": ("cond_subgraph_index", "body_subgraph_index"),
}


# Above this many elements a shape is looked at closely.
_MANY = 1 << 40
_MOST = (1 << 63) - 1
MAX_RANK = 32  # NumPy 1's own limit; kernels stop at 8


def _fail(table: str, field: str, where: str, problem: str, remedy: str = FIX) -> ModelError:
    return ModelError(problem, remedy=remedy, table=table, field=field, where=where)


def _indices(
    values: Sequence[int], count: int, table: str, field: str, where: str, what: str, low: int
) -> None:
    # One pass in C for the good case; the loop only finds whom to blame.
    if not values or (min(values) >= low and max(values) < count):
        return
    for i, value in enumerate(values):
        if not low <= value < count:
            problem = f"{what} {value} does not exist, there are {count}"
            raise _fail(table, f"{field}[{i}]", where, problem)


def _tensor(model: Model, tensor: Tensor, tensors: int, where: str) -> None:
    shape = tensor.shape
    elements = math.prod(shape)
    if elements <= 0 or elements > _MANY or len(shape) > MAX_RANK:
        _shape(tensor, where)
    if tensor.buffer:
        _data(model, tensor, elements, where)
    if tensor.quantization is not None:
        _quantization(tensor, tensor.quantization, tensors, where)


def _shape(tensor: Tensor, where: str) -> None:
    shape = tensor.shape
    for i, size in enumerate(shape):
        if size < 0:
            remedy = "store a dynamic dimension as 1, with -1 in shape_signature"
            raise _fail("Tensor", f"shape[{i}]", where, f"dimension {i} is {size}", remedy)
    if len(shape) > MAX_RANK:
        remedy = f"reshape it: {MAX_RANK} is the limit"
        raise _fail("Tensor", "shape", where, f"it has {len(shape)} dimensions", remedy)
    elements = math.prod(max(size, 1) for size in shape)
    if elements > _MOST // max(storage.DTYPES[tensor.type].itemsize, 1):
        problem = f"{elements} elements of {tensor.type.name} cannot be addressed"
        raise _fail("Tensor", "shape", where, problem)


def _data(model: Model, tensor: Tensor, elements: int, where: str) -> None:
    count = len(model.buffers)
    if not 0 < tensor.buffer < count:
        problem = f"buffer {tensor.buffer} does not exist, there are {count}"
        raise _fail("Tensor", "buffer", where, problem)
    stored = len(model.buffers[tensor.buffer].data)
    if not stored:
        return
    if tensor.is_variable:
        problem = f"a variable tensor has constant data (buffer {tensor.buffer})"
        raise _fail("Tensor", "is_variable", where, problem)
    needed = storage.byte_size(tensor.type, elements)
    # More is allowed, as in LiteRT, and ignored; a sparse tensor stores less.
    if needed is not None and stored < needed and tensor.sparsity is None:
        problem = (
            f"buffer {tensor.buffer} has {stored} bytes, {tensor.type.name} of shape "
            f"{list(tensor.shape)} needs {needed}"
        )
        raise _fail("Tensor", "buffer", where, problem)


def _quantization(tensor: Tensor, q: Quantization, tensors: int, where: str) -> None:
    if q.details is not None and "scales" in q.details.__dict__:
        for field in ("scales", "zero_points"):
            index = q.details.__dict__[field]
            if not -1 <= index < tensors:
                problem = f"tensor {index} does not exist, there are {tensors}"
                raise _fail(q.details.TABLE, field, f"{where}.quantization.details", problem)
    scales = len(q.scale)
    if not scales:
        return
    where = f"{where}.quantization"
    if len(q.zero_point) != scales:
        problem = f"{scales} scales have {len(q.zero_point)} zero points"
        raise _fail("QuantizationParameters", "zero_point", where, problem)
    shape, axis = tensor.shape, q.quantized_dimension
    if shape and not 0 <= axis < len(shape):
        problem = f"axis {axis} does not exist, the tensor has {len(shape)} dimensions"
        raise _fail("QuantizationParameters", "quantized_dimension", where, problem)
    if shape and scales != 1 and scales != shape[axis]:
        problem = f"{scales} scales are neither one nor one for each of {shape[axis]} channels"
        raise _fail("QuantizationParameters", "scale", where, problem)


def _options_field(op: Operator) -> str:
    return "builtin_options_2" if op.options.TABLE in BUILTIN_OPTIONS_2 else "builtin_options"


def _options(op: Operator, where: str) -> None:
    wanted = options_table(op.code.builtin_code.name)
    if wanted != op.options.TABLE:
        problem = f"{op.name} has {op.options.TABLE} instead of {wanted or 'none'}"
        raise _fail("Operator", _options_field(op), where, problem)


def _subgraph_fields(op: Operator, subgraphs: int, where: str) -> None:
    for field in SUBGRAPH_FIELDS.get(op.options.TABLE, ()):
        value = getattr(op.options, field)
        for index in value if isinstance(value, tuple) else (value,):
            if not 0 <= index < subgraphs:
                problem = f"subgraph {index} does not exist, there are {subgraphs}"
                raise _fail(op.options.TABLE, field, f"{where}.{_options_field(op)}", problem)


def _graph(model: Model, g: int, graph: SubGraph) -> None:
    where = f"subgraphs[{g}]"
    count = len(graph.tensors)
    for i, tensor in enumerate(graph.tensors):
        _tensor(model, tensor, count, f"{where}.tensors[{i}]")
    for field in ("inputs", "outputs"):
        _indices(getattr(graph, field), count, "SubGraph", field, where, "tensor", -1)
    for i, op in enumerate(graph.operators):
        here = f"{where}.operators[{i}]"
        _indices(op.inputs, count, "Operator", "inputs", here, "tensor", -1)
        _indices(op.outputs, count, "Operator", "outputs", here, "tensor", -1)
        _indices(op.intermediates, count, "Operator", "intermediates", here, "tensor", -1)
        for k, index in enumerate(op.outputs):
            if index in op.inputs and index >= 0:
                problem = f"tensor {index} is an input of the same operator ({op.name})"
                raise _fail("Operator", f"outputs[{k}]", here, problem)
        if op.options is not None:
            _options(op, here)
            _subgraph_fields(op, len(model.subgraphs), here)


def _signature(model: Model, i: int) -> None:
    found = model.signature_defs[i]
    where = f"signature_defs[{i}]"
    if not 0 <= found.subgraph_index < len(model.subgraphs):
        problem = (
            f"subgraph {found.subgraph_index} does not exist, there are {len(model.subgraphs)}"
        )
        raise _fail("SignatureDef", "subgraph_index", where, problem)
    count = len(model.subgraphs[found.subgraph_index].tensors)
    for field, entries in (("inputs", found.inputs), ("outputs", found.outputs)):
        values: Iterable[int] = entries.values()
        _indices(tuple(values), count, "SignatureDef", field, where, "tensor", 0)


def check_model(model: Model) -> None:
    """Check every index in the model; ModelError (without byte or file) at the first bad one."""
    if not model.subgraphs:
        raise _fail("Model", "subgraphs", "", "the model has no subgraph")
    for i, code in enumerate(model.operator_codes):
        if code.builtin_code == BuiltinOperator.CUSTOM and code.custom_code is None:
            where = f"operator_codes[{i}]"
            raise _fail("OperatorCode", "custom_code", where, "a CUSTOM operator has no name")
    for g, graph in enumerate(model.subgraphs):
        _graph(model, g, graph)
    for i, entry in enumerate(model.metadata):
        if not 0 <= entry.buffer < len(model.buffers):
            problem = f"buffer {entry.buffer} does not exist, there are {len(model.buffers)}"
            raise _fail("Metadata", "buffer", f"metadata[{i}]", problem)
    for i in range(len(model.signature_defs)):
        _signature(model, i)
