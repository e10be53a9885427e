"""Drop what has no effect: moves that move nothing, reshapes of reshapes, equal constants, and whatever nobody reads.

Before:
```mlir
"kern.func"() ({
^bb0(%x: tensor<2x3xf32>):
  %0 = "kern.reshape"(%x) : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = "kern.reshape"(%0) : (tensor<6xf32>) -> tensor<3x2xf32>
  %2 = "kern.concat"(%1) {axis = 0 : i64} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  "kern.return"(%2) : (tensor<3x2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
After:
```mlir
"kern.func"() ({
^bb0(%x: tensor<2x3xf32>):
  %0 = "kern.reshape"(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  "kern.return"(%0) : (tensor<3x2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
```
"""

from __future__ import annotations

from typing import Any

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import Block, Builder, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.rewriter import Rewrite, apply_rewrites, erase_dead, replace_op
from litefuse.passes.support.constants import CONSTANTS
from litefuse.passes.support.walk import bodies


def eliminate(module: Module, context: PassContext) -> None:
    """Apply the closed list of rules below, merge equal constants, erase dead ops."""
    for name, n in apply_rewrites(module, RULES).items():
        if n:
            context.count(name, n)
    for block in bodies(module):
        _merge_constants(block)
        erased = erase_dead(block, context.dialects)
        if erased:
            context.count("dead ops erased", erased)


def _moves_nothing(op: Operation) -> Value | None:
    """A reshape to the same type, a pad by nothing, a concatenation of one, an identity transpose, slice or map."""
    if len(op.operands) != 1 or len(op.results) != 1 or op.operands[0].type != op.result.type:
        return None
    match op.name:
        case "kern.reshape" | "kern.concat":
            same = True
        case "kern.pad":
            same = not any((*op["low"], *op["high"]))
        case "kern.transpose":
            same = op["permutation"] == tuple(range(len(op["permutation"])))
        case "kern.slice":
            same = not any(op["begin"]) and all(s == 1 for s in op["strides"])
        case "kern.map":
            same = op.body.terminator.operands[0] is op.body.args[0]
        case _:
            same = False
    return op.operands[0] if same else None


def _forward(op: Operation, value: Value, builder: Builder) -> None:
    del builder
    name = value.name
    replace_op(op, [value])
    value.name = name


def _reshape_of_reshape(op: Operation) -> Value | None:
    inner = op.operands[0].op if op.name == "kern.reshape" else None
    return inner.operands[0] if inner is not None and inner.name == "kern.reshape" else None


def _skip_inner(op: Operation, value: Value, builder: Builder) -> None:
    del builder
    inner = op.operands[0].op
    op.set_operand(0, value)
    if inner is not None:
        op.location = inner.location + op.location


def _reshaped_constant(op: Operation) -> Any:
    source = op.operands[0].op if op.name == "kern.reshape" else None
    return source if source is not None and source.name == "kern.const" else None


def _reshape_constant(op: Operation, source: Any, builder: Builder) -> None:
    shape = op.result.type.shape  # type: ignore[attr-defined]
    value = source["value"]
    if isinstance(value, Resource):
        # Another name: the original may stay in use, and one name must not stand for two shapes.
        name = f"{value.name}_{'x'.join(map(str, shape))}"
        value = Resource(name, value.array.reshape(shape))
    else:
        value = Dense(value.array.reshape(shape))
    made = builder.create("kern.const", (), [op.result.type], {"value": value})
    made.result.name = source.result.name
    replace_op(op, [made.result])


RULES: tuple[Rewrite[Any], ...] = (
    Rewrite("moves of nothing removed", _moves_nothing, _forward),
    Rewrite("reshapes merged", _reshape_of_reshape, _skip_inner),
    Rewrite("constants reshaped", _reshaped_constant, _reshape_constant),
)


def _merge_constants(block: Block) -> None:
    seen: dict[Any, Operation] = {}
    for op in list(block.ops):
        if op.name not in CONSTANTS:
            continue
        value = op["value"]
        key = (op.name, op.result.type, type(value), getattr(value, "name", value))
        first = seen.setdefault(key, op)
        if first is not op and first["value"] == value:
            op.result.replace_by(first.result)
            op.erase()


PASS = Pass("eliminate", eliminate, "drop moves of nothing, equal constants and dead ops")
