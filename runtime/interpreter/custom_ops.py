"""Ops whose meaning is a Python function: custom ops, and builtins that a user replaces.

    from litefuse import CustomOp, InterpreterWithCustomOps

    def sinh_shape(node, x):          # shapes in, the output's shape out
        return x

    def sinh(node, x):                # arrays in, the output's array out
        return np.sinh(x)

    InterpreterWithCustomOps([CustomOp("Sinh", sinh, sinh_shape)], model_path="m.tflite")

A function in LiteRT's style, which takes a resolver and adds ops to it, does as well:

    def register(resolver):
        resolver.add_custom("Sinh", sinh, sinh_shape)
        resolver.add_builtin("RELU", my_relu)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    TensorValue,
    require,
)
from litefuse.runtime.kernels.custom.flexbuffer import load_map
from litefuse.runtime.model import BuiltinOperator


@dataclass(frozen=True, slots=True)
class OpTensor:
    """What a user's function may know of a tensor.

    `shape` is the one known now (of an output: the file's, until the shape function has spoken).
    `scale` and `zero_point` are empty for a tensor without quantisation.  `data` is the value of a
    constant input (read-only), None otherwise.
    """

    name: str
    dtype: np.dtype[Any]
    shape: Shape
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    data: Array | None


@dataclass(frozen=True, slots=True)
class OpNode:
    """The node that a user's function is called for.

    `options` are the fields of a builtin's options table, or of a custom op's flexbuffer map (empty
    when its options are no such map; `custom_options` has the bytes as they are).  `inputs` has
    None where an optional input is absent.
    """

    name: str
    options: Mapping[str, Any]
    custom_options: bytes
    inputs: tuple[OpTensor | None, ...]
    outputs: tuple[OpTensor, ...]


EvaluateFunction = Callable[..., Any]
ShapeFunction = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class CustomOp:
    """An op that Python functions run.

    `evaluate(node, *arrays)` gets the node and one read-only array an input (None for an absent
    one) and returns the output array, or a sequence of them when the node has several outputs or
    none.  Their types must be the model's, their shapes those that `shape` gave.

    `shape(node, *shapes)` gets one shape an input (None for an absent one) and returns the output's
    shape, or a list of shapes when the node has several outputs or none; None in place of a shape:
    only the run can tell. It is called at allocation, and may refuse by raising.  Without it every
    output has the shape that the file gives it.

    `builtin` says that `name` is a builtin operator ("RELU"), which the function replaces wherever
    the model has it; otherwise it is the custom code of a custom op.
    """

    name: str
    evaluate: EvaluateFunction
    shape: ShapeFunction | None = None
    builtin: bool = False

    def __post_init__(self) -> None:
        """ValueError for a name or a function that cannot be one."""
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"a custom op's name must be a non-empty str, not {self.name!r}")
        if not callable(self.evaluate):
            raise ValueError(f"{self.name}: evaluate must be a function, not {self.evaluate!r}")
        if self.shape is not None and not callable(self.shape):
            raise ValueError(f"{self.name}: shape must be a function or None, not {self.shape!r}")
        known = self.name in BuiltinOperator.__members__ and self.name != "CUSTOM"
        if self.builtin and not known:
            raise ValueError(
                f"{self.name!r} is no builtin operator; use the schema's name, such as 'RELU', or "
                "add it as a custom op"
            )

    @property
    def key(self) -> tuple[bool, str]:
        """What the interpreter looks it up by."""
        return self.builtin, self.name

    def kernel(self) -> Kernel:
        """The kernel that calls the functions and checks what they return."""
        return Kernel(self.name, self._prepare, self._evaluate, stateful=True, warns=True)

    def _prepare(self, ctx: NodeContext) -> list[Shape | None]:
        if self.shape is None:
            for value in ctx.outputs:
                signature = value.tensor.shape_signature
                require(
                    signature is None or -1 not in signature,
                    ctx,
                    f"the file leaves the shape of output {value.name!r} open ({signature}); "
                    "give the op a shape function",
                )
            return [tuple(value.tensor.shape) for value in ctx.outputs]
        shapes = [None if value is None else tuple(value.shape) for value in ctx.inputs]
        given = _call(self.shape, ctx, "shape", shapes)
        found = _checked_shapes(ctx, given)
        ctx.state["open"] = {i for i, shape in enumerate(found) if shape is None}
        return found

    def _evaluate(self, ctx: NodeContext) -> list[Array]:
        arrays = [None if v is None else _read_only(ctx.data(i)) for i, v in enumerate(ctx.inputs)]
        given = _call(self.evaluate, ctx, "evaluate", arrays)
        several = isinstance(given, (list, tuple)) and not (
            len(ctx.outputs) == 1 and len(given) != 1
        )
        found = list(given) if several else [] if given is None else [given]
        if len(found) != len(ctx.outputs):
            raise KernelError(
                f"{self.name}: the evaluate function returned {len(found)} arrays for "
                f"{len(ctx.outputs)} outputs"
            )
        return [
            _checked_array(ctx, position, array, arrays) for position, array in enumerate(found)
        ]


class OpResolver:
    """Collects the ops that a registering function adds."""

    def __init__(self) -> None:
        self.ops: list[CustomOp] = []

    def add_custom(
        self, name: str, evaluate: EvaluateFunction, shape: ShapeFunction | None = None
    ) -> None:
        """Run nodes of this custom code by these functions (see `CustomOp`)."""
        self.ops.append(CustomOp(name, evaluate, shape))

    def add_builtin(
        self, name: str, evaluate: EvaluateFunction, shape: ShapeFunction | None = None
    ) -> None:
        """Run nodes of this builtin operator by these functions (see `CustomOp`)."""
        self.ops.append(CustomOp(name, evaluate, shape, builtin=True))


def resolve(registerers: Iterable[Any] | None) -> dict[tuple[bool, str], Kernel]:
    """The kernels of all ops registered, by `CustomOp.key`; the last of one name wins.

    Each registerer is a `CustomOp` or a function of one `OpResolver`.  ValueError for a symbol's
    name and for a native function, which only LiteRT's interpreter can call; TypeError for anything
    else.
    """
    resolver = OpResolver()
    for registerer in registerers or ():
        if isinstance(registerer, CustomOp):
            resolver.ops.append(registerer)
        elif isinstance(registerer, str):
            raise _not_python(registerer)
        elif not callable(registerer):
            raise TypeError(f"incompatible function arguments. {_not_python(registerer)}")
        else:
            before = len(resolver.ops)
            try:
                registerer(resolver)
            except TypeError as error:
                if len(resolver.ops) != before or _is_python(registerer):
                    raise
                raise _not_python(registerer) from error
    return {op.key: op.kernel() for op in resolver.ops}


def _is_python(function: Any) -> bool:
    """Whether it is written in Python, so that its TypeError is its own."""
    return inspect.isfunction(function) or inspect.ismethod(function)


def _not_python(registerer: Any) -> ValueError:
    return ValueError(
        f"custom op registerer {registerer!r}: symbols and native functions are for LiteRT's "
        "interpreter; give litefuse's a CustomOp, or a Python function that takes a resolver and "
        "calls its add_custom(name, evaluate, shape)"
    )


def _describe(value: TensorValue, *, constant: bool) -> OpTensor:
    q = value.tensor.quantization
    return OpTensor(
        value.name,
        value.dtype,
        tuple(value.shape),
        () if q is None or q.scale is None else tuple(float(s) for s in q.scale),
        () if q is None or q.zero_point is None else tuple(int(z) for z in q.zero_point),
        _read_only(value.data) if constant and value.data is not None else None,
    )


def _node(ctx: NodeContext) -> OpNode:
    op = ctx.op
    if op.options is not None:
        options = {name: getattr(op.options, name) for name in _fields(op.options)}
    else:
        options = load_map(op.custom_options or b"")
    return OpNode(
        op.name,
        options,
        bytes(op.custom_options or b""),
        tuple(None if v is None else _describe(v, constant=v.constant) for v in ctx.inputs),
        tuple(_describe(v, constant=False) for v in ctx.outputs),
    )


def _fields(record: Any) -> Sequence[str]:
    return [name for name in vars(record) if not name.startswith("_")]


def _call(function: Callable[..., Any], ctx: NodeContext, what: str, values: list[Any]) -> Any:
    try:
        return function(_node(ctx), *values)
    except KernelError:
        raise
    except Exception as error:
        raise KernelError(
            f"{ctx.op.name}: the {what} function failed: {type(error).__name__}: {error}"
        ) from error


def _checked_shapes(ctx: NodeContext, given: Any) -> list[Shape | None]:
    count = len(ctx.outputs)
    if given is None:
        shapes: list[Any] = [None] * count
    elif isinstance(given, (tuple, list)) and (
        (count != 1 or len(given) == 1)
        and all(item is None or isinstance(item, (tuple, list, np.ndarray)) for item in given)
    ):
        shapes = list(given)
    else:
        shapes = [given]
    if len(shapes) != count:
        raise KernelError(
            f"{ctx.op.name}: the shape function returned {given!r} for {count} outputs; "
            "it must return one shape an output"
        )
    checked: list[Shape | None] = []
    for value, shape in zip(ctx.outputs, shapes, strict=True):
        if shape is None:
            checked.append(None)
            continue
        try:
            dims = tuple(int(d) for d in shape)
            whole = all(d == e for d, e in zip(dims, shape, strict=True))
        except (TypeError, ValueError):
            dims, whole = (), False
        if not whole or min(dims, default=0) < 0:
            raise KernelError(
                f"{ctx.op.name}: the shape function returned {shape!r} for output {value.name!r}; "
                "a shape is a tuple of integers that are not negative"
            )
        checked.append(dims)
    return checked


def _checked_array(ctx: NodeContext, position: int, given: Any, inputs: list[Any]) -> Array:
    value, array = ctx.outputs[position], np.asarray(given)
    wanted = value.dtype
    if wanted.hasobject:
        array = _strings(ctx, value, array)
    elif array.dtype.kind != wanted.kind or array.dtype.itemsize != wanted.itemsize:
        raise KernelError(
            f"{ctx.op.name}: the evaluate function returned {array.dtype} for output "
            f"{value.name!r}, which the model says is {wanted}; cast it with astype"
        )
    if array.shape != tuple(value.shape) and position not in ctx.state.get("open", ()):
        raise KernelError(
            f"{ctx.op.name}: the evaluate function returned shape {array.shape} for output "
            f"{value.name!r}, whose shape is {tuple(value.shape)} since allocation"
        )
    shared = any(x is not None and np.may_share_memory(array, x) for x in inputs)
    return np.array(array, wanted, order="C") if shared else np.asarray(array, wanted, order="C")


def _strings(ctx: NodeContext, value: TensorValue, array: Array) -> Array:
    """An object array of bytes, as string tensors are kept here."""
    out = np.empty(array.shape, object)
    for index, item in np.ndenumerate(array):
        if not isinstance(item, (str, bytes)):
            raise KernelError(
                f"{ctx.op.name}: the evaluate function returned {type(item).__name__} in output "
                f"{value.name!r}, a string tensor; it takes str and bytes"
            )
        out[index] = item.encode() if isinstance(item, str) else bytes(item)
    return out


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
