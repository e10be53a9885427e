"""`lower-to-loops`: every `kern` op becomes a `loop.func`; the function becomes a `loop.program`
that calls them in order.

Kernels that come out the same (same tile, same strides, same constants in the epilogue) are
written once and called with other buffers. A step waits for the others (`barrier`) only where it
touches memory that a step since the last barrier touched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from litefuse.codegen.families import (
    banded,
    contract,
    depthwise,
    elementwise,
    moves,
    reduction,
    softmax,
    window,
)
from litefuse.codegen.families.lowering import Lowering, Step
from litefuse.codegen.layout.plan_memory import SLACK
from litefuse.codegen.layout.schedule_kernels import buffers_of
from litefuse.compiler.ir.attributes import Symbol
from litefuse.compiler.ir.core import UNKNOWN, Block, IRError, Module, Operation, Region, Value
from litefuse.compiler.ir.passes import Pass, PassContext


def _contract(op: Operation, low: Lowering) -> list[Step]:
    return depthwise.lower(op, low) if op["kind"] == "depthwise" else contract.lower(op, low)


FAMILIES: dict[str, Callable[[Operation, Lowering], list[Step]]] = {
    "kern.contract": _contract,
    "kern.window": window.lower,
    "kern.reduce": reduction.lower,
    "kern.map": elementwise.lower,
    "kern.softmax": softmax.lower,
    "kern.pad": moves.lower_pad,
    "kern.concat": moves.lower_concat,
    "kern.transpose": moves.lower_transpose,
    "kern.slice": moves.lower_slice,
    "kern.resize_nearest": moves.lower_resize_nearest,
}
WORTH_SHARING = 8000.0  # nanoseconds of a step below which barriers cost more than threads gain
WORTH_WAKING = 50000.0  # nanoseconds of all such steps below which waking a thread costs more
_NO_CODE = ("kern.const", "kern.reshape", "kern.return")


def lower_to_loops(module: Module, context: PassContext) -> None:
    """Replace every `kern.func` by kernels and a program of the same name."""
    for func in module.functions():
        if func.name == "kern.func":
            _lower_function(module, func, context)


PASS = Pass("lower-to-loops", lower_to_loops, "kernels as loops, the function as a schedule")


def _lower_function(module: Module, func: Operation, context: PassContext) -> None:
    low = Lowering(context.target, buffers_of(func))
    steps: list[Step] = []
    for ops in _chains(func):
        for op in ops:
            buffer = low.buffers[op.result]
            if buffer["space"] == "arena" and any(buffer["pad"]):
                steps.append(moves.lower_border(op.result, op, low))
        steps += banded.lower(ops, low) if len(ops) > 1 else _family(ops[0])(ops[0], low)
    program = Operation(
        "loop.program",
        (),
        (),
        {
            "sym_name": func["sym_name"],
            "arena_bytes": func["arena_bytes"],
            "constant_bytes": func["constant_bytes"],
            "n_io": len(func.body.args) + len(func.body.terminator.operands),
        },
        [Region()],
        UNKNOWN,
    )
    names = _unique(module, steps)
    recent: list[_Range] = []
    times = [_nanoseconds(step, context) if step.trip > 1 else 0.0 for step in steps]
    shared = sum(t for t in times if t >= WORTH_SHARING) >= WORTH_WAKING
    for step, name, time in zip(steps, names, times, strict=True):
        alone = not shared or time < WORTH_SHARING
        touched = _ranges(step, alone)
        barrier = any(_conflict(a, b) for a in touched for b in recent)
        recent = touched if barrier else recent + touched
        attributes = {
            "callee": Symbol(name),
            "trip": step.trip,
            "grain": step.trip if alone else 1,
            "args": step.args,
            "barrier": barrier,
            "kernel": step.spec,
            "macs": step.macs,
            "role": step.role,
        }
        program.body.append(Operation("loop.step", (), (), attributes, (), step.location))
    _keep_constants(func, program)
    func.drop_uses()
    module.block.ops.remove(func)
    module.block.append(program)
    context.count("kernels", len(set(names)))
    context.count("steps", len(steps))


def _chains(func: Operation) -> list[list[Operation]]:
    """The ops that need code, those of a group together where its first one stands."""
    chains: list[list[Operation]] = []
    groups: dict[int, list[Operation]] = {}
    for op in func.body.ops:
        if op.name in _NO_CODE:
            continue
        group = op.get("group")
        if group in groups:
            groups[group].append(op)
            continue
        chains.append([op])
        if group is not None:
            groups[group] = chains[-1]
    return chains


def _family(op: Operation) -> Callable[[Operation, Lowering], list[Step]]:
    family = FAMILIES.get(op.name)
    if family is None:
        raise IRError(f"{op.name} has no kernel family; it must be lowered before lower-to-loops")
    return family


def _unique(module: Module, steps: list[Step]) -> list[str]:
    """Put each distinct kernel into the module once; the name of every step's kernel."""
    known: dict[Hashable, str] = {}
    counts: dict[str, int] = {}
    names = []
    for step in steps:
        key = _structure(step.func)
        if key not in known:
            number = counts.get(step.spec, 0)
            counts[step.spec] = number + 1
            known[key] = step.spec + (f".{number}" if number else "")
            step.func.attributes["sym_name"] = known[key]
            module.block.append(step.func)
        names.append(known[key])
    return names


