"""A partition by the NumPy kernels: shapes after a resize, and values when all else fails.

Imported only when one of the two is needed: a start from the cache needs no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels import KERNELS, KernelError, NodeContext, TensorValue
from litefuse.runtime.litert.errors import LiteRTError
from litefuse.runtime.model import Model, ModelError

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


def infer_shapes(model: Model) -> dict[int, Shape]:
    """The shapes of the main subgraph's results, as far as its kernels can tell them."""
    graph = model.subgraphs[0]
    found: dict[int, Shape] = {}
    for position, op in enumerate(graph.operators):
        if op.name not in KERNELS:
            continue
        try:
            given = {i: found.get(i, graph.tensors[i].shape) for i in op.inputs if i >= 0}
            shapes = ReferencePartition(model, [position]).shapes(given)
        except (LiteRTError, ModelError):
            continue
        found.update({i: shapes[i] for i in op.outputs})
    return found


class ReferencePartition:
    """Some operators of a model's main subgraph, in order, run by `runtime.kernels`.

    LiteRTError from the constructor where an operator has no kernel.
    """

    def __init__(self, model: Model, positions: Sequence[int]) -> None:
        self._model = model
        graph = model.subgraphs[0]
        self._tensors = graph.tensors
        self._nodes = []
        for position in positions:
            op = graph.operators[position]
            if op.name not in KERNELS:
                raise LiteRTError(f"{op.name} has no NumPy kernel to fall back to")
            self._nodes.append((op, KERNELS[op.name]))
        self._constants: dict[int, Array] = {}
        for op, _ in self._nodes:
            for i in op.inputs:
                if i >= 0 and i not in self._constants:
                    data = model.tensor_data(self._tensors[i])
                    if data is not None:
                        self._constants[i] = data

    def shapes(self, given: Mapping[int, Shape]) -> dict[int, Shape]:
        """The shape of every tensor the nodes touch, when the inputs have the `given` shapes.

        LiteRTError, naming node and tensor, where the nodes do not allow these shapes or where
        only a run can tell.
        """
        shapes = dict(given)
        known: dict[int, Array] = {}
        for op, kernel in self._nodes:
            context = self._context(op, shapes, known)
            try:
                found = kernel.prepare(context)
            except KernelError as error:
                raise LiteRTError(str(error)) from error
            for i, shape in zip(op.outputs, found, strict=True):
                if shape is None:
                    raise LiteRTError(
                        f"{op.name}: the shape of {self._tensors[i].name!r} depends on values that "
                        "are known only while the model runs"
                    )
                shapes[i] = tuple(int(size) for size in shape)
        return shapes

    def run(self, inputs: Mapping[int, Array], wanted: Sequence[int]) -> dict[int, Array]:
        """The values of the tensors `wanted`, computed from `inputs`."""
        values: dict[int, Array] = dict(inputs)
        shapes = {i: value.shape for i, value in values.items()}
        for op, kernel in self._nodes:
            context = self._context(op, shapes, values)
            found = zip(op.outputs, kernel.prepare(context), strict=True)
            shapes.update({i: shape for i, shape in found if shape is not None})
            context = self._context(op, shapes, values)
            for i, value in zip(op.outputs, kernel.run(context), strict=True):
                values[i], shapes[i] = value, value.shape
        return {i: np.asarray(values[i]) for i in wanted}

    def _context(
        self, op: Any, shapes: Mapping[int, Shape], values: Mapping[int, Array]
    ) -> NodeContext:
        def value(i: int) -> TensorValue:
            tensor = self._tensors[i]
            constant = self._constants.get(i)
            if constant is not None:
                return TensorValue(tensor, constant.shape, constant, constant=True)
            return TensorValue(tensor, shapes.get(i, tensor.shape), values.get(i))

        inputs = [None if i < 0 else value(i) for i in op.inputs]
        return NodeContext(op, inputs, [value(i) for i in op.outputs])
