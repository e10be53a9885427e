"""`tfl`: one op a node of the file, named and spelled as in TensorFlow's own dialect.

Tensors are typed (`tensor<1x7x7x96x!quant.uniform<i8:f32, 0.02:-3>>`), constants are
`tfl.pseudo_const`, absent operands `tfl.no_value`; the function around them is a `kern.func`.
"""

from __future__ import annotations

from litefuse.compiler.ir.opdef import OpDef
from litefuse.compiler.ops.tfl.binary import ADD, MUL, SUB
from litefuse.compiler.ops.tfl.concatenation import CONCATENATION
from litefuse.compiler.ops.tfl.constants import NO_VALUE, PSEUDO_CONST
from litefuse.compiler.ops.tfl.conv_2d import CONV_2D
from litefuse.compiler.ops.tfl.declare import TflOp
from litefuse.compiler.ops.tfl.depthwise_conv_2d import DEPTHWISE_CONV_2D
from litefuse.compiler.ops.tfl.fully_connected import FULLY_CONNECTED
from litefuse.compiler.ops.tfl.mean import MEAN
from litefuse.compiler.ops.tfl.pad import PAD, PADV2
from litefuse.compiler.ops.tfl.pool_2d import AVERAGE_POOL_2D, MAX_POOL_2D
from litefuse.compiler.ops.tfl.quantize import DEQUANTIZE, QUANTIZE
from litefuse.compiler.ops.tfl.relu import RELU, RELU6, RELU_N1_TO_1
from litefuse.compiler.ops.tfl.reshape import RESHAPE, SQUEEZE
from litefuse.compiler.ops.tfl.resize_nearest_neighbor import RESIZE_NEAREST_NEIGHBOR
from litefuse.compiler.ops.tfl.softmax import SOFTMAX

TFL_OPS: tuple[TflOp, ...] = (
    ADD,
    AVERAGE_POOL_2D,
    CONCATENATION,
    CONV_2D,
    DEPTHWISE_CONV_2D,
    DEQUANTIZE,
    FULLY_CONNECTED,
    MAX_POOL_2D,
    MEAN,
    MUL,
    PAD,
    PADV2,
    QUANTIZE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    RESHAPE,
    RESIZE_NEAREST_NEIGHBOR,
    SOFTMAX,
    SQUEEZE,
    SUB,
)
"""Every op that litefuse compiles."""

BY_BUILTIN: dict[str, TflOp] = {op.builtin: op for op in TFL_OPS}
"""The same by the schema's operator name."""

OPS: tuple[OpDef, ...] = (PSEUDO_CONST, NO_VALUE, *(op.definition for op in TFL_OPS))
"""The declarations."""
