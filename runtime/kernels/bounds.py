"""Bounds of float results, derived from the standard model of rounding.

One operation gives fl(a op b) = (a op b)(1 + d) with |d| <= u = 2**-24 (float32), so n of them in a
row give a factor within 1 +- gamma(n), gamma(n) = n u / (1 - n u) (Higham, Accuracy and Stability
of Numerical Algorithms, chapter 3).  We and the reference each keep to that, so the two differ by
at most twice as much.  What each op's file states is the n and what it is a part of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from litefuse.runtime.kernels.base import Array, Bound, Evaluate, NodeContext

UNIT = 2.0**-24
Count = Callable[[NodeContext], float]


def gamma(n: float) -> float:
    """How far n roundings may lead, as a part of the exact value; infinite where that is all."""
    return n * UNIT / (1 - n * UNIT) if n * UNIT < 1 else float("inf")


def rounded(n: float, magnitude: Array) -> Array:
    """Twice gamma(n) of a magnitude; infinite where the magnitude overflows float32, as one order
    of adding up then may, and another not.
    """
    with np.errstate(all="ignore"):
        allowed = 2.0 * gamma(n) * np.abs(magnitude).astype(np.float64)
    top = float(np.finfo(np.float32).max)
    return np.asarray(np.where(np.abs(magnitude) < top, allowed, np.inf))


def relative(text: str, roundings: Count) -> Bound:
    """Each output within 2 gamma(roundings) of itself: no sum in it cancels."""

    def allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
        n = roundings(ctx)
        return [2.0 * gamma(n) * np.abs(y).astype(np.float64) for y in outputs]

    return Bound(text, allowed)


def variant(ctx: NodeContext, data: Mapping[int, Array]) -> NodeContext:
    """The node without its fused activation (which never moves two numbers apart), some inputs'
    data replaced.
    """
    inputs = list(ctx.inputs)
    for i, array in data.items():
        value = inputs[i] if i < len(inputs) else None
        if value is not None:
            inputs[i] = replace(value, data=array, constant=False)
    op = copy(ctx.op)
    if getattr(op.options, "fused_activation_function", 0):
        op.options = copy(op.options)
        op.options.fused_activation_function = type(op.options.fused_activation_function)(0)
    outputs = [replace(value, memory=None) for value in ctx.outputs]
    return NodeContext(op, inputs, outputs, {}, ctx.host, list(ctx.intermediates))


def absolute(ctx: NodeContext) -> NodeContext:
    """The node on the absolute values of its float inputs."""
    floats = {
        i: np.abs(value.data)
        for i, value in enumerate(ctx.inputs)
        if value is not None and value.data is not None and value.data.dtype.kind == "f"
    }
    return variant(ctx, floats)


def summation(evaluate: Evaluate, text: str, terms: Count) -> Bound:
    """Sums of n products, in any order: 2 gamma(n) * sum |x| |w|, which is the op itself on
    absolute values.
    """

    def allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
        magnitudes = evaluate(absolute(ctx))
        return [rounded(terms(ctx), m) for m in magnitudes]

    return Bound(f"summation bound, n = {text}", allowed)


# Roundings after the exact integer sum of a hybrid op: to float, the product of the two scales,
# the product with it, and the bias.
HYBRID = 4


def contraction(
    evaluate: Evaluate, text: str, terms: Count, *, x: int, w: int, bias: int | None = None
) -> Bound:
    """For ops that multiply input `x` by weights `w` and may add a bias along the last axis.

    Float weights: the summation bound.  Integer weights under float activations (hybrid): the sum
    is exact in integers, and a few roundings follow: 2 gamma(4) * (|y - b| + |b|).  Weights
    quantised in blocks count as float ones.
    """

    def allowed(ctx: NodeContext, outputs: Sequence[Array]) -> list[Array]:
        weights = ctx.input(w)
        has_bias = bias is not None and ctx.optional(bias) is not None
        data: dict[int, Array] = {x: ctx.data(x), w: ctx.data(w)}
        hybrid = weights.dtype.kind != "f" and weights.block_scales is None
        if not hybrid:
            data = {i: np.abs(array) for i, array in data.items()}
        if has_bias and bias is not None:
            data[bias] = np.zeros_like(ctx.data(bias)) if hybrid else np.abs(ctx.data(bias))
        (magnitude,) = evaluate(variant(ctx, data))
        if hybrid:
            offset = np.abs(ctx.data(bias).ravel()) if has_bias and bias is not None else 0.0
            return [rounded(HYBRID, np.abs(magnitude) + offset)]
        return [rounded(terms(ctx), magnitude)]

    return Bound(f"summation bound, n = {text}; hybrid: 4 roundings", allowed)
