"""The target-dependent passes, in order."""

from __future__ import annotations

from litefuse.codegen import lower_to_loops
from litefuse.codegen.layout import (
    assign_layouts,
    group_rows,
    pack_weights,
    plan_memory,
    schedule_kernels,
)
from litefuse.passes import unroll, vectorize

SCHEDULE_PASSES = (
    assign_layouts.PASS,  # first: a tile depends on how its operands lie in memory
    group_rows.PASS,  # before schedules: an op of a group is computed by single rows
    schedule_kernels.PASS,
    pack_weights.PASS,  # after schedules: the order of the weights is the order of the tile
    plan_memory.PASS,  # last: packing makes and drops constants
)

LOWER_PASSES = (lower_to_loops.PASS,)

LOOP_PASSES = (
    vectorize.PASS,
    unroll.PASS,  # after vectors: it is turns of vectors that are worth unrolling
)
