"""Sums, maxima and minima over axes: vectors over the last dimension where it stays, along it
where it goes."""

from __future__ import annotations

from collections.abc import Sequence

from litefuse.codegen.families.code import Index
from litefuse.codegen.families.elementwise import element_strides
from litefuse.codegen.families.epilogue import extras_of, inline
from litefuse.codegen.families.lowering import Lowering, Step, extra_operands
from litefuse.compiler.ir.core import Operation, Value
from litefuse.compiler.ir.types import F32, TensorType

_COMBINE = {
    ("sum", True): ("arith.addf", 0.0),
    ("sum", False): ("arith.addi", 0),
    ("max", True): ("arith.maxf", -3.4028234663852886e38),
    ("max", False): ("arith.maxsi", -(1 << 31)),
    ("min", True): ("arith.minf", 3.4028234663852886e38),
    ("min", False): ("arith.minsi", (1 << 31) - 1),
}


def lower(op: Operation, low: Lowering) -> list[Step]:
    """The kernel of a `kern.reduce`. Its extras are channels of the result or scalars."""
    x_value = op.operands[0]
    assert isinstance(x_value.type, TensorType)
    x, out = low.image(x_value), low.image(op.result)
    spec = low.name(x.dtype, op["kind"], f"{low.lanes()}l")
    writer = low.begin(spec, op, [(x_value, "in"), *extra_operands(op, 1), (op.result, "out")])
    code = writer.code
    extras = extras_of(op, 1, low.buffers, writer.pointers)
    shape = x_value.type.shape
    rank = len(shape)
    strides = element_strides(x_value, x, rank)
    reduced = sorted(a % rank for a in op["axes"])
    kept = [d for d in range(rank) if d not in reduced]
    combine, neutral = _COMBINE[op["kind"], x.compute == F32]
    inner_vector = bool(reduced) and reduced[-1] == rank - 1

    def accumulate(level: int, at: Index, carried: list[Value]) -> Sequence[Value]:
        if level == len(reduced):
            return [code.op(combine, x.load(code, writer.pointers[x_value], at, 1), carried[0])]
        d = reduced[level]
        attributes = {"vector": low.lanes()} if inner_vector and level == len(reduced) - 1 else {}
        return code.loop(
            0,
            shape[d],
            1,
            carried,
            lambda i, c: accumulate(level + 1, code.offset(at, (i, strides[d])), c),
            **attributes,
        )

    # A result may have cells around its images; its dimensions are the kept ones, with those of
    # size one that were reduced between them or not.
    assert isinstance(op.result.type, TensorType)
    out_rank = len(op.result.type.shape)
    result_strides = element_strides(op.result, out, out_rank)
    dimensions = range(rank) if out_rank == rank else kept
    out_strides = [0] * rank
    for d, stride in zip(dimensions, result_strides, strict=True):
        out_strides[d] = stride

    def nest(level: int, at: Index, out_at: Index, channel: Index) -> None:
        if level == len(kept):
            total = accumulate(0, at, [code.constant(neutral, x.compute)])[0]
            args = [
                total,
                *(e.load(code, out_at, 0 if e.role == "pixel" else channel, 1) for e in extras),
            ]
            out.store(code, inline(code, op, args), writer.pointers[op.result], out_at)
            return
        d = kept[level]
        attributes = {"vector": low.lanes()} if not inner_vector and level == len(kept) - 1 else {}

        def body(i: Index, _: list[Value]) -> Sequence[Value]:
            nest(
                level + 1,
                code.offset(at, (i, strides[d])),
                code.offset(out_at, (i, out_strides[d])),
                i,
            )
            return ()

        code.loop(0, shape[d], 1, (), body, **attributes)

    nest(0, x.origin, out.origin, 0)
    return [writer.done(1)]
