"""`assign-layouts`: how every tensor lies in memory: storage type, bias, and physical cells around
it.

Quantised int8 activations that feed dot products are stored in the form that the target's
instruction reads (u8 with bias 128, s8 or s16). A convolution's padding becomes physical cells of
its operand, so that the producer writes in place and the kernel has no borders. What cannot lie as
its readers want (inputs and outputs of the partition, reshaped tensors) is copied once, by an
identity `kern.map`.

```mlir before
"kern.func"() ({
^bb0(%x: tensor<1x4x4x8xf32>):
  %y = "kern.map"(%x) <...> : relu
  %z = "kern.contract"(%y, %w) {pad = array<i64: 1, 1, 1, 1>, ...}
```
becomes: `%y` gets `buffer = {bias = 0, dtype = "f32", fill = 0.0, pad = array<i64: 1, 1, 1, 1>,
space = "arena"}`.
"""

from __future__ import annotations

from typing import Any

from litefuse.codegen.families.image import BYTES
from litefuse.compiler.ir.core import Block, IRError, Module, Operation, Region, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import (
    F32,
    I32,
    FloatType,
    IntegerType,
    QuantizedType,
    TensorType,
    Type,
)

_NO_PAD = (0, 0, 0, 0)
_STORAGE = {"u8": ("u8", 128), "s8": ("i8", 0), "i16": ("i16", 0)}


def dtype_of(element: Type) -> str:
    """The storage of an element type as the model has it."""
    if isinstance(element, QuantizedType):
        element = element.storage
    if isinstance(element, FloatType) and element.name in BYTES:
        return element.name
    if isinstance(element, IntegerType):
        if element.width == 1:
            return "bool"
        name = ("u" if element.signedness == "u" else "i") + str(element.width)
        if name in BYTES:
            return name
    raise IRError(f"a tensor of {element} has no storage in compiled code")


def is_padded(op: Operation) -> bool:
    """Whether an op wants physical cells around its first operand."""
    return op.name == "kern.contract" and op["kind"] != "dense" and any(op["pad"])


def run_length(op: Operation) -> int:
    """Adjacent elements of the first operand that a contraction reads in one go."""
    w = op.operands[1].type
    assert isinstance(w, TensorType)
    if op["kind"] == "dense":
        return w.shape[-1]
    _, _, kw, cin = w.shape
    x = op.operands[0].type
    assert isinstance(x, TensorType)
    return kw * cin if x.shape[-1] == cin and (op["dilations"][1] == 1 or kw == 1) else cin


def _wants(op: Operation, context: PassContext) -> str | None:
    """The storage that a contraction needs its first operand in; None where any will do."""
    x = op.operands[0].type
    assert isinstance(x, TensorType)
    if op["kind"] == "depthwise" or not isinstance(x.element, QuantizedType):
        return None
    return _STORAGE[context.target.storage][0]


def assign_layouts(module: Module, context: PassContext) -> None:
    """Copies where they are needed, then a `buffer` for every tensor."""
    for func in module.functions():
        if func.name == "kern.func":
            _Layouts(func, context).run()


PASS = Pass(
    "assign-layouts", assign_layouts, "storage types, physical padding, and the copies they need"
)


