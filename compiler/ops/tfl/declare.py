"""What a file of this folder declares: an op's IR form, its support rule, its import hook."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import IRError, Operation, Value
from litefuse.compiler.ir.opdef import OpDef, require
from litefuse.compiler.ir.types import NoneType, QuantizedType, TensorType
from litefuse.compiler.ops.tfl.node import NodeView, Refusal, Unsupported
from litefuse.compiler.ops.tfl.rules import extents

Shape = tuple[int, ...]


class Arg(NamedTuple):
    """An operand to a shape rule: its shape, and its elements where they are known."""

    shape: Shape
    constant: npt.NDArray[Any] | None


ShapeRule = Callable[[Sequence["Arg | None"], dict[str, Any]], Shape | None]
"""(operands, attributes) -> the result's shape, None where it cannot be told; IRError if
ill-formed.
"""


@dataclass(frozen=True)
class TflOp:
    """An op of the `tfl` level.

    `check(node)` says by `refuse` why a node of this op cannot be compiled; types, const-ness,
    quantisation as the reference kernel demands them. `attributes(node)` gives the IR's attributes.
    `shape` is used for both the verifier and the claim.
    """

    builtin: str
    definition: OpDef
    shape: ShapeRule
    check: Callable[[NodeView], None]
    attributes: Callable[[NodeView], dict[str, Any]]

    @property
    def name(self) -> str:
        """`tfl.conv_2d`."""
        return self.definition.name

    def unsupported(self, node: NodeView) -> Refusal | None:
        """Why this node cannot be compiled, or None if it can."""
        try:
            extents(node)
            for t in (*node.inputs, *node.outputs):
                if t.tensor.is_variable:
                    return Refusal("variables belong to the interpreter", t.name, "none needed")
            self.check(node)
            args = [self._arg(node, i) for i in range(len(node.op.inputs))]
            shape = self.shape(args, self.attributes(node))
        except Unsupported as e:
            return e.refusal
        except IRError as e:
            return Refusal("shapes must fit together", str(e), "repair the model")
        output = node.output
        if shape is not None and shape != output.shape:
            return Refusal(
                f"the output must be {list(shape)}",
                f"{output.name} is {list(output.shape or ())}",
                "allocate tensors before planning, or repair the model",
            )
        return None

    @staticmethod
    def _arg(node: NodeView, i: int) -> Arg | None:
        t = node.optional(i)
        return None if t is None else Arg(t.shape or (), t.constant)


def tfl_op(
    builtin: str,
    summary: str,
    operands: int | tuple[int, int | None],
    *,
    shape: ShapeRule,
    check: Callable[[NodeView], None],
    attributes: Callable[[NodeView], dict[str, Any]] | None = None,
    required: dict[str, Any] | None = None,
    optional: dict[str, Any] | None = None,
) -> TflOp:
    """Declare the op `tfl.<builtin in lower case>`."""

    def verify(op: Operation) -> None:
        for v in (*op.operands, *op.results):
            require(
                isinstance(v.type, (TensorType, NoneType)), f"operands are tensors, not {v.type}"
            )
        given = shape([_operand(v) for v in op.operands], op.attributes)
        result = op.result.type
        require(isinstance(result, TensorType), f"the result is a tensor, not {result}")
        if given is not None and isinstance(result, TensorType):
            require(given == result.shape, f"the result's shape is {given}, not {result.shape}")

    definition = OpDef(
        f"tfl.{builtin.lower()}",
        summary,
        operands,
        1,
        required=required or {},
        optional=optional or {},
        verify=verify,
    )
    return TflOp(builtin, definition, shape, check, attributes or (lambda node: {}))


def same_shape(args: Sequence[Arg | None], attributes: dict[str, Any]) -> Shape:
    """The rule of ops that work element by element on their first operand."""
    del attributes
    return need(args, 0).shape


def need(args: Sequence[Arg | None], i: int) -> Arg:
    """An operand that must be there."""
    arg = args[i] if i < len(args) else None
    if arg is None:
        raise IRError(f"operand {i} must be present")
    return arg


def window_sizes(
    x: Shape, kernel: tuple[int, int], attributes: dict[str, Any], dilations: tuple[int, int]
) -> tuple[int, int]:
    """Rows and columns of a window op's result."""
    padding = attributes["padding"]
    require(padding in ("SAME", "VALID"), f"padding is SAME or VALID, not {padding}")
    out = []
    for i, side in enumerate(("h", "w")):
        stride, dilation, size = attributes[f"stride_{side}"], dilations[i], x[1 + i]
        require(stride > 0, f"stride_{side} must be positive, not {stride}")
        require(dilation > 0, f"dilations must be positive, not {dilation}")
        require(kernel[i] > 0, f"the window must have elements, not {kernel}")
        extent = (kernel[i] - 1) * dilation + 1
        n = (
            (size + stride - 1) // stride
            if padding == "SAME"
            else (size + stride - extent) // stride
        )
        require(n > 0, f"a window of {extent} does not fit {size} pixels")
        out.append(n)
    return out[0], out[1]


def broadcast(a: Shape, b: Shape) -> Shape:
    """NumPy's rule."""
    rank = max(len(a), len(b))
    out = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        require(x == y or 1 in (x, y), f"shapes {list(a)} and {list(b)} do not broadcast")
        out.append(y if x == 1 else x)
    return tuple(out)


def size_of(shape: Shape) -> int:
    """Number of elements."""
    return math.prod(shape)


def _operand(v: Value) -> Arg | None:
    if not isinstance(v.type, TensorType):
        return None
    value = v.op.get("value") if v.op is not None and v.op.name == "tfl.pseudo_const" else None
    return Arg(v.type.shape, value.array if isinstance(value, (Dense, Resource)) else None)


def is_quantized(v: Value) -> bool:
    """Whether a value is a quantised tensor."""
    return isinstance(v.type, TensorType) and isinstance(v.type.element, QuantizedType)
