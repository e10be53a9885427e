"""`loop`: explicit loops, vectors, memory; target-neutral but for the target's named instructions.

Memory is a `!loop.ptr` and an offset in *elements* of the scalar type that is moved. Offsets and
counters are `index`.

    loop.func @name(ptr..., begin: index, end: index)
        a kernel: does its share [begin, end) of the step's trip
    loop.for (lb, ub, inits...) {step, vector?, unroll?}
        region (iv, iters...), ends in loop.yield; results = last iters
    loop.program @run
        the schedule: loop.step ops in order
"""

from __future__ import annotations

from litefuse.compiler.ir.core import Operation
from litefuse.compiler.ir.opdef import OpDef, require
from litefuse.compiler.ir.types import (
    I8,
    I16,
    I32,
    INDEX,
    PTR,
    IntegerType,
    VectorType,
    element_of,
    lanes_of,
)

SPACES = ("arena", "const", "io")


def _func(op: Operation) -> None:
    types = [a.type for a in op.body.args]
    require(
        len(types) >= 2 and types[-2:] == [INDEX, INDEX],
        "the last two arguments are begin and end, of type index",
    )
    require(all(t == PTR for t in types[:-2]), "all arguments but the last two are !loop.ptr")
    require(op.body.terminator.name == "loop.return", "the body ends in loop.return")


def _for(op: Operation) -> None:
    require(op.operands[0].type == INDEX and op.operands[1].type == INDEX, "bounds are index")
    require(op["step"] >= 1, "step is at least 1")
    inits = [v.type for v in op.operands[2:]]
    require([r.type for r in op.results] == inits, "results have the types of the initial values")
    require(
        [a.type for a in op.body.args] == [INDEX, *inits],
        "the body takes the counter and the carried values",
    )
    y = op.body.terminator
    require(
        y.name == "loop.yield" and [v.type for v in y.operands] == inits,
        "loop.yield gives back the carried values",
    )


def _if(op: Operation) -> None:
    require(op.operands[0].type == IntegerType(1), "the condition is i1")
    require(
        op.body.terminator.name == "loop.yield" and not op.body.terminator.operands,
        "the body ends in an empty loop.yield",
    )


def _load(op: Operation) -> None:
    require(
        op.operands[0].type == PTR and op.operands[1].type == INDEX, "takes a pointer and an index"
    )


def _store(op: Operation) -> None:
    require(
        op.operands[1].type == PTR and op.operands[2].type == INDEX,
        "takes a value, a pointer and an index",
    )


def _splat(op: Operation) -> None:
    require(
        element_of(op.result.type) == op.operands[0].type,
        "the result's element type is the operand's type",
    )


def _shuffle(op: Operation) -> None:
    a, b = (v.type for v in op.operands)
    require(a == b, "both operands have one type")
    require(lanes_of(op.result.type) == len(op["mask"]), "the mask has an entry a result lane")
    require(
        all(-1 <= i < 2 * lanes_of(a) for i in op["mask"]),
        "mask entries are -1 (any) or below twice the lanes",
    )


def _dot(op: Operation) -> None:
    acc, a, b = (v.type for v in op.operands)
    group, element = (4, I8) if op.name.startswith("loop.dot4") else (2, I16)
    require(
        acc == op.result.type and element_of(acc) == I32,
        "the accumulator and the result are vectors of i32",
    )
    require(
        a == b == VectorType(group * lanes_of(acc), element),
        f"factors are vectors of {element} with {group} lanes an i32",
    )


def _step(op: Operation) -> None:
    for a in op["args"]:
        require(
            isinstance(a, dict) and a.get("space") in SPACES,
            f"each argument names its space, one of {SPACES}",
        )
    require(op["trip"] >= 1, "trip is at least 1")


OPS = (
    OpDef(
        "loop.func",
        "A kernel.",
        0,
        0,
        1,
        required={"sym_name": str},
        optional={"spec": str},
        pure=False,
        verify=_func,
    ),
    OpDef("loop.return", "End of a kernel.", 0, 0, pure=False, terminator=True),
    OpDef(
        "loop.for",
        "A counted loop, [lb, ub) by step.",
        (2, None),
        (0, None),
        1,
        required={"step": int},
        optional={"vector": int, "unroll": int},
        pure=False,
        verify=_for,
    ),
    OpDef("loop.if", "Runs the body where the condition holds.", 1, 0, 1, pure=False, verify=_if),
    OpDef(
        "loop.yield", "The values that a body hands on.", (0, None), 0, pure=False, terminator=True
    ),
    OpDef(
        "loop.load",
        "Read a scalar or adjacent lanes at ptr[offset]. invariant: the memory never changes "
        "while the program runs. align: bytes, default the scalar's size.",
        2,
        1,
        optional={"align": int, "invariant": bool},
        pure=False,
        verify=_load,
    ),
    OpDef(
        "loop.store",
        "Write a scalar or adjacent lanes at ptr[offset].",
        3,
        0,
        optional={"align": int},
        pure=False,
        verify=_store,
    ),
    OpDef(
        "loop.gather",
        "Read ptr[offset + lane's i32 index] for each lane.",
        3,
        1,
        optional={"invariant": bool},
        pure=False,
    ),
    OpDef("loop.advance", "ptr + bytes.", 2, 1),
    OpDef(
        "loop.scratch",
        "Memory of the kernel's own, on its stack.",
        0,
        1,
        required={"bytes": int, "align": int},
        pure=False,
    ),
    OpDef("loop.prefetch", "Hint that ptr[offset] (bytes) is read soon.", 2, 0, pure=False),
    OpDef("loop.splat", "A scalar in all lanes.", 1, 1, verify=_splat),
    OpDef("loop.extract", "One lane.", 1, 1, required={"lane": int}),
    OpDef(
        "loop.insert",
        "(scalar, vector) -> vector with that lane replaced.",
        2,
        1,
        required={"lane": int},
    ),
    OpDef(
        "loop.shuffle",
        "Lanes of (a, b) by the mask.",
        2,
        1,
        required={"mask": tuple},
        verify=_shuffle,
    ),
    OpDef(
        "loop.reduce",
        "All lanes to a scalar: add, max or min (integers), addf, maxf, minf (in any order).",
        1,
        1,
        required={"kind": str},
    ),
    OpDef("loop.iota", "0, 1, 2, ... of an integer vector type.", 0, 1),
    OpDef("loop.dot4_us", "acc + sum of 4 products u8 * s8 a lane, wrapping.", 3, 1, verify=_dot),
    OpDef("loop.dot4_ss", "acc + sum of 4 products s8 * s8 a lane, wrapping.", 3, 1, verify=_dot),
    OpDef("loop.dot2", "acc + sum of 2 products s16 * s16 a lane, wrapping.", 3, 1, verify=_dot),
    OpDef(
        "loop.program",
        "The schedule of a compiled partition.",
        0,
        0,
        1,
        required={"sym_name": str, "arena_bytes": int},
        optional={"constant_bytes": int, "constants": list, "n_io": int},
        pure=False,
        terminated=False,
    ),
    OpDef(
        "loop.step",
        "Call a kernel on buffers; `trip` is split among the threads; barrier: all threads must "
        "have finished what came before. args: [{space, offset (bytes, or io number), dtype, "
        "shape, pad, role}].",
        0,
        0,
        required={"callee": object, "trip": int, "args": list, "barrier": bool},
        optional={"kernel": str, "macs": int, "role": str, "grain": int},
        pure=False,
        verify=_step,
    ),
)