class _Layouts:
    def __init__(self, func: Operation, context: PassContext) -> None:
        self.func = func
        self.context = context
        self.block = func.body

    def run(self) -> None:
        self._outputs_of_their_own()
        for value in [*self.block.args, *(r for op in self.block.ops for r in op.results)]:
            self._copy_for_readers(value)
        returned = {id(v): i for i, v in enumerate(self.block.terminator.operands)}
        inputs = len(self.block.args)
        self.func.attributes["arg_buffers"] = [
            {
                "space": "io",
                "offset": i,
                "dtype": dtype_of(_element(a)),
                "bias": 0,
                "pad": _NO_PAD,
                "bytes": _bytes(a),
            }
            for i, a in enumerate(self.block.args)
        ]
        for op in self.block.ops:
            for result in op.results:
                root = root_of(result)
                members = members_of(root)
                outputs = [returned[id(m)] for m in members if id(m) in returned]
                if root.op is None:
                    buffer = dict(self.func["arg_buffers"][root.index])
                elif outputs:
                    buffer = {
                        "space": "io",
                        "offset": inputs + outputs[0],
                        "dtype": dtype_of(_element(result)),
                        "bias": 0,
                        "pad": _NO_PAD,
                        "bytes": _bytes(result),
                    }
                elif root.op.name == "kern.const":
                    buffer = {
                        "space": "const",
                        "dtype": dtype_of(_element(result)),
                        "bias": 0,
                        "pad": _NO_PAD,
                    }
                else:
                    buffer = self._arena(result, members)
                op.attributes["buffer"] = buffer

    def _outputs_of_their_own(self) -> None:
        """Every output is computed by an op and lies in its own buffer."""
        end = self.block.terminator
        taken: set[int] = set()
        for i, v in enumerate(end.operands):
            root = root_of(v)
            if root.op is None or root.op.name == "kern.const" or id(root) in taken:
                v = self._copy(v, end)
                end.set_operand(i, v)
                root = v
            taken.add(id(root))

    def _copy_for_readers(self, value: Value) -> None:
        if not isinstance(value.type, TensorType):
            return
        members = members_of(root_of(value))
        ids = {id(m) for m in members}
        is_io = root_of(value).op is None or any(
            id(v) in ids for v in self.block.terminator.operands
        )
        readers = [op for op, i in value.uses if op.name == "kern.contract" and i == 0]
        natural = dtype_of(_element(value))
        fills = sorted(
            {
                op.get("pad_value", 0)
                for m in members
                for op, i in m.uses
                if i == 0 and is_padded(op)
            }
        )
        copied: dict[Any, Value] = {}
        for op in readers:
            wanted = _wants(op, self.context)
            unit = {"u8": 4, "i8": 4, "i16": 2}.get(wanted or "", 1)
            overreads = is_io and run_length(op) % unit != 0
            wrong_place = is_io and (wanted not in (None, natural) or is_padded(op) or overreads)
            wrong_shape = is_padded(op) and len(members) > 1
            other_fill = is_padded(op) and len(fills) > 1 and op.get("pad_value", 0) != fills[0]
            if wrong_place or wrong_shape or other_fill:
                key = op.get("pad_value", 0) if other_fill else None
                if key not in copied:
                    copied[key] = self._copy(value, op)
                    self.context.count("copies")
                op.set_operand(0, copied[key])

    def _copy(self, value: Value, before: Operation) -> Value:
        assert isinstance(value.type, TensorType)
        body = Block([F32 if dtype_of(value.type.element) in ("f32", "f16") else I32])
        body.append(Operation("kern.yield", [body.args[0]]))
        first = min((op for op, _ in value.uses), key=self.block.ops.index, default=before)
        op = Operation(
            "kern.map", [value], [value.type], {"roles": ["pixel"]}, [Region(body)], before.location
        )
        self.block.insert_before(first, op)
        return op.result

    def _arena(self, value: Value, members: list[Value]) -> dict[str, Any]:
        natural = dtype_of(_element(value))
        readers = [op for m in members for op, i in m.uses if op.name == "kern.contract" and i == 0]
        wanted = {w for op in readers if (w := _wants(op, self.context)) is not None}
        dtype, bias = _STORAGE[self.context.target.storage] if wanted else (natural, 0)
        padded = [op for op in readers if is_padded(op)]
        pad = tuple(max((op["pad"][i] for op in padded), default=0) for i in range(4))
        buffer: dict[str, Any] = {"space": "arena", "dtype": dtype, "bias": bias, "pad": pad}
        if any(pad):
            fill = padded[0].get("pad_value", 0)
            buffer["fill"] = (
                float(fill)
                if dtype == "f32"
                else (int(fill) + bias + 128) % 256 - 128
                if dtype == "u8"
                else int(fill)
            )
        return buffer


def _element(value: Value) -> Type:
    assert isinstance(value.type, TensorType)
    return value.type.element


def _bytes(value: Value) -> int:
    assert isinstance(value.type, TensorType)
    return value.type.size * BYTES[dtype_of(value.type.element)]


def root_of(value: Value) -> Value:
    """The tensor that a chain of reshapes starts from."""
    while value.op is not None and value.op.name == "kern.reshape":
        value = value.op.operands[0]
    return value


def members_of(root: Value) -> list[Value]:
    """All values that share the root's memory."""
    found, i = [root], 0
    while i < len(found):
        found += [op.result for op in found[i].users if op.name == "kern.reshape"]
        i += 1
    return found
