"""The IR's element type of a model's tensor."""

from __future__ import annotations

from litefuse.compiler.ir.core import IRError
from litefuse.compiler.ir.types import (
    BF16,
    F16,
    F32,
    F64,
    I1,
    SI8,
    SI16,
    SI32,
    SI64,
    UI8,
    UI16,
    UI32,
    UI64,
    ComplexType,
    IntegerType,
    OpaqueType,
    QuantizedType,
    Type,
)
from litefuse.compiler.ops.tfl.node import TensorView

_PLAIN: dict[str, Type] = {
    "FLOAT32": F32,
    "FLOAT16": F16,
    "FLOAT64": F64,
    "BFLOAT16": BF16,
    "INT8": SI8,
    "INT16": SI16,
    "INT32": SI32,
    "INT64": SI64,
    "UINT8": UI8,
    "UINT16": UI16,
    "UINT32": UI32,
    "UINT64": UI64,
    "BOOL": I1,
    "COMPLEX64": ComplexType(F32),
    "COMPLEX128": ComplexType(F64),
    "STRING": OpaqueType("tfl.string"),
    "RESOURCE": OpaqueType("tfl.resource"),
    "VARIANT": OpaqueType("tfl.variant"),
}
_QUANTIZED = ("INT8", "UINT8", "INT16", "INT32", "INT64")


def element_type(view: TensorView) -> Type:
    """The element type; `!quant.uniform` with the file's exact float32 scales where it has any."""
    plain = _PLAIN.get(view.type_name)
    if plain is None:
        raise IRError(f"tensor {view.index} ({view.name}): no IR type for {view.type_name}")
    if not view.scales or view.type_name not in _QUANTIZED or not isinstance(plain, IntegerType):
        return plain
    per_channel = len(view.scales) > 1
    return QuantizedType(plain, view.scales, view.zero_points, view.axis if per_channel else None)
