"""`tfl.pseudo_const` and `tfl.no_value`: a weight of the file, and an absent optional operand."""

from __future__ import annotations

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import Operation
from litefuse.compiler.ir.opdef import OpDef, require
from litefuse.compiler.ir.types import NoneType, TensorType


def _const(op: Operation) -> None:
    t, value = op.result.type, op["value"]
    require(isinstance(t, TensorType), f"a constant is a tensor, not {t}")
    shape = t.shape if isinstance(t, TensorType) else ()
    require(value.array.shape == shape, f"the elements have shape {value.array.shape}, not {shape}")


def _no_value(op: Operation) -> None:
    require(isinstance(op.result.type, NoneType), "the result has type none")


PSEUDO_CONST = OpDef(
    "tfl.pseudo_const",
    "A constant tensor of the file.",
    0,
    1,
    required={"value": (Dense, Resource)},
    verify=_const,
)
NO_VALUE = OpDef("tfl.no_value", "An optional operand that is absent.", 0, 1, verify=_no_value)
