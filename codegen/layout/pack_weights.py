"""`pack-weights`: weights in the order in which the tile reads them, per-channel constants padded
to whole vectors.

* float32: `[group][block][tap][k][lane]`.
* Dot products: `[group][block][tap][k / unit][lane][unit]`, runs padded with zeros.
* What the storage's bias adds to every sum (bias x sum of weights) is taken off the start of the
  accumulators, and an integer bias added first thing in the epilogue moves there too: role "init".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.codegen.families.contract import GROUP
from litefuse.codegen.families.depthwise import exact_in_float
from litefuse.codegen.layout.assign_layouts import run_length
from litefuse.codegen.layout.schedule_kernels import buffers_of
from litefuse.codegen.schedule import Blocks
from litefuse.compiler.ir.attributes import Resource
from litefuse.compiler.ir.core import IRError, Module, Operation, Value
from litefuse.compiler.ir.passes import Pass, PassContext
from litefuse.compiler.ir.types import (
    F32,
    F64,
    SI8,
    SI16,
    SI32,
    QuantizedType,
    TensorType,
    Type,
    tensor,
)

Array = npt.NDArray[Any]


def pack_weights(module: Module, context: PassContext) -> None:
    """Pack every contraction's weights and channel constants; `schedule-kernels` has run."""
    for func in module.functions():
        if func.name != "kern.func":
            continue
        buffers = buffers_of(func)
        for i, op in enumerate([o for o in func.body.ops if o.name == "kern.contract"]):
            _pack(op, i, int(buffers[op.operands[0]].get("bias", 0)))  # type: ignore[call-overload]
        for op in [o for o in func.body.ops if o.name == "kern.const"]:
            if not op.result.uses:
                op.erase()


PASS = Pass("pack-weights", pack_weights, "weights in the order of use")


def constant_of(value: Value) -> Array:
    """The array of a constant tensor."""
    if value.op is None or value.op.name != "kern.const":
        raise IRError("weights and channel constants must be constant")
    resource = value.op["value"]
    assert isinstance(resource.array, np.ndarray)
    return resource.array


def _pack(op: Operation, number: int, bias: int) -> None:
    blocks = Blocks(**op["schedule"]["tile"]["blocks"])
    w = constant_of(op.operands[1])
    x = op.operands[0].type
    assert isinstance(x, TensorType)
    quantised = isinstance(x.element, QuantizedType)
    if op["kind"] == "depthwise":
        if quantised and not exact_in_float(w, 255 if bias else 128):
            raise IRError("depthwise sums of these weights do not fit in float32")
        packed, groups = _depthwise(w, blocks), 1
        sums = w.astype(np.int64).sum(axis=(0, 1, 2)) if quantised else None
    else:
        flat = w.reshape(w.shape[0], 1, 1, -1) if op["kind"] == "dense" else w
        groups = 1 if op["kind"] == "dense" else x.shape[-1] // w.shape[-1]
        packed = pack(flat, groups, blocks, op["schedule"]["product"], run_length(op))
        sums = flat.reshape(flat.shape[0], -1).astype(np.int64).sum(axis=1) if quantised else None
    op.set_operand(1, _constant(op, f"w{number}.packed", packed))
    _pad_extras(op, number, blocks, groups)
    start = -bias * sums if sums is not None and bias else None
    reach = None
    if op["kind"] == "depthwise" and quantised:
        reach = int(np.abs(w.astype(np.int64)).sum(axis=(0, 1, 2)).max(initial=0)) * (
            255 if bias else 128
        )
    _start(op, number, blocks, groups, start, reach)


# Of an array's dtype: the element type, and the storage.
_ELEMENTS: dict[str, tuple[Type, str]] = {
    "b": (SI8, "i8"),
    "h": (SI16, "i16"),
    "i": (SI32, "i32"),
    "f": (F32, "f32"),
    "d": (F64, "f64"),
}


def _constant(op: Operation, name: str, array: Array) -> Value:
    assert op.block is not None
    element, dtype = _ELEMENTS[array.dtype.char]
    new = Operation(
        "kern.const",
        (),
        (tensor(array.shape, element),),
        {"value": Resource(name, np.ascontiguousarray(array))},
        (),
        op.location,
    )
    new.attributes["buffer"] = {"space": "const", "dtype": dtype, "bias": 0, "pad": (0, 0, 0, 0)}
    op.block.insert_before(op, new)
    return new.result


