"""SVDF: float32, hybrid (float32 with int8 weights) and int8 with an int16 state.

Each filter keeps its last `memory` products with the input in the variable tensor
[batch, filters * memory]; a unit's output is the weighted sum of the memories of its `rank`
filters.  Float bound: the summation bound of the newest products (depth) carried through the time
weights, and that of the memories and ranks they are summed over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Bound,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.contraction import bias_data, requantize
from litefuse.runtime.kernels.fixed_point import quantize_multiplier
from litefuse.runtime.kernels.hybrid import hybrid_weights
from litefuse.runtime.kernels.recurrent import (
    activate,
    leading_axes,
    only_scale,
    product,
    require_state,
)
from litefuse.runtime.kernels.running_error import Near, exact, multiplied

_STATE = 4
_RANKS = {0: 2, 1: 2, 2: 2, 3: 1}
_RELU = 1  # which int8 clamps by its zero point alone


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[batch, filters / rank]."""
    require_inputs(ctx, 5)
    ctx = leading_axes(ctx, _RANKS)
    x, feature, time, bias = ctx.input(0), ctx.input(1), ctx.input(2), ctx.optional(3)
    require_dtype(ctx, x, "float32", "int8")
    for value in (x, feature, time):
        require_rank(ctx, value, 2)
    rank, filters = int(ctx.option("rank", 0)), feature.shape[0]
    require(rank > 0 and filters % rank == 0, ctx, f"rank {rank} does not divide {filters} filters")
    require(
        x.shape[1] == feature.shape[1], ctx, f"feature weights {feature.shape} for {x.shape[1]}"
    )
    require(time.shape[0] == filters, ctx, f"time weights {time.shape} for {filters} filters")
    units = filters // rank
    if bias is not None:
        require(bias.shape[:1] == (units,), ctx, f"bias has shape {bias.shape}, needs ({units},)")
    require_state(ctx, _STATE, (x.shape[0], time.shape[1] * filters))
    state = ctx.input(_STATE)
    if x.dtype == np.int8:
        require_dtype(ctx, feature, "int8")
        require_dtype(ctx, time, "int16")
        require_dtype(ctx, state, "int16")
        for value in (x, feature, time, state, ctx.outputs[0]):
            value.scale  # noqa: B018 - raises when absent
        code = int(ctx.option("fused_activation_function", 0))
        require(code == _RELU, ctx, f"in int8 its activation is RELU (1), not {code}")
    else:
        require_dtype(ctx, feature, "float32", "int8", "uint8")
        require_dtype(ctx, time, feature.dtype.name)
        require_dtype(ctx, state, "float32")
    return [(x.shape[0], units)]


def _push(ctx: NodeContext, newest: Array) -> Array:
    """Forget each filter's oldest product for its newest; the memories [batch, filters, memory]."""
    state = ctx.data(_STATE)
    memory = state.reshape(*newest.shape, -1)
    memory[..., :-1] = memory[..., 1:].copy()
    memory[..., -1] = newest
    state[...] = memory.reshape(state.shape)
    return memory


def _float(ctx: NodeContext) -> Array:
    x, time = ctx.data(0), ctx.data(2)
    newest = product(x, ctx.input(1), bool(ctx.option("asymmetric_quantize_inputs", False)))
    if ctx.input(2).dtype.kind != "f":
        time = hybrid_weights(time).astype(np.float32) * only_scale(ctx.input(2))
    weighted = (_push(ctx, newest) * time).sum(axis=2)
    total = weighted.reshape(*ctx.outputs[0].shape, -1).sum(axis=2)
    bias = bias_data(ctx, 3)
    if bias is not None:
        total = total + bias
    return activate(total, int(ctx.option("fused_activation_function", 0)))


def _integer(ctx: NodeContext) -> Array:
    x, feature, time = (ctx.input(i) for i in range(3))
    state, y = ctx.input(_STATE), ctx.outputs[0]
    first = quantize_multiplier(float(x.scale) * float(feature.scale) / float(state.scale))
    second = quantize_multiplier(float(state.scale) * float(time.scale) / float(y.scale))
    dot = (ctx.data(0).astype(np.int64) - x.zero_point) @ ctx.data(1).astype(np.int64).T
    # The state is taken for symmetric, whatever its zero point.
    newest = requantize(dot, *first, 0, (-32768, 32767), np.int16)
    weighted = (_push(ctx, newest).astype(np.int64) * ctx.data(2)).sum(axis=2)
    total = weighted.reshape(*y.shape, -1).sum(axis=2)
    bias = bias_data(ctx, 3)
    if bias is not None:
        total = total + bias
    return requantize(total, *second, y.zero_point, (-128, 127), np.int8)


def evaluate(ctx: NodeContext) -> list[Array]:
    """One time step; the state is updated in place."""
    ctx = leading_axes(ctx, _RANKS)
    return [_integer(ctx) if ctx.input(0).dtype == np.int8 else _float(ctx)]


def _allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
    (y,) = outputs
    ctx = leading_axes(ctx, _RANKS)
    if y.dtype.kind != "f":
        return [np.zeros(y.shape)]
    asymmetric = bool(ctx.option("asymmetric_quantize_inputs", False))
    newest = multiplied(exact(ctx.data(0)), ctx.input(1), asymmetric)
    time = np.abs(hybrid_weights(ctx.data(2)).astype(np.float64))
    if ctx.input(2).dtype.kind != "f":
        time = time * float(only_scale(ctx.input(2)))
    memory = np.abs(ctx.data(_STATE).astype(np.float64)).reshape(*newest.value.shape, -1)
    memory = np.concatenate([memory[..., 1:], np.abs(newest.value)[..., None]], axis=2)

    def units(filters: Array) -> Array:
        return np.asarray(filters.reshape(*y.shape, -1).sum(axis=2))

    bias = ctx.optional(3)
    offset = 0.0 if bias is None else np.abs(ctx.data(3))
    size = units((memory * time).sum(axis=2)) + offset
    total = Near(size, units(newest.error * time[:, -1]))
    terms = time.shape[1] + int(ctx.option("rank", 0)) + 2
    return [total.rounded(terms).activated(int(ctx.option("fused_activation_function", 0))).error]


_BOUND = Bound("summation bound, n = depth, then memory + rank + 2", _allowed)

KERNELS = (Kernel("SVDF", prepare, evaluate, stateful=True, bound=_BOUND),)
