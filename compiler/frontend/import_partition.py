"""A partition of a model as a module with one `kern.func` of `tfl` ops."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from litefuse.compiler.frontend.tensor_types import element_type
from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import (
    Block,
    IRError,
    Location,
    Module,
    NodeLocation,
    Operation,
    Region,
    Value,
)
from litefuse.compiler.ir.types import NONE, TensorType, tensor
from litefuse.compiler.ops.tfl import BY_BUILTIN
from litefuse.compiler.ops.tfl.node import Graph, TensorView

if TYPE_CHECKING:
    from litefuse.runtime.model import Model
    from litefuse.runtime.plan import Partition

FUNCTION = "main"
_IN_FULL = 16  # elements of a constant that a reader of a dump would like to see
_PUNCTUATION = re.compile(r"[^A-Za-z0-9]+")


def import_partition(model: Model, partition: Partition) -> Module:
    """The partition as IR: one op a node, in the partition's order, each with its node as location.

    The function `@main` takes the partition's inputs and returns its outputs, in their order; its
    attributes give the model's names and indices. Constants are `tfl.pseudo_const` whose bytes stay
    in the model. A tensor that the file computes from constants by DEQUANTIZE outside the partition
    is computed anew inside. Raises `IRError` for a node that `plan_subgraph` would not claim.
    """
    return _Importer(model, partition).run()


class _Importer:
    def __init__(self, model: Model, partition: Partition) -> None:
        self.partition = partition
        self.graph = Graph(model, partition.subgraph, partition.shapes)
        self.block = Block()
        self.values: dict[int, Value] = {}
        self.constants: dict[int, Value] = {}

    def run(self) -> Module:
        p, tensors = self.partition, self.graph.subgraph.tensors
        inside = {t for n in p.nodes for t in self.graph.subgraph.operators[n].outputs}
        for index in p.inputs:
            view = self.graph.tensor(index)
            self.values[index] = self.block.add_arg(self.type(view), _hint(view))
        for index in p.inputs:
            if index not in inside and self.graph.tensor(index).constant is None:
                self.dequantize_anew(index)
        for n in p.nodes:
            self.node(n)
        missing = [t for t in p.outputs if t not in self.values]
        if missing:
            raise IRError(f"no node of the partition makes its outputs {missing}")
        outputs = [self.values[t] for t in p.outputs]
        self.block.append(Operation("kern.return", outputs))
        attributes = {
            "sym_name": FUNCTION,
            "arg_names": [tensors[t].name or "" for t in p.inputs],
            "arg_tensors": tuple(p.inputs),
            "result_names": [tensors[t].name or "" for t in p.outputs],
            "result_tensors": tuple(p.outputs),
        }
        module = Module()
        module.block.append(Operation("kern.func", (), (), attributes, [Region(self.block)]))
        return module

    def node(self, n: int) -> None:
        view = self.graph.node(n)
        op = BY_BUILTIN.get(view.builtin or "")
        location = Location((NodeLocation(self.partition.subgraph, n, view.name),))
        if op is None:
            raise IRError(f"{view.name}#{n}: litefuse has no such op")
        refusal = op.unsupported(view)
        if refusal is not None:
            raise IRError(f"{view.name}#{n}: {refusal.rule}: {refusal.value}; {refusal.remedy}")
        slots = op.definition.operands
        count = slots if isinstance(slots, int) else len(view.op.inputs)
        indices = [*view.op.inputs, *[-1] * count][:count]
        operands = [self.operand(t, location) for t in indices]
        types = [self.type(t) for t in view.outputs]
        made = Operation(op.name, operands, types, op.attributes(view), (), location)
        self.block.append(made)
        for t, result in zip(view.outputs, made.results, strict=True):
            result.name = _hint(t)
            self.values[t.index] = result

    def operand(self, index: int, location: Location) -> Value:
        if index < 0:
            none = Operation("tfl.no_value", (), [NONE], None, (), location)
            return self.block.append(none).result
        found = self.values.get(index)
        if found is None:
            found = self.values[index] = self.constant(self.graph.tensor(index), location)
        return found

    def constant(self, view: TensorView, location: Location) -> Value:
        array = view.constant
        if array is None:
            raise IRError(
                f"tensor {view.index} ({view.name}) is neither an input of the partition, "
                "nor made in it, nor constant"
            )
        t = self.type(view)
        value: Any
        if array.size <= _IN_FULL:
            value = Dense(np.array(array))
        else:
            value = Resource(f"t{view.index}", array)
        op = Operation("tfl.pseudo_const", (), [t], {"value": value}, (), location)
        self.block.append(op).result.name = _hint(view)
        return op.result

    def dequantize_anew(self, index: int) -> None:
        """Let uses of an input that is a DEQUANTIZE of a constant see the constant."""
        maker = self.graph.producers.get(index)
        if maker is None or not self.graph.tensor(index).static:
            return
        argument = self.values[index]
        self.node(maker)
        self.values[index].name = f"{argument.name}_static"

    def type(self, view: TensorView) -> TensorType:
        shape = view.shape
        if shape is None:
            raise IRError(f"tensor {view.index} ({view.name}) has no static shape")
        return tensor(shape, element_type(view))


def _hint(view: TensorView) -> str:
    """A short readable name: the last parts of TensorFlow's long ones."""
    name = (view.tensor.name or "").split(";")[0]
    words = _PUNCTUATION.sub("_", "/".join(name.split("/")[-2:])).strip("_")
    return words[-40:].strip("_") or f"t{view.index}"
