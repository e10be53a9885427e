"""QUANTIZE and DEQUANTIZE: `tfl.quantize(x)` from float32 or another int8 scale, and back."""

from __future__ import annotations

from litefuse.compiler.ops.tfl import rules
from litefuse.compiler.ops.tfl.declare import same_shape, tfl_op
from litefuse.compiler.ops.tfl.node import NodeView, refuse


def _check_quantize(node: NodeView) -> None:
    x, y = node.input(0), node.output
    if y.kind != "i8":
        refuse("QUANTIZE must give INT8", f"{y.name} is {y.type_name}")
    rules.per_tensor(y)
    if x.kind == "i8":
        rules.per_tensor(x)
    elif x.kind != "f32":
        refuse("QUANTIZE must take FLOAT32 or INT8", f"{x.name} is {x.type_name}")


def _check_dequantize(node: NodeView) -> None:
    x, y = node.input(0), node.output
    if y.kind != "f32":
        refuse("DEQUANTIZE must give FLOAT32", f"{y.name} is {y.type_name}")
    if x.kind == "i8":
        rules.per_tensor(x)
    elif x.kind != "f16":
        refuse("DEQUANTIZE must take INT8 or FLOAT16", f"{x.name} is {x.type_name}")
    elif x.constant is None:
        refuse("FLOAT16 tensors must be constant", f"{x.name} is computed at run time")


QUANTIZE = tfl_op(
    "QUANTIZE",
    "round(x / scale) + zero point; from int8, a change of scale.",
    1,
    shape=same_shape,
    check=_check_quantize,
)
DEQUANTIZE = tfl_op(
    "DEQUANTIZE",
    "scale * (x - zero point); from float16, the same number.",
    1,
    shape=same_shape,
    check=_check_dequantize,
)
