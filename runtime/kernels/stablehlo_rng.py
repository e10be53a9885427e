"""STABLEHLO_RNG_BIT_GENERATOR: random words from a given state; exact."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.philox import philox, threefry

_DEFAULT, _PHILOX, _THREEFRY = 0, 1, 2


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The state's shape and the declared shape of the numbers."""
    require_inputs(ctx, 1)
    state, after, numbers = ctx.input(0), ctx.outputs[0], ctx.outputs[1]
    require_dtype(ctx, state, "uint64")
    require_rank(ctx, state, 1)
    require_dtype(ctx, after, "uint64")
    require(after.shape == state.shape, ctx, f"state {state.shape} but next state {after.shape}")
    require_dtype(ctx, numbers, "int32", "int64", "uint32", "uint64")
    algorithm = int(ctx.option("algorithm", _DEFAULT))
    allowed = (2,) if algorithm == _THREEFRY else (2, 3)
    require(
        state.shape[0] in allowed, ctx, f"the state has {state.shape[0]} words, needs {allowed}"
    )
    return [state.shape, numbers.shape]


def evaluate(ctx: NodeContext) -> list[Array]:
    """The state moved on (its second word counts blocks), and the blocks' words."""
    state, numbers = ctx.data(0), ctx.outputs[1]
    size = int(np.prod(numbers.shape)) * numbers.dtype.itemsize // 4
    words = state.view(np.uint32)
    key = (int(words[0]), int(words[1]))
    simple = int(ctx.option("algorithm", _DEFAULT)) == _THREEFRY
    width = 2 if simple else 4
    count = -(-size // width)
    low = (state[1] + np.arange(count, dtype=np.uint64)).view(np.uint32).reshape(count, 2)
    if simple:
        blocks = threefry(key, low)
    else:
        upper = words[4:6] if len(state) == 3 else words[0:2]
        blocks = philox(key, np.concatenate([low, np.tile(upper, (count, 1))], axis=1))
    after = state.copy()
    after[1] = (int(state[1]) + count) % (1 << 64)
    raw = np.ascontiguousarray(blocks).ravel()[:size].view(numbers.dtype)
    return [after, raw.reshape(numbers.shape).copy()]


KERNELS = (Kernel("STABLEHLO_RNG_BIT_GENERATOR", prepare, evaluate),)