def pack(w: Array, groups: int, blocks: Blocks, product: str, run: int) -> Array:
    """Weights [out, kh, kw, in / groups] in the order of the tile, one flat array.

    `run`: the length of the runs of adjacent inputs (kw * in where a row of the window is one run,
    else in).
    """
    unit = GROUP[product]
    dtype = {"f32": np.float32, "dot4_us": np.int8, "dot4_ss": np.int8, "dot2": np.int16}[product]
    out = w.shape[0] // groups
    taps = w[0].size // run
    steps = -(-run // unit)
    runs = np.zeros((groups, blocks.padded, taps, steps * unit), dtype)
    runs[:, :out, :, :run] = w.reshape(groups, out, taps, run)
    parts = []
    lanes: list[tuple[int, tuple[int, ...]]] = [
        (i * blocks.width, blocks.vectors) for i in range(blocks.full)
    ]
    if blocks.tail:
        lanes.append((blocks.tail_start, blocks.tail))
    for first, vectors in lanes:
        width = sum(vectors)
        part = runs[:, first : first + width].reshape(groups, width, taps, steps, unit)
        # within a step, vector after vector, lane after lane, the unit's adjacent inputs innermost
        parts.append(part.transpose(0, 2, 3, 1, 4).reshape(groups, -1))
    return np.concatenate(parts, axis=1).reshape(-1)


def _depthwise(w: Array, blocks: Blocks) -> Array:
    taps = w.reshape(-1, w.shape[-1]).astype(np.float32)
    padded = np.zeros((taps.shape[0], blocks.padded), np.float32)
    padded[:, : taps.shape[1]] = taps
    return padded.reshape(-1)


def _padded(values: Array, blocks: Blocks, groups: int, dtype: Any) -> Array:
    out = np.zeros((groups, blocks.padded), dtype)
    out[:, : blocks.channels] = values.reshape(groups, blocks.channels)
    return out.reshape(-1)


def _pad_extras(op: Operation, number: int, blocks: Blocks, groups: int) -> None:
    for i, role in enumerate(op.get("roles", [])):
        value = op.operands[2 + i]
        if role == "channel" and value.op is not None and value.op.name == "kern.const":
            array = constant_of(value)
            if array.size == blocks.channels * groups and (blocks.padded != blocks.channels):
                new = _padded(array.reshape(-1), blocks, groups, array.dtype)
                op.set_operand(2 + i, _constant(op, f"c{number}_{i}.padded", new))


def _start(
    op: Operation, number: int, blocks: Blocks, groups: int, start: Array | None, reach: int | None
) -> None:
    """Give the accumulators their first value: the storage's share, and the bias where the
    epilogue adds it first.

    `start` is one number a channel, or None. `reach` bounds the sums of an integer contraction
    that is computed in floats; a bias that would leave the exact range stays in the epilogue.
    """
    padded = None if start is None else _padded(start, blocks, groups, np.int64)
    found = _first_bias(op)
    if found is not None:
        add, position = found
        bias = constant_of(op.operands[2 + position]).reshape(-1)
        total = bias if padded is None else padded + bias
        if reach is None or int(np.abs(total).max(initial=0)) + reach < 1 << 24:
            padded = total
            add.result.replace_by(op.body.args[0])
            add.erase()
            _drop_extra(op, position)
    if padded is None:
        return
    if reach is not None:
        value = _constant(op, f"init{number}", padded.astype(np.float32))
    else:
        # sums wrap alike
        value = _constant(op, f"init{number}", padded.astype(np.int64).astype(np.int32))
    op.set_operands([*op.operands, value])
    op.attributes["roles"] = [*op.get("roles", []), "init"]


def _first_bias(op: Operation) -> tuple[Operation, int] | None:
    """The addition of a constant channel extra that is the only use of the accumulator, and the
    extra's number."""
    acc = op.body.args[0]
    # Floats keep the reference's order, the bias last: a third nearer to it, and no slower.
    if len(acc.uses) != 1 or acc.users[0].name != "arith.addi":
        return None
    add = acc.users[0]
    other = add.operands[1] if add.operands[0] is acc else add.operands[0]
    if other not in op.body.args or len(other.uses) != 1:
        return None
    position = other.index - 1
    extra = op.operands[2 + position]
    constant = extra.op is not None and extra.op.name == "kern.const"
    return (add, position) if constant and op["roles"][position] == "channel" else None


def _drop_extra(op: Operation, position: int) -> None:
    block = op.body
    del block.args[1 + position]
    for i, arg in enumerate(block.args):
        arg.index = i
    op.set_operands(v for i, v in enumerate(op.operands) if i != 2 + position)
    op.attributes["roles"] = [r for i, r in enumerate(op["roles"]) if i != position]
