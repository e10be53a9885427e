"""Turn quantisation into integer arithmetic: zero points into the bias, scales into multipliers and shifts.

A contraction over `x - z` with known weights is one over `x` plus a constant a channel, -z * sum w; cells of the padding then
hold z, which `pad_value` says already. A `kern.rescale` by real multipliers becomes `arith.mbqm`, whose 31-bit multipliers and
shifts are scalars where all channels agree and vectors over the channels where not.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>):
  %w = "kern.const"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xsi8>} : () -> tensor<2x2xsi8>
  %b = "kern.const"() {value = dense<[10, 20]> : tensor<2xsi32>} : () -> tensor<2xsi32>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", x_zero_point = 3 : i64, roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  %1 = "kern.map"(%0, %b) ({
  ^bb0(%a: i32, %c: i32):
    %2 = "arith.addi"(%a, %c) : (i32, i32) -> i32
    "kern.yield"(%2) : (i32) -> ()
  }) {roles = ["pixel", "channel"]} : (tensor<1x2xsi32>, tensor<2xsi32>) -> tensor<1x2xsi32>
  %3 = "kern.rescale"(%1) {multipliers = array<f64: 0.25>, zero_point = 7 : i64} : (tensor<1x2xsi32>) -> tensor<1x2xsi32>
  "kern.return"(%3) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>):
  %w = "kern.const"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xsi8>} : () -> tensor<2x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  %b = "kern.const"() {value = dense<[1, -1]> : tensor<2xsi32>} : () -> tensor<2xsi32>
  %1 = "kern.map"(%0, %b) ({
  ^bb0(%a: i32, %c: i32):
    %2 = "arith.addi"(%a, %c) : (i32, i32) -> i32
    "kern.yield"(%2) : (i32) -> ()
  }) {roles = ["pixel", "channel"]} : (tensor<1x2xsi32>, tensor<2xsi32>) -> tensor<1x2xsi32>
  %3 = "kern.map"(%1) ({
  ^bb0(%a: i32):
    %m = "arith.constant"() {value = 1073741824 : i64} : () -> i32
    %s = "arith.constant"() {value = -1 : i64} : () -> i32
    %4 = "arith.mbqm"(%a, %m, %s) : (i32, i32, i32) -> i32
    %z = "arith.constant"() {value = 7 : i64} : () -> i32
    %5 = "arith.addi"(%4, %z) : (i32, i32) -> i32
    "kern.yield"(%5) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x2xsi32>) -> tensor<1x2xsi32>
  "kern.return"(%3) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.compiler.ir.core import Builder, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import replace_op
from litefuse.compiler.ir.types import F64, I32, SI32
from litefuse.passes.support.body import Body, scalar_of
from litefuse.passes.support.constants import constant, make_constant
from litefuse.passes.support.walk import bodies, only_user
from litefuse.runtime.kernels.fixed_point import mbqm_multipliers, wrap32


def fold_quantization(module: Module, context: PassContext) -> None:
    """Leave no `x_zero_point` on a contraction of constant weights, and no `kern.rescale`."""
    for block in bodies(module):
        for op in list(block.ops):
            if op.name == "kern.contract" and "x_zero_point" in op.attributes:
                if _zero_point_into_bias(op):
                    context.count("zero points folded")
            elif op.name == "kern.rescale":
                _apply(op)
                context.count("rescales folded")


def _zero_point_into_bias(op: Operation) -> bool:
    zero_point = op["x_zero_point"]
    weights = constant(op.operands[1])
    if weights is None:
        return False  # known only at run time: the contraction subtracts
    del op.attributes["x_zero_point"]
    if zero_point == 0:
        return True
    over = (0, 1, 2) if op["kind"] == "depthwise" else tuple(range(1, weights.ndim))
    correction = -zero_point * weights.astype(np.int64).sum(axis=over)
    bias_op = _bias_of(op.result)
    if bias_op is None:
        _append_bias(op, correction)
        return True
    old = bias_op.operands[1]
    total = _wrapped(constant(old) + correction)
    new = make_constant(
        Builder(_block(bias_op), bias_op, bias_op.location), total, old.name or "bias", SI32
    )
    bias_op.set_operand(1, new)
    if not old.users and old.op is not None:
        old.op.erase()
    return True


def _bias_of(acc: Value) -> Operation | None:
    """The map that alone reads the sums and only adds a constant a channel."""
    user = only_user(acc)
    if user is None or user.name != "kern.map" or user["roles"] != ["pixel", "channel"]:
        return None
    ops, args = user.body.ops, user.body.args
    adds = len(ops) == 2 and ops[0].name == "arith.addi" and ops[0].operands == tuple(args)
    if not adds or user.operands[0] is not acc or constant(user.operands[1]) is None:
        return None
    return user


def _append_bias(op: Operation, correction: npt.NDArray[np.int64]) -> None:
    block = _block(op)
    following = block.ops[block.ops.index(op) + 1]
    builder = Builder(block, following, op.location)
    bias = make_constant(builder, _wrapped(correction), f"{op.result.name or 'x'}_zero_point", SI32)
    body = Body([I32, I32], op.location)
    region = body.finish(body.op("addi", *body.args))
    acc = op.result
    added = builder.create(
        "kern.map", [acc, bias], [acc.type], {"roles": ["pixel", "channel"]}, [region]
    )
    for user, index in acc.uses:
        if user is not added:
            user.set_operand(index, added.result)


def _wrapped(total: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Modulo 2**32: the accumulator wraps too, so the sum is right even where a part of it is not."""
    return wrap32(total).astype(np.int32)


def _apply(op: Operation) -> None:
    """Make a rescale a map. Values are scalars where all channels agree, else a vector over the channels each."""
    builder = Builder(_block(op), op, op.location)
    x, name = op.operands[0], op.result.name or "rescale"
    operands, roles = [x], ["pixel"]
    body = Body([I32], op.location)

    def channelwise(values: npt.NDArray[Any], hint: str) -> Value:
        if len(set(values.tolist())) == 1:
            return body.i32(int(values[0])) if values.dtype.kind == "i" else body.f64(values[0])
        constant = make_constant(builder, values, f"{name}_{hint}")
        operands.append(constant)
        roles.append("channel")
        return body.block.add_arg(scalar_of(constant.type))

    if op.get("arithmetic") == "float64":
        multipliers = np.asarray(op["multipliers"], np.float64)
        y = body.op(
            "mulf", body.to_float(body.args[0], F64), channelwise(multipliers, "multiplier")
        )
        if multipliers.max(initial=0.0) > 1.0:  # else no i32 leaves the range
            y = body.op("minf", body.op("maxf", y, body.f64(-(2.0**30))), body.f64(2.0**30))
        y = body.round_to_int(y)
    else:
        fixed, exponents = mbqm_multipliers(op["multipliers"])
        m, s = channelwise(fixed, "multiplier"), channelwise(exponents, "shift")
        y = body.op("mbqm", body.args[0], m, s)
    if op["zero_point"]:
        y = body.op("addi", y, body.i32(op["zero_point"]))
    made = builder.create(
        "kern.map", operands, [op.result.type], {"roles": roles}, [body.finish(y)]
    )
    replace_op(op, [made.result])


def _block(op: Operation) -> Any:
    if op.block is None:
        raise ValueError(f"{op.name} is in no block")
    return op.block


PASS = Pass("fold_quantization", fold_quantization, "scales become multipliers, zero points bias")
