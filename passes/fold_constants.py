"""Evaluate `tfl` ops whose operands are all constant, such as the DEQUANTIZE of a float16 weight.

The runtime's kernels do it, so the result is what the interpreter would compute at every invoke. Ops that would make a small
constant large (a resize, a broadcast) stay.

Before:
```mlir
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<[1.0, -2.5]> : tensor<2xf16>} : () -> tensor<2xf16>
  %1 = "tfl.dequantize"(%0) : (tensor<2xf16>) -> tensor<2xf32>
  "kern.return"(%1) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<[1.0, -2.5]> : tensor<2xf16>} : () -> tensor<2xf16>
  %1 = "tfl.pseudo_const"() {value = dense<[1.0, -2.5]> : tensor<2xf32>} : () -> tensor<2xf32>
  "kern.return"(%1) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Builder, Module, Operation
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import replace_op
from litefuse.compiler.ir.types import NoneType, TensorType
from litefuse.passes.support.constants import constant, constant_attribute
from litefuse.passes.support.evaluate import evaluate
from litefuse.passes.support.walk import bodies

# A folded constant may be this many times larger than its operands, or this large.
_GROWTH, _SMALL = 4, 1 << 16


def fold_constants(module: Module, context: PassContext) -> None:
    """Fold in order, so that chains of constant ops go in one walk."""
    for block in bodies(module):
        for op in list(block.ops):
            if op.dialect == "tfl" and op.operands and len(op.results) == 1 and _fold(op):
                context.count("ops folded")


def _fold(op: Operation) -> bool:
    inputs = [None if isinstance(v.type, NoneType) else constant(v) for v in op.operands]
    known = [a for a in inputs if a is not None]
    absent = sum(isinstance(v.type, NoneType) for v in op.operands)
    result = op.result.type
    if not known or len(known) + absent != len(inputs) or not isinstance(result, TensorType):
        return False
    if result.size > max(_SMALL, _GROWTH * sum(a.size for a in known)):
        return False
    outputs = evaluate(op, inputs)
    if outputs is None or op.block is None:
        return False
    hint = op.result.name or op.name.partition(".")[2]
    value = constant_attribute(outputs[0].reshape(result.shape), hint)
    made = Builder(op.block, op, op.location).create(
        "tfl.pseudo_const", (), [result], {"value": value}
    )
    replace_op(op, [made.result])
    return True


PASS = Pass("fold_constants", fold_constants, "evaluate tfl ops on constants")
