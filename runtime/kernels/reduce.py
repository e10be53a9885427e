"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY and REDUCE_ALL over given axes.

Float bound: SUM and MEAN the summation bound of the elements reduced (MEAN divides it by their
number); REDUCE_PROD is relative, a rounding for each factor.

What LiteRT 2.3.0 does where one might expect something else:

- SUM of int8 reads and writes its bytes as unsigned, whatever the scales: -1 counts as 255, and
  the sum is clamped to 0..255 before its byte is an int8 again.
- SUM of int16 does the same to as many *bytes* as there are elements and never writes the second
  half of its output. There is nothing to be equal to, so ours is what upstream does since: a sum
  in int32, rescaled once and clamped.
- Without a scale, MEAN and SUM of bytes and int16 give the output's zero point.
- REDUCE_MAX and REDUCE_MIN pass over NaN and, when an axis is left, over infinities of the wrong
  sign (they begin at the type's limit); over all axes they begin at the first element, and a NaN
  there stays.
- REDUCE_PROD of quantised data multiplies element by element, rescaling each product by
  s_x / s_y**(1/n); with nothing to multiply it leaves its output unwritten (ours: zeros), and
  small constants that only lose axes of 1 stay as they are, whatever the scales.
- Reduced over nothing, MEAN is NaN, or 0 for integers, and SUM of bytes and int16 is 0, not the
  zero point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from litefuse.runtime.kernels.accurate import ordered_sum
from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require,
    require_dtype,
    require_inputs,
    require_same_dtype,
)
from litefuse.runtime.kernels.bounds import relative, summation
from litefuse.runtime.kernels.contraction import tensor_scale, tensor_zero_point
from litefuse.runtime.kernels.fixed_point import mbqm, mbqm64, quantize_multiplier, wrap32

_FOLDED = 8  # elements of a result that LiteRT computes from constants as it prepares


def _axes(ctx: NodeContext) -> tuple[int, ...]:
    """The axes to reduce, without repeats, as non-negative numbers."""
    rank = len(ctx.input(0).shape)
    found: list[int] = []
    for axis in ctx.data(1).ravel().tolist():
        resolved = axis + rank if axis < 0 else axis
        if rank:
            require(0 <= resolved < rank, ctx, f"axis {axis} is outside rank {rank}")
            if resolved not in found:
                found.append(resolved)
    return tuple(sorted(found))


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """The input's shape without the reduced axes, or with 1 in their place when keep_dims is
    set.
    """
    require_inputs(ctx, 2)
    x, axis, y = ctx.input(0), ctx.input(1), ctx.outputs[0]
    require_same_dtype(ctx, x, y)
    require_dtype(ctx, axis, "int32")
    if axis.data is None:
        return [None]
    axes = _axes(ctx)
    if ctx.option("keep_dims", False):
        return [tuple(1 if i in axes else d for i, d in enumerate(x.shape))]
    return [tuple(d for i, d in enumerate(x.shape) if i not in axes)]


def _prepare_of(*dtypes: str) -> Callable[[NodeContext], list[Shape | None]]:
    def check_and_prepare(ctx: NodeContext) -> list[Shape | None]:
        require_dtype(ctx, ctx.input(0), *dtypes)
        _require_int16_zero(ctx)
        return prepare(ctx)

    return check_and_prepare


def _require_int16_zero(ctx: NodeContext) -> None:
    for value in (ctx.input(0), ctx.outputs[0]):
        require(
            value.dtype != np.int16 or value.zero_point == 0,
            ctx,
            f"tensor {value.name!r} of int16 has zero point {value.zero_point}, needs 0",
        )


def _shape(ctx: NodeContext) -> Shape:
    shape = prepare(ctx)[0]
    assert shape is not None  # the axes are known when it runs
    return shape


def _reduced(ctx: NodeContext) -> int:
    """How many elements go into one of the output."""
    return int(np.prod([ctx.input(0).shape[a] for a in _axes(ctx)], dtype=np.int64))


def _small(ctx: NodeContext) -> bool:
    """Whether LiteRT takes the type for a quantised one, scale or not."""
    return ctx.input(0).dtype.name in ("int8", "uint8", "int16")


