"""Rules between the tables of a model: every index must lead somewhere.

Used on what was read and again before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from litefuse.runtime.model.enums import BuiltinOperator
from litefuse.runtime.model.errors import FIX, ModelError
from litefuse.runtime.model.objects import Model, Operator, SubGraph, Tensor

# Options that name subgraphs.
_SUBGRAPH_FIELDS = {
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


def _indices(
    values: Sequence[int], count: int, table: str, field: str, where: str, what: str, low: int
) -> None:
    # One pass in C for the good case; the loop only finds whom to blame.
    if not values or (min(values) >= low and max(values) < count):
        return
    for i, value in enumerate(values):
        if not low <= value < count:
            raise ModelError(
                f"{what} {value} does not exist, there are {count}",
                remedy=FIX,
                table=table,
                field=f"{field}[{i}]",
                where=where,
            )


def _tensor(tensor: Tensor, buffers: int, tensors: int, where: str) -> None:
    if tensor.buffer >= buffers and tensor.buffer:
        raise ModelError(
            f"buffer {tensor.buffer} does not exist, there are {buffers}",
            remedy=FIX,
            table="Tensor",
            field="buffer",
            where=where,
        )
    if tensor.shape and min(tensor.shape) < -1:
        i = next(i for i, d in enumerate(tensor.shape) if d < -1)
        raise ModelError(
            f"dimension {i} is {tensor.shape[i]}",
            remedy=FIX,
            table="Tensor",
            field=f"shape[{i}]",
            where=where,
        )
    details = tensor.quantization.details if tensor.quantization else None
    if details is not None and details.TABLE in ("BlockwiseQuantization", "MultiAxisQuantization"):
        for field in ("scales", "zero_points"):
            index = getattr(details, field)
            if not -1 <= index < tensors:
                raise ModelError(
                    f"tensor {index} does not exist, there are {tensors}",
                    remedy=FIX,
                    table=details.TABLE,
                    field=field,
                    where=f"{where}.quantization.details",
                )


def _subgraph_fields(op: Operator, subgraphs: int, where: str) -> None:
    for field in _SUBGRAPH_FIELDS.get(op.options.TABLE, ()):
        value = getattr(op.options, field)
        for index in value if isinstance(value, tuple) else (value,):
            if not 0 <= index < subgraphs:
                raise ModelError(
                    f"subgraph {index} does not exist, there are {subgraphs}",
                    remedy=FIX,
                    table=op.options.TABLE,
                    field=field,
                    where=where,
                )


def _graph(model: Model, g: int, graph: SubGraph) -> None:
    where = f"subgraphs[{g}]"
    count, buffers = len(graph.tensors), len(model.buffers)
    for i, tensor in enumerate(graph.tensors):
        _tensor(tensor, buffers, count, f"{where}.tensors[{i}]")
    for field in ("inputs", "outputs"):
        _indices(getattr(graph, field), count, "SubGraph", field, where, "tensor", -1)
    for i, op in enumerate(graph.operators):
        here = f"{where}.operators[{i}]"
        _indices(op.inputs, count, "Operator", "inputs", here, "tensor", -1)
        _indices(op.outputs, count, "Operator", "outputs", here, "tensor", -1)
        _indices(op.intermediates, count, "Operator", "intermediates", here, "tensor", -1)
        if op.options is not None:
            _subgraph_fields(op, len(model.subgraphs), here)


def _signature(model: Model, i: int) -> None:
    found = model.signature_defs[i]
    where = f"signature_defs[{i}]"
    if not 0 <= found.subgraph_index < len(model.subgraphs):
        raise ModelError(
            f"subgraph {found.subgraph_index} does not exist, there are {len(model.subgraphs)}",
            remedy=FIX,
            table="SignatureDef",
            field="subgraph_index",
            where=where,
        )
    count = len(model.subgraphs[found.subgraph_index].tensors)
    for field, entries in (("inputs", found.inputs), ("outputs", found.outputs)):
        values: Iterable[int] = entries.values()
        _indices(tuple(values), count, "SignatureDef", field, where, "tensor", 0)


def check_model(model: Model) -> None:
    """Check every index in the model; ModelError (without byte or file) at the first bad one."""
    for i, code in enumerate(model.operator_codes):
        if code.builtin_code == BuiltinOperator.CUSTOM and code.custom_code is None:
            raise ModelError(
                "a CUSTOM operator has no name",
                remedy=FIX,
                table="OperatorCode",
                field="custom_code",
                where=f"operator_codes[{i}]",
            )
    for g, graph in enumerate(model.subgraphs):
        _graph(model, g, graph)
    for i, entry in enumerate(model.metadata):
        if not 0 <= entry.buffer < len(model.buffers):
            raise ModelError(
                f"buffer {entry.buffer} does not exist, there are {len(model.buffers)}",
                remedy=FIX,
                table="Metadata",
                field="buffer",
                where=f"metadata[{i}]",
            )
    for i in range(len(model.signature_defs)):
        _signature(model, i)
