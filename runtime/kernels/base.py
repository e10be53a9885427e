"""What a kernel is, what it is given, and how it refuses.

A kernel is two pure functions.  `prepare` sees shapes, types and the data of constants, checks what
LiteRT's own Prepare checks, and returns the output shapes (None for one that only the run can
tell). `evaluate` sees all data and returns the output arrays, which it must own, or which are
those that `NodeContext.out` lends: never a view of an input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from litefuse.runtime.errors import LitefuseError
from litefuse.runtime.model.enums import TensorType
from litefuse.runtime.model.storage import DTYPES

if TYPE_CHECKING:
    from litefuse.runtime.model import Operator, Tensor

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

_BIT_PATTERNS = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


@cache
def _type_name(kind: TensorType) -> str:
    name = kind.name.lower()
    return name if name in _BIT_PATTERNS else DTYPES[kind].name


class KernelError(LitefuseError, RuntimeError):
    """A node that the op's definition does not allow; the text names the rule and the value."""


@dataclass(slots=True)
class TensorValue:
    """A tensor as a kernel sees it: the schema's record, its shape now, and its data if known.

    During `prepare`, `data` is None unless the value is already certain (a constant, or computed
    from constants).  `constant` says that it will never change, so that a kernel may keep what it
    derives from it.  `block_scales` are the scales of a blockwise quantised constant, which its
    schema keeps in a tensor of their own.  `memory` is the place that the interpreter has planned
    for the value, None where it has planned none (see `NodeContext.out`).
    """

    tensor: Tensor
    shape: Shape
    data: Array | None = None
    constant: bool = False
    block_scales: Array | None = None
    memory: Array | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of one element (4-bit types count as int8, strings as object)."""
        return self.tensor.dtype

    @property
    def type_name(self) -> str:
        """`dtype.name`, but for types whose bit patterns lie in integers: `bfloat16`,
        `float8_e4m3fn`, `float8_e5m2`.
        """
        return _type_name(self.tensor.type)

    @property
    def name(self) -> str:
        """The tensor's name, for error texts."""
        return self.tensor.name

    @property
    def open_shape(self) -> bool:
        """Whether the file says of some axis that its size is unknown."""
        return -1 in (self.tensor.shape_signature or ())

    @property
    def quantized(self) -> bool:
        """Whether the tensor carries at least one scale."""
        q = self.tensor.quantization
        return q is not None and q.scale is not None and len(q.scale) > 0

    @property
    def scale(self) -> float:
        """The per-tensor scale, a float32 value; KernelError when there is none."""
        return float(self.scales[0])

    @property
    def scales(self) -> npt.NDArray[np.float32]:
        """All scales (one per tensor, or one per channel); KernelError when there is none."""
        if not self.quantized:
            raise KernelError(
                f"tensor {self.name!r} ({self.dtype}) needs a quantisation scale and has none; "
                "convert the model with full quantisation parameters"
            )
        return np.asarray(self.tensor.quantization.scale, np.float32)  # type: ignore[union-attr]

    @property
    def zero_point(self) -> int:
        """The per-tensor zero point; 0 when none is given."""
        q = self.tensor.quantization
        if q is None or q.zero_point is None or len(q.zero_point) == 0:
            return 0
        return int(q.zero_point[0])


class Host(Protocol):
    """What an interpreter lends to ops with state or with subgraphs of their own."""

    resources: dict[Any, Any]

    def run_subgraph(self, index: int, inputs: Sequence[Array]) -> list[Array]:
        """Run another subgraph of the model on these inputs; its outputs."""

    def subgraph_ops(self, index: int) -> list[str]:
        """Names of the ops of another subgraph, in order; none when there is no such subgraph."""

    def subgraph_io(self, index: int) -> tuple[Sequence[int], Sequence[int]]:
        """The tensors that are a subgraph's inputs, and those that are its outputs."""

    def subgraph_output_shapes(self, index: int, inputs: Sequence[Shape]) -> list[Shape | None]:
        """Shapes that the subgraph gives for these input shapes (None where only a run can
        tell).
        """


@dataclass(slots=True)
class NodeContext:
    """One node as its kernel sees it.

    `intermediates` are the tensors that only give quantisation inside the op (integer LSTM).
    `state` is the kernel's own memo between `prepare` and runs (packed weights, multipliers);
    whoever prepares anew clears it.  `memo(key, make)` fills it only from constant inputs.
    """

    op: Operator
    inputs: list[TensorValue | None]
    outputs: list[TensorValue]
    state: dict[str, Any] = field(default_factory=dict)
    host: Host | None = None
    intermediates: list[TensorValue] = field(default_factory=list)

    def input(self, i: int) -> TensorValue:
        """Input i, which must be present; KernelError otherwise."""
        if i >= len(self.inputs) or self.inputs[i] is None:
            raise KernelError(f"{self.op.name} needs its input {i}, which is absent")
        return self.inputs[i]  # type: ignore[return-value]

    def optional(self, i: int) -> TensorValue | None:
        """Input i or None when it is absent (index -1, or not listed)."""
        return self.inputs[i] if i < len(self.inputs) else None

    def data(self, i: int) -> Array:
        """The data of input i, which must be known by now; KernelError otherwise."""
        value = self.input(i)
        if value.data is None:
            raise KernelError(
                f"{self.op.name} needs the data of input {i} ({value.name!r}), not known yet"
            )
        return value.data

    def out(self, i: int = 0) -> Array:
        """An array for output i, whose shape is known by now, with no particular content.

        It is the tensor's own place where one is planned.  A kernel that fills it and returns it
        saves a copy; what it returns otherwise is copied.  The place overlaps no input, but for
        ops that work row by row or rename positions, where it may be that of input 0.
        """
        value = self.outputs[i]
        if value.memory is not None and value.memory.shape == tuple(value.shape):
            return value.memory
        return np.empty(value.shape, value.dtype)

    def copied(self, array: Array, i: int = 0) -> Array:
        """Output i with these elements: in its own place where one is planned, else a copy."""
        memory = self.outputs[i].memory
        if memory is None or memory.shape != array.shape:
            return array.copy()
        np.copyto(memory, array)
        return memory

    def memo(self, key: str, make: Callable[[], Any]) -> Any:
        """`make()`, computed once per preparation; only for values that depend on constants."""
        if key not in self.state:
            self.state[key] = make()
        return self.state[key]

    def option(self, name: str, default: Any = None) -> Any:
        """A field of the node's options; `default` when the model carries no options table."""
        return default if self.op.options is None else getattr(self.op.options, name, default)