def _require_one_scale(ctx: NodeContext) -> None:
    x, y = ctx.input(0), ctx.outputs[0]
    pairs = [(tensor_scale(v), tensor_zero_point(v)) for v in (x, y)]
    require(
        not _small(ctx) or pairs[0] == pairs[1],
        ctx,
        "input and output must have one scale and zero point",
    )


def _multiplier(m: float) -> tuple[int, int]:
    """As `quantize_multiplier`; (0, 0), as LiteRT's arithmetic ends, for infinities and NaN."""
    return quantize_multiplier(m) if math.isfinite(m) else (0, 0)


def _ratio(ctx: NodeContext, root: float = 1.0) -> float:
    """s_x / s_y**(1/n); 0, infinite or NaN where a scale is missing."""
    x, y = (np.float64(tensor_scale(v)) for v in (ctx.input(0), ctx.outputs[0]))
    with np.errstate(all="ignore"):
        return float(x / y ** (1.0 / root))


def _finish(value: Any, dtype: Any, shape: Shape) -> Array:
    info = np.iinfo(dtype)
    return np.asarray(np.clip(value, info.min, info.max).astype(dtype).reshape(shape))


def _rescaled_sum(ctx: NodeContext, x: Array, mean: bool) -> Array:
    """Quantised MEAN and SUM: the sum in int32, one multiplier that holds 1 / n for MEAN."""
    shape, axes, count = _shape(ctx), _axes(ctx), _reduced(ctx)
    if x.size == 0:
        return np.zeros(shape, x.dtype)
    total = x.sum(axis=axes, dtype=np.int64)
    q, shift = _multiplier(_ratio(ctx))
    if mean:
        k = min(count.bit_length() - 1, 32, 31 + shift)
        q = (q << k) // count
        shift -= k
    total = wrap32(total - tensor_zero_point(ctx.input(0)) * count)
    scaled = wrap32(mbqm(total, q, shift) + tensor_zero_point(ctx.outputs[0]))
    return _finish(scaled, x.dtype, shape)