def _structure(func: Operation) -> Hashable:
    """What a kernel computes, without names and locations: equal for kernels that do the same."""
    numbers: dict[Value, int] = {}

    def block(b: Block) -> tuple[Hashable, ...]:
        for a in b.args:
            numbers[a] = len(numbers)
        return tuple(map(operation, b.ops))

    def operation(op: Operation) -> Hashable:
        inputs = tuple(numbers[v] for v in op.operands)
        for r in op.results:
            numbers[r] = len(numbers)
        attributes = tuple((k, repr(v)) for k, v in op.attributes.items())
        inner = tuple(block(r.block) for r in op.regions)
        return (op.name, inputs, tuple(r.type for r in op.results), attributes, inner)

    return (func["spec"], len(func.body.args), block(func.body))


def _nanoseconds(step: Step, context: PassContext) -> float:
    """A rough time of the step on one thread: products at half the peak of a 3 GHz core, memory at
    16 bytes a nanosecond."""
    lanes = context.target.vector_bytes / 4
    products = {"f32": 1, "i16": 2}.get(step.args[0]["dtype"], 4)
    moved = sum(a["bytes"] for a in step.args if a["space"] != "const")
    return float(step.macs / (lanes * 3 * products) + moved / 16)


class _Range(NamedTuple):
    """Bytes that a step touches, and by which threads."""

    space: Hashable
    first: int
    last: int
    written: bool
    alone: bool


def _ranges(step: Step, alone: bool) -> list[_Range]:
    """All buffers that the step touches; constants never conflict."""
    found = []
    for a in step.args:
        written = a["role"] == "out"
        if a["space"] == "io":
            found.append(_Range(("io", a["offset"]), 0, 1, written, alone))
        elif a["space"] == "arena":
            last = a["offset"] + a["bytes"] + SLACK
            found.append(_Range("arena", a["offset"], last, written, alone))
    return found


def _conflict(a: _Range, b: _Range) -> bool:
    """Whether different threads may touch the same bytes, one of them writing."""
    if a.alone and b.alone:
        return False  # the same thread does both, in order
    overlap = a.space == b.space and a.first < b.last and b.first < a.last
    return overlap and (a.written or b.written)


def _keep_constants(func: Operation, program: Operation) -> None:
    """The constants of the function, in order of their offsets, as the program's `constants`."""
    program.attributes["constants"] = [
        {"offset": op["buffer"]["offset"], "value": op["value"]}
        for op in func.body.ops
        if op.name == "kern.const"
    ]
