"""One node of a model as the support rules and import hooks see it, and how a rule says no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from litefuse.runtime.model import Model, Operator, SubGraph, Tensor

Shape = tuple[int, ...]
LEAVE = "it stays with the interpreter's own kernel"
KINDS = {"FLOAT32": "f32", "FLOAT16": "f16", "INT8": "i8", "INT32": "i32", "INT64": "i64"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node is not claimed: the rule, the value that breaks it, what would help."""

    rule: str
    value: str
    remedy: str


class Unsupported(Exception):  # noqa: N818 - an answer on its way up, not an error of anybody
    """Carries a `Refusal` out of a rule."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.rule}: {refusal.value}; {refusal.remedy}")
        self.refusal = refusal


def refuse(rule: str, value: object, remedy: str = LEAVE) -> NoReturn:
    """Say no."""
    raise Unsupported(Refusal(rule, str(value), remedy))


class Graph:
    """A subgraph with what is known about its tensors: shapes, who makes them."""

    def __init__(
        self, model: Model, subgraph: int, shapes: Mapping[int, Shape | None] | None = None
    ) -> None:
        """`shapes` overrides the file's shapes, None meaning that only the run can tell."""
        self.model = model
        self.number = subgraph
        self.subgraph: SubGraph = model.subgraphs[subgraph]
        self.shapes = shapes or {}
        self._tensors: dict[int, TensorView] = {}

    def tensor(self, index: int) -> TensorView:
        """The view of a tensor."""
        found = self._tensors.get(index)
        if found is None:
            found = self._tensors[index] = TensorView(self, index)
        return found

    def node(self, index: int) -> NodeView:
        """The view of a node."""
        return NodeView(self, index)

    @cached_property
    def producers(self) -> dict[int, int]:
        """The node that makes each tensor."""
        return {t: n for n, op in enumerate(self.subgraph.operators) for t in op.outputs if t >= 0}


class TensorView:
    """A tensor: its shape now, its kind, its quantisation, its data if it is constant."""

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph = graph
        self.index = index
        self.tensor: Tensor = graph.subgraph.tensors[index]

    @property
    def name(self) -> str:
        """The model's name for it."""
        return self.tensor.name or f"tensor {self.index}"

    @property
    def type_name(self) -> str:
        """`FLOAT32`, `INT8`: the schema's name of the element type."""
        return str(self.tensor.type.name)

    @property
    def kind(self) -> str:
        """`f32`, `i8`...; other types by the schema's name."""
        return KINDS.get(self.type_name, self.type_name)

    @property
    def shape(self) -> Shape | None:
        """The static shape, or None where only the run can tell."""
        shape = self.graph.shapes.get(self.index, tuple(self.tensor.shape or ()))
        if shape is None or min(shape, default=0) < 0:
            return None
        return tuple(int(d) for d in shape)

    @cached_property
    def constant(self) -> npt.NDArray[Any] | None:
        """The elements, where the file has them."""
        if self.tensor.is_variable or self.index in self.graph.producers:
            return None
        return self.graph.model.tensor_data(self.tensor)

    @property
    def static(self) -> bool:
        """Whether its elements can be known now: in the file, or by DEQUANTIZE from what is."""
        if self.constant is not None:
            return True
        maker = self.graph.producers.get(self.index)
        if maker is None:
            return False
        op = self.graph.subgraph.operators[maker]
        if op.name != "DEQUANTIZE":
            return False
        source = self.graph.tensor(op.inputs[0])
        readable = source.kind == "f16" or (source.kind == "i8" and len(source.scales) == 1)
        return readable and source.constant is not None

    @cached_property
    def scales(self) -> tuple[float, ...]:
        """The scales, as exact float32 values; empty where the tensor is not quantised."""
        q = self.tensor.quantization
        if q is None or q.scale is None:
            return ()
        return tuple(float(s) for s in np.asarray(q.scale, np.float32))

    @cached_property
    def zero_points(self) -> tuple[int, ...]:
        """As many zero points as scales."""
        q = self.tensor.quantization
        given = () if q is None or q.zero_point is None else tuple(int(z) for z in q.zero_point)
        n = len(self.scales)
        if len(given) == n:
            return given
        return given * n if len(given) == 1 else (0,) * n

    @property
    def axis(self) -> int:
        """The quantised dimension, meaningful where there is more than one scale."""
        q = self.tensor.quantization
        return 0 if q is None else int(q.quantized_dimension)

    @property
    def quantization_text(self) -> str:
        """For error texts."""
        if not self.scales:
            return f"{self.type_name} without scale"
        if len(self.scales) == 1:
            return f"scale {self.scales[0]:.6g}, zero point {self.zero_points[0]}"
        return f"{len(self.scales)} scales along dimension {self.axis}"


class NodeView:
    """A node: its tensors and options."""

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph = graph
        self.index = index
        self.op: Operator = graph.subgraph.operators[index]

    @property
    def name(self) -> str:
        """`CONV_2D`, or the code of a custom op."""
        return str(self.op.name)

    @property
    def builtin(self) -> str | None:
        """The builtin operator's name; None for a custom op, whatever it calls itself."""
        return None if self.op.code.builtin_code.name == "CUSTOM" else self.name

    def optional(self, i: int) -> TensorView | None:
        """An input, or None where it is absent."""
        if i >= len(self.op.inputs) or self.op.inputs[i] < 0:
            return None
        return self.graph.tensor(self.op.inputs[i])

    def input(self, i: int, what: str = "") -> TensorView:
        """An input that must be there."""
        found = self.optional(i)
        if found is None:
            refuse(f"input {i}{f' ({what})' if what else ''} must be present", "absent")
        return found

    @property
    def inputs(self) -> list[TensorView]:
        """All inputs that are there."""
        return [self.graph.tensor(t) for t in self.op.inputs if t >= 0]

    @property
    def outputs(self) -> list[TensorView]:
        """All outputs that are there."""
        return [self.graph.tensor(t) for t in self.op.outputs if t >= 0]

    @property
    def output(self) -> TensorView:
        """The only output."""
        found = self.outputs
        if len(found) != 1:
            refuse("the node must have one output", len(found))
        return found[0]

    def option(self, name: str, default: Any = 0) -> Any:
        """A builtin option; the default where the node carries none."""
        return getattr(self.op.options, name, default)
