"""Lower `tfl` nodes to structured `kern` ops: one table of functions, one file an op family.

Contractions, windows and reductions come out bare; bias, requantisation (symbolic, `kern.rescale`) and activation are ops of
their own, which `fold_quantization` and `fuse_epilogue` then work on.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4xf32>, %y: tensor<1x4xf32>):
  %0 = "tfl.add"(%x, %y) {fused_activation_function = "RELU"} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  "kern.return"(%0) : (tensor<1x4xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x4xf32>, %y: tensor<1x4xf32>):
  %0 = "kern.map"(%x, %y) ({
  ^bb0(%a: f32, %b: f32):
    %1 = "arith.addf"(%a, %b) : (f32, f32) -> f32
    "kern.yield"(%1) : (f32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %2 = "kern.map"(%0) ({
  ^bb0(%a: f32):
    %3 = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %4 = "arith.maxf"(%3, %a) : (f32, f32) -> f32
    "kern.yield"(%4) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  "kern.return"(%2) : (tensor<1x4xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from collections.abc import Callable

from litefuse.compiler.ir.core import Block, Builder, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import replace_op
from litefuse.passes.support.walk import bodies
from litefuse.passes.tfl_to_kern import (
    activations,
    contraction,
    elementwise,
    moves,
    quantization,
    reductions,
    softmax,
    windows,
)
from litefuse.passes.tfl_to_kern.lowering import Lowering, LoweringError

LOWERINGS: dict[str, Callable[[Lowering], Value]] = {
    "tfl.add": elementwise.add,
    "tfl.average_pool_2d": windows.average_pool_2d,
    "tfl.concatenation": moves.concatenation,
    "tfl.conv_2d": contraction.conv_2d,
    "tfl.depthwise_conv_2d": contraction.depthwise_conv_2d,
    "tfl.dequantize": quantization.dequantize,
    "tfl.expand_dims": moves.reshape,
    "tfl.fully_connected": contraction.fully_connected,
    "tfl.max_pool_2d": windows.max_pool_2d,
    "tfl.mean": reductions.mean,
    "tfl.mul": elementwise.mul,
    "tfl.pad": moves.pad,
    "tfl.padv2": moves.pad,
    "tfl.quantize": quantization.quantize,
    "tfl.reduce_max": reductions.reduce_max,
    "tfl.reduce_min": reductions.reduce_min,
    "tfl.relu": activations.relu,
    "tfl.relu6": activations.relu,
    "tfl.relu_0_to_1": activations.relu,
    "tfl.relu_n1_to_1": activations.relu,
    "tfl.reshape": moves.reshape,
    "tfl.resize_nearest_neighbor": moves.resize_nearest_neighbor,
    "tfl.softmax": softmax.softmax,
    "tfl.squeeze": moves.reshape,
    "tfl.sub": elementwise.sub,
    "tfl.sum": reductions.sum_,
    "tfl.transpose": moves.transpose,
}


def tfl_to_kern(module: Module, context: PassContext) -> None:
    """Replace every `tfl` op; `LoweringError` names the first that has no `kern` form."""
    for block in bodies(module):
        for op in list(block.ops):
            if op.dialect != "tfl" or op.name == "tfl.no_value":
                continue
            builder = Builder(block, op, op.location)
            if op.name == "tfl.pseudo_const":
                value = builder.create(
                    "kern.const", (), [op.result.type], {"value": op["value"]}
                ).result
            else:
                value = _lower(op, builder)
            replace_op(op, [value])
            context.count("lowered")
        for op in list(block.ops):
            if op.name == "tfl.no_value":
                op.erase()


def refusal(op: Operation) -> LoweringError | None:
    """Why an op cannot be lowered, or None where it can: a trial that leaves no trace. Operands may be `tfl` or `kern` values."""
    scratch = Block()
    try:
        _lower(op, Builder(scratch, location=op.location))
    except LoweringError as e:
        return e
    finally:
        for made in scratch.ops:
            made.drop_uses()
    return None


def _lower(op: Operation, builder: Builder) -> Value:
    lowering = LOWERINGS.get(op.name)
    if lowering is None:
        raise LoweringError(
            op.name,
            "only ops with a kern form can be compiled",
            op.name,
            "leave this node to LiteRT",
        )
    return lowering(Lowering(op, builder))


PASS = Pass("tfl_to_kern", tfl_to_kern, "lower tfl nodes to structured kern ops")
