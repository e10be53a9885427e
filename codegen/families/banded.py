"""Groups: a chain of row-by-row kernels run band by band, so that what one writes the next reads
from the cache.

The unit is a band of rows of the last op's result. Before a band is computed, every op of the
chain computes the rows of its own result that the band needs and that are not there yet. Nothing
is recomputed within a thread's share; two threads both compute the few rows at their common
border, with the same result.

    for band in [begin, end):            # expand 1x1 -> depthwise 3x3 -> project 1x1
        expand rows  [done0, need0(band))
        depthwise    [done1, need1(band))
        project      [band * rows, (band + 1) * rows)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from litefuse.codegen.families import contract, depthwise, window
from litefuse.codegen.families.code import Index
from litefuse.codegen.families.lowering import KernelWriter, Lowering, Step, extra_operands, macs_of
from litefuse.compiler.ir.core import Location, Operation, Value

Rows = Callable[[Index, Index], None]


def _rows_of(op: Operation, low: Lowering, writer: KernelWriter) -> Rows:
    if op.name == "kern.window":
        return window.rows(op, low, writer)
    if op["kind"] == "depthwise":
        return depthwise.rows(op, low, writer)
    return contract.rows(op, low, writer)


def reach(op: Operation) -> tuple[int, int, int]:
    """(stride, rows above, rows of the window with dilation): the input rows that an output row
    needs."""
    if op.name == "kern.window":
        return op["strides"][0], op["pad"][0], op["window"][0]
    return op["strides"][0], op["pad"][0], (op["w_shape"][1] - 1) * op["dilations"][0] + 1


def lower(ops: Sequence[Operation], low: Lowering) -> list[Step]:
    """The kernel of a chain: each op reads the one before it as its first operand."""
    last = ops[-1]
    rows_in_band: int = last["band"]
    operands: list[tuple[Value, str]] = []
    for i, op in enumerate(ops):
        first = 2 if op.name == "kern.contract" else 1
        operands.append((op.operands[0], "in" if i == 0 else "out"))
        operands += [(v, "weight") for v in op.operands[1:first]]
        operands += extra_operands(op, first)
    operands.append((last.result, "out"))
    parts = "+".join("pool" if op.name == "kern.window" else op["kind"] for op in ops)
    dtype = low.image(ops[0].operands[0]).dtype
    location = Location()
    for op in ops:
        location = location + op.location
    spec = low.name(dtype, f"band{rows_in_band}+{parts}")
    writer = low.begin(spec, last, operands, location)
    code = writer.code
    kernels = [_rows_of(op, low, writer) for op in ops]
    heights = [low.image(op.result).h for op in ops]

    def needed(first: Index, end: Index) -> list[tuple[Index, Index]]:
        """The rows [low, high) of every op's result that rows [first, end) of the last one need."""
        found = [(first, end)]
        for op, height in zip(reversed(ops[1:]), reversed(heights[:-1]), strict=True):
            stride, above, size = reach(op)
            low_row = code.most(code.sub(code.mul(found[0][0], stride), above), 0)
            high_row = code.sub(code.mul(code.sub(found[0][1], 1), stride), above - size)
            found.insert(0, (low_row, code.least(high_row, height)))
        return found

    def band_rows(band: Index) -> tuple[Index, Index]:
        first = code.mul(band, rows_in_band)
        end = code.add(first, rows_in_band)
        return first, code.least(end, heights[-1]) if heights[-1] % rows_in_band else end

    starts = [code.value(low_row) for low_row, _ in needed(*band_rows(writer.begin))[:-1]]

    def band(u: Index, done: list[Value]) -> Sequence[Value]:
        need = needed(*band_rows(u))
        after = []
        for kernel, have, (_, high_row) in zip(kernels[:-1], done, need[:-1], strict=True):
            kernel(have, high_row)
            after.append(code.value(code.most(have, high_row)))
        kernels[-1](*need[-1])
        return after

    code.loop(writer.begin, writer.end, 1, starts, band)
    return [writer.done(-(-heights[-1] // rows_in_band), sum(macs_of(op) for op in ops))]
