"""Evaluating one `tfl` op on constants with the runtime's own kernels: folding cannot disagree with the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import FloatType, IntegerType, QuantizedType, TensorType
from litefuse.runtime.kernels import KERNELS, KernelError
from litefuse.runtime.kernels.base import NodeContext, TensorValue

# Attributes that the IR spells out and the file format numbers.
_CODES: dict[str, tuple[str, ...]] = {
    "fused_activation_function": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "padding": ("SAME", "VALID"),
    "mode": ("REFLECT", "SYMMETRIC"),
}


@dataclass(frozen=True, slots=True)
class _Quantization:
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    quantized_dimension: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What kernels read of the schema's tensor record."""

    name: str
    dtype: np.dtype[Any]
    quantization: _Quantization | None


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
        given.append(None if array is None else TensorValue(_tensor(value), array.shape, array))
    results = [TensorValue(_tensor(r), r.type.shape) for r in op.results]  # type: ignore[attr-defined]
    context = NodeContext(node, given, results)
    try:
        shapes = kernel.prepare(context)
        if [s for s in shapes if s is not None] != [r.shape for r in results]:
            return None
        return kernel.evaluate(context)
    except (KernelError, AttributeError, KeyError, TypeError):
        # Not foldable is not an error: the lowering will look at the op, and say what is wrong with it.
        return None


def _option(name: str, value: Any) -> Any:
    codes = _CODES.get(name)
    return codes.index(value) if codes is not None and value in codes else value


def _tensor(value: Value) -> Any:
    element = value.type.element if isinstance(value.type, TensorType) else value.type
    quantization = None
    if isinstance(element, QuantizedType):
        quantization = _Quantization(
            np.asarray(element.scales, np.float32),
            np.asarray(element.zero_points, np.int64),
            element.axis or 0,
        )
        element = element.storage
    return _Tensor(value.name, _dtype(element), quantization)


def _dtype(element: Any) -> np.dtype[Any]:
    if isinstance(element, FloatType):
        return np.dtype(f"float{element.width}")
    if isinstance(element, IntegerType):
        if element.width == 1:
            return np.dtype(np.bool_)
        return np.dtype(f"{'u' if element.signedness == 'u' else ''}int{element.width}")
    return np.dtype(object)