Prepare = Callable[[NodeContext], "list[Shape | None]"]
Evaluate = Callable[[NodeContext], "list[Array]"]


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a float result may be from the reference's (`bounds` derives the usual ones).

    `allowed(ctx, outputs)`: the largest difference for each element of each output, from the data
    of the inputs (state as it was before the run) and what the reference computed.  `text` says it
    in words.
    """

    text: str
    allowed: Callable[[NodeContext, Sequence[Array]], list[Array]]


@dataclass(frozen=True, slots=True)
class Kernel:
    """The meaning of one op.

    Integer results are bit-exact with LiteRT's reference kernels.  A float result differs from them
    by at most `ulp` units in the last place, or by its `bound` where it has one.
    """

    name: str
    prepare: Prepare
    evaluate: Evaluate
    ulp: int = 0
    stateful: bool = False
    bound: Bound | None = None
    warns: bool = False  # of overflows and NaN, as NumPy does: a user's own function
    # Whether LiteRT leaves a node's shapes to the run although `prepare` finds them.
    waits: Callable[[NodeContext], bool] | None = None

    def run(self, ctx: NodeContext) -> list[Array]:
        """`evaluate`, in which infinities and NaN are values like others, as they are to LiteRT."""
        if self.warns:
            return self.evaluate(ctx)
        with np.errstate(all="ignore"):
            return self.evaluate(ctx)


def require(condition: bool, ctx: NodeContext, text: str) -> None:
    """KernelError naming the op unless `condition` holds."""
    if not condition:
        raise KernelError(f"{ctx.op.name}: {text}")


def require_inputs(ctx: NodeContext, low: int, high: int | None = None) -> None:
    """KernelError unless the node has `low` to `high` inputs (`high` defaults to `low`)."""
    high = low if high is None else high
    n = len(ctx.inputs)
    wanted = str(low) if low == high else f"{low} to {high}"
    require(low <= n <= high, ctx, f"has {n} inputs, needs {wanted}")


def require_dtype(ctx: NodeContext, value: TensorValue, *allowed: str) -> None:
    """KernelError unless the tensor's `type_name` is one of `allowed`."""
    require(
        value.type_name in allowed,
        ctx,
        f"tensor {value.name!r} has type {value.type_name}; supported: {', '.join(allowed)}",
    )


def require_type(ctx: NodeContext, value: TensorValue, *allowed: str) -> None:
    """KernelError unless the tensor's schema type is one of `allowed` ("bfloat16", "int4", ...).

    `require_dtype` cannot tell the types apart that NumPy lacks.
    """
    kind = value.tensor.type.name.lower()
    require(
        kind in allowed,
        ctx,
        f"tensor {value.name!r} has type {kind}; supported: {', '.join(allowed)}",
    )


def require_same_type(ctx: NodeContext, *values: TensorValue) -> None:
    """KernelError unless all tensors have one schema type."""
    first = values[0]
    for other in values[1:]:
        require(
            other.tensor.type == first.tensor.type,
            ctx,
            f"tensors {first.name!r} ({first.tensor.type.name}) and {other.name!r} "
            f"({other.tensor.type.name}) must have one type",
        )


def require_rank(ctx: NodeContext, value: TensorValue, low: int, high: int | None = None) -> None:
    """KernelError unless the tensor's rank is in [low, high]."""
    high = low if high is None else high
    wanted = str(low) if low == high else f"{low} to {high}"
    rank = len(value.shape)
    require(low <= rank <= high, ctx, f"tensor {value.name!r} has rank {rank}, needs {wanted}")


def require_same_dtype(ctx: NodeContext, *values: TensorValue) -> None:
    """KernelError unless all tensors have one dtype."""
    first = values[0]
    for other in values[1:]:
        require(
            other.dtype == first.dtype and other.type_name == first.type_name,
            ctx,
            f"tensors {first.name!r} ({first.type_name}) and {other.name!r} ({other.type_name}) "
            "must have one type",
        )


def run_node(kernel: Kernel, ctx: NodeContext) -> list[Array]:
    """Prepare and evaluate one node whose inputs all have data; fills the outputs' shapes and
    data.
    """
    shapes = kernel.prepare(ctx)
    for value, shape in zip(ctx.outputs, shapes, strict=True):
        if shape is not None:
            value.shape = shape
    arrays = kernel.run(ctx)
    for value, array in zip(ctx.outputs, arrays, strict=True):
        value.shape, value.data = array.shape, array
    return arrays
