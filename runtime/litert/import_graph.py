"""From the interpreter's graph to a `Model`: what the compiler needs, without the model's file.

Constants stay where the interpreter has them: the model's buffers are views. They hold for as
long as the interpreter lives, so nothing may keep such a model longer than that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from litefuse.runtime.litert import attributes, structs
from litefuse.runtime.litert.errors import LiteRTError, Refusal
from litefuse.runtime.litert.views import GraphView, NodeView, TensorView
from litefuse.runtime.model import read_model
from litefuse.runtime.model.enums import BuiltinOperator, TensorType
from litefuse.runtime.model.objects import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    SubGraph,
    Tensor,
)
from litefuse.runtime.model.records import record_class
from litefuse.runtime.model.schema import enum_class, fields

_UNREADABLE = "attributes not readable"
_STATEFUL = ("RESOURCE", "VARIANT")


@dataclass(frozen=True, slots=True)
class ImportedGraph:
    """One subgraph as a model of its own, whose operator i is the node `node_ids[i]`.

    Tensor indices are the interpreter's. `refusals` has the nodes that cannot be handed to a
    compiler at all; `content_hash` names the model in cache keys.
    """

    model: Model
    node_ids: tuple[int, ...]
    refusals: dict[int, Refusal]
    content_hash: str
    fusion_is_off: bool

    def positions(self, node_ids: tuple[int, ...]) -> tuple[int, ...]:
        """Where these nodes are among the model's operators."""
        where = {node: i for i, node in enumerate(self.node_ids)}
        return tuple(where[node] for node in node_ids)


def import_graph(graph: GraphView) -> ImportedGraph:
    """Read everything that nodes refer to; the graph's Prepare must be running."""
    model = Model(description="from a LiteRT interpreter", buffers=[Buffer()])
    touched = {
        i for node in graph.nodes for i in (*node.inputs, *node.outputs, *node.intermediates)
    }
    touched.discard(-1)
    tensors = [
        _tensor(model, graph.tensor(i)) if i in touched else Tensor(name=f"unused_{i}")
        for i in range(graph.num_tensors)
    ]
    codes: dict[tuple[int, str, int], int] = {}
    operators = [_operator(model, node, codes) for node in graph.nodes]
    refusals = {}
    for node in graph.nodes:
        refusal = _refusal(node)
        if refusal is not None:
            refusals[node.index] = refusal
    inputs, outputs, fusion_is_off = _borders(graph)
    model.subgraphs = [SubGraph(tensors, inputs, outputs, operators, "main")]
    digest = fingerprint(model, graph)
    return ImportedGraph(model, graph.plan, refusals, digest, fusion_is_off)


def propagate_shapes(imported: ImportedGraph) -> ImportedGraph:
    """The same graph with the shapes between nodes worked out from those of its inputs.

    After a resize the interpreter has new shapes at the inputs only. What cannot be worked out
    keeps its shape.
    """
    from litefuse.runtime.litert.reference import infer_shapes

    graph = imported.model.subgraphs[0]
    shapes = infer_shapes(imported.model)
    for i, shape in shapes.items():
        graph.tensors[i].shape = shape
    told = f"{imported.content_hash} {sorted(shapes.items())}"
    return replace(imported, content_hash=hashlib.sha256(told.encode()).hexdigest())


def adopt(imported: ImportedGraph, source: Any) -> ImportedGraph:
    """Complete what the interpreter does not tell from the model it was made of.

    `source` is a path, bytes, or a parsed model: the subgraph with the same nodes lends the
    attributes that cannot be read from the interpreter. LiteRTError if there is no such subgraph.
    """
    model = source if isinstance(source, Model) else read_model(source)
    mine = imported.model.subgraphs[0].operators
    wanted = [(op.name, op.inputs, op.outputs) for op in mine]
    for graph in model.subgraphs:
        if [(op.name, op.inputs, op.outputs) for op in graph.operators] == wanted:
            break
    else:
        raise LiteRTError(
            "the model given as model= is not the one that the interpreter runs (no subgraph has "
            f"the same {len(wanted)} nodes); give the same file to both, or leave it out"
        )
    for node, op, told in zip(imported.node_ids, mine, graph.operators, strict=True):
        refusal = imported.refusals.get(node)
        if refusal is not None and refusal.rule == _UNREADABLE:
            op.options = told.options
            del imported.refusals[node]
    both = hashlib.sha256(f"{imported.content_hash} {model.content_hash}".encode())
    return replace(imported, content_hash=both.hexdigest())


