"""Evaluating one `tfl` op on constants with the runtime's own kernels: folding cannot disagree with the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy.typing as npt

from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import FloatType, IntegerType, QuantizedType, TensorType
from litefuse.runtime.kernels import KERNELS, KernelError
from litefuse.runtime.kernels.base import NodeContext, TensorValue
from litefuse.runtime.kernels.detached import detached

# Attributes that the IR spells out and the file format numbers.
_CODES: dict[str, tuple[str, ...]] = {
    "fused_activation_function": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "padding": ("SAME", "VALID"),
    "mode": ("REFLECT", "SYMMETRIC"),
}


def evaluate(
    op: Operation, inputs: Sequence[npt.NDArray[Any] | None]
) -> list[npt.NDArray[Any]] | None:
    """The op's results on these inputs (None: absent), or None where no kernel can tell."""
    kernel = KERNELS.get(op.name.partition(".")[2].upper())
    if kernel is None or kernel.stateful:
        return None
    options = SimpleNamespace(**{k: _option(k, v) for k, v in op.attributes.items()})
    node: Any = SimpleNamespace(name=kernel.name, options=options, custom_options=b"")
    given: list[TensorValue | None] = []
    for value, array in zip(op.operands, inputs, strict=True):
        given.append(None if array is None else _value(value, array))
    results = [_value(r) for r in op.results]
    context = NodeContext(node, given, results)
    try:
        shapes = kernel.prepare(context)
        if [s for s in shapes if s is not None] != [r.shape for r in results]:
            return None
        return kernel.run(context)
    except KernelError:
        # Not foldable is not an error: the lowering will look at the op, and say what is wrong with it.
        return None


def _option(name: str, value: Any) -> Any:
    codes = _CODES.get(name)
    return codes.index(value) if codes is not None and value in codes else value


def _value(value: Value, data: npt.NDArray[Any] | None = None) -> TensorValue:
    """The tensor that a model would hold the value in."""
    element: Any = value.type.element if isinstance(value.type, TensorType) else value.type
    shape = value.type.shape if isinstance(value.type, TensorType) else ()
    shape = shape if data is None else data.shape
    if not isinstance(element, QuantizedType):
        return detached(value.name, shape, _type_name(element), data)
    return detached(
        value.name,
        shape,
        _type_name(element.storage),
        data,
        scales=element.scales,
        zero_points=element.zero_points,
        axis=element.axis or 0,
    )


def _type_name(element: Any) -> str:
    """The schema's name of an element type."""
    if isinstance(element, FloatType):
        return "BFLOAT16" if element.name == "bf16" else f"FLOAT{element.width}"
    if isinstance(element, IntegerType):
        sign = "U" if element.signedness == "u" else ""
        return "BOOL" if element.width == 1 else f"{sign}INT{element.width}"
    return "STRING"