def evaluate_mean(ctx: NodeContext) -> list[Array]:
    """The mean; plain integers truncate toward zero, quantised ones round by their multiplier."""
    x, shape, axes, count = ctx.data(0), _shape(ctx), _axes(ctx), _reduced(ctx)
    if _small(ctx):
        return [_rescaled_sum(ctx, x, mean=True)]
    if x.dtype.kind == "f":
        if x.size == 0:
            return [np.full(shape, np.nan, x.dtype)]
        mean = ordered_sum(x, axes) / x.dtype.type(count)
        return [np.asarray(mean).reshape(shape)]
    total = x.sum(axis=axes, dtype=np.int64)
    mean = np.sign(total) * (np.abs(total) // max(count, 1))
    return [np.asarray(mean.astype(x.dtype)).reshape(shape)]


def evaluate_sum(ctx: NodeContext) -> list[Array]:
    """The sum; plain integers wrap, booleans are ored."""
    x = ctx.data(0)
    if x.dtype == np.int8:
        return [_rescaled_sum(ctx, x.view(np.uint8), mean=False).view(np.int8)]
    if _small(ctx):
        return [_rescaled_sum(ctx, x, mean=False)]
    if x.dtype.kind == "f":
        return [ordered_sum(x, _axes(ctx)).reshape(_shape(ctx))]
    total = x.sum(axis=_axes(ctx), dtype=x.dtype)
    return [np.asarray(total.astype(x.dtype)).reshape(_shape(ctx))]


def _extremum(ctx: NodeContext, pick: np.ufunc, limit: Any) -> list[Array]:
    _require_one_scale(ctx)
    x, axes, shape = ctx.data(0), _axes(ctx), _shape(ctx)
    if len(axes) == x.ndim and x.size:
        first = x.reshape(-1)[0]
        value = first if first != first else pick.reduce(x, axis=None)
    else:
        value = pick.reduce(x, axis=axes, initial=limit)
    return [np.asarray(value, x.dtype).reshape(shape)]


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype.kind == "b":
        return False, True
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return info.min, info.max


def evaluate_max(ctx: NodeContext) -> list[Array]:
    """The largest element; the type's lowest value where nothing is reduced."""
    return _extremum(ctx, np.fmax, _limits(ctx.input(0).dtype)[0])


def evaluate_min(ctx: NodeContext) -> list[Array]:
    """The smallest element; the type's highest value where nothing is reduced."""
    return _extremum(ctx, np.fmin, _limits(ctx.input(0).dtype)[1])


def _prepare_prod(ctx: NodeContext) -> list[Shape | None]:
    x = ctx.input(0)
    require_dtype(ctx, x, *_NUMBERS, "bool")
    _require_int16_zero(ctx)
    require(
        not x.quantized or x.dtype.name in ("int8", "int16"),
        ctx,
        f"quantised data of type {x.dtype.name} is not supported; int8 and int16 are",
    )
    shapes = prepare(ctx)
    refused = x.dtype == bool and shapes[0] is not None and _folded(ctx, shapes[0])
    require(not refused or _only_ones(ctx), ctx, "a product of constant booleans is not supported")
    return shapes


def _folded(ctx: NodeContext, shape: Shape) -> bool:
    """Whether LiteRT computes the result as it prepares, as it does small ones of constants.

    An axis without elements is no constant to it. Its kernels for that have no booleans, and leave
    what they need not multiply as it is, without a change of scale.
    """
    x, axis = ctx.input(0), ctx.input(1)
    constant = x.constant and axis.constant and 0 not in axis.shape
    return constant and int(np.prod(shape)) <= _FOLDED


def _only_ones(ctx: NodeContext) -> bool:
    """Whether each element of the result is one of the input's."""
    return all(ctx.input(0).shape[a] == 1 for a in _axes(ctx))


def _quantized_prod(ctx: NodeContext) -> Array:
    x, axes, shape, count = ctx.data(0), _axes(ctx), _shape(ctx), _reduced(ctx)
    if x.size == 0:
        return np.zeros(shape, x.dtype)
    if _folded(ctx, shape) and _only_ones(ctx):
        return x.reshape(shape).copy()
    q, shift = _multiplier(_ratio(ctx, count))
    kept = [i for i in range(x.ndim) if i not in axes]
    factors = np.transpose(x, (*kept, *axes)).reshape(-1, count).astype(np.int64)
    factors = factors - tensor_zero_point(ctx.input(0))
    product = factors[:, 0]
    for k in range(1, count):
        product = mbqm64(product * factors[:, k], q, shift)
    scaled = wrap32(mbqm64(product, q, shift) + tensor_zero_point(ctx.outputs[0]))
    return _finish(scaled, x.dtype, shape)


def evaluate_prod(ctx: NodeContext) -> list[Array]:
    """The product; unquantised integers wrap, booleans are anded."""
    x = ctx.data(0)
    if ctx.input(0).quantized:
        return [_quantized_prod(ctx)]
    _require_one_scale(ctx)
    value = x.prod(axis=_axes(ctx), dtype=x.dtype)
    return [np.asarray(value, x.dtype).reshape(_shape(ctx))]


def evaluate_any(ctx: NodeContext) -> list[Array]:
    """Whether any element is true."""
    return [np.asarray(ctx.data(0).any(axis=_axes(ctx))).reshape(_shape(ctx))]


def evaluate_all(ctx: NodeContext) -> list[Array]:
    """Whether all elements are true."""
    return [np.asarray(ctx.data(0).all(axis=_axes(ctx))).reshape(_shape(ctx))]


_NUMBERS = ("float32", "int8", "uint8", "int16", "int32", "int64")

KERNELS = (
    Kernel(
        "MEAN",
        _prepare_of(*_NUMBERS),
        evaluate_mean,
        bound=summation(evaluate_mean, "elements reduced + 1", lambda ctx: _reduced(ctx) + 1),
    ),
    Kernel(
        "SUM",
        _prepare_of(*_NUMBERS, "bool"),
        evaluate_sum,
        bound=summation(evaluate_sum, "elements reduced", lambda ctx: _reduced(ctx)),
    ),
    Kernel("REDUCE_MAX", _prepare_of(*_NUMBERS, "bool"), evaluate_max),
    Kernel("REDUCE_MIN", _prepare_of(*_NUMBERS, "bool"), evaluate_min),
    Kernel(
        "REDUCE_PROD",
        _prepare_prod,
        evaluate_prod,
        bound=relative("relative, a rounding for each factor", lambda ctx: _reduced(ctx)),
    ),
    Kernel("REDUCE_ANY", _prepare_of("bool"), evaluate_any),
    Kernel("REDUCE_ALL", _prepare_of("bool"), evaluate_all),
)
