"""SVDF: float32 activations with float32 or int8 (hybrid) weights.

Float tolerance: 1e-5 of the output's range (another order of summation).
"""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.activation import clamp_float, require_clamp
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    KernelError,
    NodeContext,
    Shape,
    require,
    require_inputs,
    require_rank,
)
from litefuse.runtime.kernels.hybrid import hybrid_weights, quantize_rows


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """[batch, units], a unit being `rank` filters."""
    require_inputs(ctx, 5)
    x, feature, time, state = (ctx.input(i) for i in (0, 1, 2, 4))
    if x.dtype != np.float32 or feature.dtype.name not in ("float32", "int8", "uint8"):
        raise KernelError(
            f"SVDF: litefuse's interpreter has no kernel for {x.dtype} activations; "
            "run this model in LiteRT with litefuse.Delegate"
        )
    for value in (x, feature, time):
        require_rank(ctx, value, 2)
    rank = int(ctx.option("rank", 1))
    filters, memory = time.shape
    require(rank > 0 and filters % rank == 0, ctx, f"{filters} filters for rank {rank}")
    require(feature.shape == (filters, x.shape[1]), ctx, f"feature weights {feature.shape}")
    require(state.tensor.is_variable, ctx, "its state is not a variable")
    require(state.shape == (x.shape[0], memory * filters), ctx, f"state shape {state.shape}")
    require_clamp(ctx)
    return [(x.shape[0], filters // rank)]


def _features(ctx: NodeContext) -> Array:
    """One number for each filter and batch entry."""
    x, value, weights = ctx.data(0), ctx.input(1), ctx.data(1)
    if value.dtype.kind == "f":
        return np.asarray(x @ weights.T)
    rows = quantize_rows(x, bool(ctx.option("asymmetric_quantize_inputs", False)))
    centred = rows.values.astype(np.float64) - rows.zero_points[:, None]
    total = centred @ hybrid_weights(weights).astype(np.float64).T
    return np.asarray(total.astype(np.float32) * (rows.scales[:, None] * np.float32(value.scale)))


def evaluate(ctx: NodeContext) -> list[Array]:
    """Shift the state by one step, append the features, weigh over time, add up each unit's
    filters.
    """
    batch = ctx.input(0).shape[0]
    time_value, time = ctx.input(2), ctx.data(2)
    if time_value.dtype.kind != "f":
        time = hybrid_weights(time).astype(np.float32) * np.float32(time_value.scale)
    filters, memory = time.shape
    state = ctx.data(4).reshape(batch, filters, memory)
    state[:, :, :-1] = state[:, :, 1:].copy()
    state[:, :, -1] = _features(ctx)
    rank = int(ctx.option("rank", 1))
    weighed = (state * time).sum(axis=2).reshape(batch, filters // rank, rank).sum(axis=2)
    if ctx.optional(3) is not None:
        weighed = weighed + ctx.data(3)
    return [clamp_float(weighed.astype(np.float32), require_clamp(ctx))]


KERNELS = (Kernel("SVDF", prepare, evaluate, range_tolerance=1e-5, stateful=True),)