def fingerprint(model: Model, graph: GraphView) -> str:
    """SHA-256 (hex) over operators, attributes, tensor declarations and constants, in order.

    Shapes are part of it; names are not, so a network exported twice shares its cache entries.
    It takes 0.6 ms a megabyte where the CPU has SHA instructions.
    """
    digest = hashlib.sha256(b"litefuse graph 1\n")
    main = model.subgraphs[0]
    digest.update(repr((main.inputs, main.outputs)).encode())
    for node in graph.nodes:
        attributes_of = sorted((node.attributes or {}).items())
        line = (node.index, node.name, node.version, node.inputs, node.outputs, attributes_of)
        digest.update(repr(line).encode())
        digest.update(node.custom_data)
    for index, tensor in enumerate(main.tensors):
        q = tensor.quantization
        scales = b"" if q is None else q.scale.tobytes() + q.zero_point.tobytes()
        axis = 0 if q is None else q.quantized_dimension
        told = (index, int(tensor.type), tensor.shape, tensor.is_variable, axis, tensor.buffer)
        digest.update(repr((told, len(scales))).encode())
        digest.update(scales)
    for buffer in model.buffers:
        digest.update(b"%d\n" % len(buffer.data))
        digest.update(buffer.data)
    return digest.hexdigest()


def _tensor(model: Model, view: TensorView) -> Tensor:
    buffer = 0
    raw = view.raw
    if raw is not None and len(raw):
        buffer = len(model.buffers)
        model.buffers.append(Buffer(raw.cast("B")))
    quantization = None
    if view.scales.size:
        quantization = Quantization(
            scale=view.scales,
            zero_point=view.zero_points.astype(np.int64),
            quantized_dimension=view.quantized_dimension,
        )
    known = TensorType.__members__.get(view.type_name, TensorType.FLOAT32)
    return Tensor(
        name=view.name,
        shape=view.shape,
        type=known,
        buffer=buffer,
        quantization=quantization,
        is_variable=view.is_variable,
        shape_signature=view.shape_signature,
    )


def _operator(model: Model, node: NodeView, codes: dict[tuple[int, str, int], int]) -> Operator:
    custom = node.code == structs.CUSTOM_OP
    key = (node.code, node.name if custom else "", node.version)
    if key not in codes:
        try:
            builtin = BuiltinOperator(node.code)
        except ValueError:
            builtin = BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES
        codes[key] = len(model.operator_codes)
        model.operator_codes.append(
            OperatorCode(builtin, node.name if custom else None, node.version)
        )
    return Operator(
        opcode_index=codes[key],
        code=model.operator_codes[codes[key]],
        inputs=node.inputs,
        outputs=node.outputs,
        options=_options(node),
        custom_options=node.custom_data,
        intermediates=node.intermediates,
    )


def _options(node: NodeView) -> Any:
    table = attributes.TABLES.get(node.name)
    if table is None or node.attributes is None:
        return None
    values = dict(node.attributes)
    for field in fields(table):
        kind = enum_class(field.type)
        if kind is not None and field.name in values:
            values[field.name] = kind(values[field.name])
    return record_class(table)(**values)


def _refusal(node: NodeView) -> Refusal | None:
    """What no compiler could do with a node of this graph; None if it may have it."""
    if node.code == structs.DELEGATE_OP:
        return Refusal("another delegate has it already", node.name)
    if node.code == structs.CUSTOM_OP:
        return Refusal(
            "custom operator",
            node.name,
            "litefuse compiles builtin operators; a SimpleDelegate of yours may claim this one",
        )
    if node.attributes is None:
        return Refusal(_UNREADABLE, node.name, "give the model to the delegate as well: model=path")
    for tensor in (*node.input_tensors, *node.output_tensors):
        refusal = None if tensor is None else _tensor_refusal(tensor)
        if refusal is not None:
            return refusal
    return None


def _tensor_refusal(tensor: TensorView) -> Refusal | None:
    what = f"tensor {tensor.index} ({tensor.name})"
    if tensor.is_variable or tensor.type_name in _STATEFUL:
        return Refusal("state kept between invokes", what, "variables stay with the interpreter")
    if tensor.type_name not in TensorType.__members__:
        return Refusal("unknown tensor type", f"{what} is {tensor.type_name}")
    if tensor.is_dynamic:
        return Refusal(
            "dynamic tensor",
            f"{what} gets its shape only while the model runs",
            "make the shape constant when the model is exported",
        )
    if any(size < 0 for size in tensor.shape):
        return Refusal("unknown shape", f"{what} is {list(tensor.shape)}", "resize the input first")
    if tensor.is_sparse:
        return Refusal("sparse tensor", what, "export the weights dense")
    if tensor.quantization_kind not in (0, 1):
        return Refusal("blockwise or multi-axis quantization", what)
    return None


def _borders(graph: GraphView) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """Inputs and outputs of the whole graph, and whether nodes are kept from being grouped.

    The C API does not name a graph's inputs and outputs. Inputs are what is read and neither
    written nor constant; outputs are what the interpreter says would leave a partition of all
    nodes (where it makes several, less what only another partition reads).
    """
    written = {i for node in graph.nodes for i in node.outputs}
    read = {i for node in graph.nodes for i in node.inputs if i >= 0}
    inputs = tuple(sorted(i for i in read - written if not graph.tensor(i).is_constant))
    parts = graph.partitions(graph.plan)
    leaving = sorted({i for part in parts for i in part.outputs})
    if len(parts) > 1:
        leaving = [i for i in leaving if i not in read] or leaving
    alone = len(parts) == len(graph.plan) > 1 and all(len(part.nodes) == 1 for part in parts)
    return inputs, tuple(leaving), alone
