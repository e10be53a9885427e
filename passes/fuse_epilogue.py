"""Pull elementwise ops into the op that produces their input: bias, requantisation, activation, residual add.

A `kern.map` whose operand comes from a contraction, window, reduction or another map that nothing else reads becomes a part of
that op's region. Its other operands become extras. Repeated until nothing is left to fuse, so that whole chains go.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>, %b: tensor<3xf32>, %r: tensor<1x3xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %1 = "kern.map"(%0, %b) ({
  ^bb0(%a: f32, %c: f32):
    %2 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    "kern.yield"(%2) : (f32) -> ()
  }) {roles = ["pixel", "channel"]} : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %3 = "kern.map"(%r, %1) ({
  ^bb0(%a: f32, %c: f32):
    %4 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    "kern.yield"(%4) : (f32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%3) : (tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>, %b: tensor<3xf32>, %r: tensor<1x3xf32>):
  %0 = "kern.contract"(%x, %w, %b, %r) ({
  ^bb0(%a: f32, %c: f32, %d: f32):
    %1 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    %2 = "arith.addf"(%d, %1) : (f32, f32) -> f32
    "kern.yield"(%2) : (f32) -> ()
  }) {kind = "dense", roles = ["channel", "pixel"]} : (tensor<1x2xf32>, tensor<3x2xf32>, tensor<3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%0) : (tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Block, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import replace_op
from litefuse.passes.support.body import Body
from litefuse.passes.support.walk import bodies

# Number of operands that are not extras, and of region arguments that belong to them.
_PRODUCERS = {
    "kern.contract": (2, 1),
    "kern.window": (1, 2),
    "kern.reduce": (1, 1),
    "kern.map": (0, 0),
}
# Who should take a residual add when both sides could: where the work is hides the load best.
_RANK = {"kern.contract": 0, "kern.window": 1, "kern.reduce": 2, "kern.map": 3}
_EXTRA_ROLES = ("pixel", "channel", "scalar")


def fuse_epilogue(module: Module, context: PassContext) -> None:
    """Fuse every map that can be fused; the fused op stands where the map stood and carries all locations."""
    for block in bodies(module):
        i = 0
        while i < len(block.ops):
            op = block.ops[i]
            producer = _producer(op, block) if op.name == "kern.map" else None
            if producer is None:
                i += 1
                continue
            fused = _fuse(producer, op)
            context.count(f"maps fused into {producer.name}")
            # The fused op may go on into an earlier producer (map into map), and nothing before it has changed.
            i = block.ops.index(fused)


def _producer(user: Operation, block: Block) -> Operation | None:
    """The best op to pull `user` into: a contraction before a window before others, the latest of equals."""
    found: list[Operation] = []
    for value, role in zip(user.operands, user["roles"], strict=True):
        op = value.op
        if op is None or op.block is not block or role != "pixel" or op in found:
            continue
        if op.name in _PRODUCERS and value.users == [user] and _fits(op, user):
            found.append(op)
    if not found:
        return None
    position = {id(op): n for n, op in enumerate(block.ops)}
    return min(found, key=lambda op: (_RANK[op.name], -position[id(op)]))


def _fits(producer: Operation, user: Operation) -> bool:
    if producer.result.type.shape != user.result.type.shape:  # type: ignore[attr-defined]
        return False
    # Only a map reads extras of any shape.
    return producer.name == "kern.map" or all(role in _EXTRA_ROLES for role in user["roles"])


def _fuse(producer: Operation, user: Operation) -> Operation:
    first, leading = _PRODUCERS[producer.name]
    operands = list(producer.operands)
    roles = list(producer["roles"])
    body = Body([a.type for a in producer.body.args[:leading]], producer.location + user.location)
    for a, old in zip(body.args, producer.body.args, strict=False):
        a.name = old.name
    scalars: dict[tuple[Value, str], Value] = {}
    for value, role, arg in zip(operands[first:], roles, producer.body.args[leading:], strict=True):
        scalars[value, role] = body.block.add_arg(arg.type, arg.name)
    inner = body.inline(
        producer.body,
        [
            *body.args[:leading],
            *(scalars[v, r] for v, r in zip(operands[first:], roles, strict=True)),
        ],
    )
    args = []
    for value, role, arg in zip(user.operands, user["roles"], user.body.args, strict=True):
        if value is producer.result:
            args.append(inner)
            continue
        if (value, role) not in scalars:
            operands.append(value)
            roles.append(role)
            scalars[value, role] = body.block.add_arg(arg.type, arg.name)
        args.append(scalars[value, role])
    region = body.finish(body.inline(user.body, args))
    fused = Operation(
        producer.name,
        operands,
        [user.result.type],
        {**producer.attributes, "roles": roles},
        [region],
        body.location,
    )
    if user.block is None:
        raise ValueError("the fused op is in no block")
    user.block.insert_before(user, fused)
    replace_op(user, [fused.result])
    producer.erase()
    return fused


PASS = Pass(
    "fuse_epilogue", fuse_epilogue, "pull elementwise ops into the op that produces their input"
)
