"""What the ops with weights share: exact integer products, requantisation, and LiteRT's checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.kernels.activation import activation_name
from litefuse.runtime.kernels.base import Array, NodeContext, TensorValue, require
from litefuse.runtime.kernels.fixed_point import (
    activation_bounds,
    mbqm64,
    quantize_multiplier,
    rdbp_in_place,
    rescaled,
    wrap32,
)
from litefuse.runtime.model.enums import TensorType

# Sums requantised at a time: the arithmetic needs some ten temporaries of 8 bytes each.
_ELEMENTS = 1 << 14


def exact_dtype(weights: Array, largest_input: int) -> np.dtype[Any]:
    """The narrowest float dtype in which every partial sum of inputs x weights[k, n] is exact."""
    return exact_sums(weights.T, 0, largest_input)


def exact_sums(weights: Array, zero_point: int, largest_input: int) -> np.dtype[Any]:
    """As `exact_dtype`, for weights[n, ...] with a zero point yet to be taken off."""
    largest = 0
    step = max((1 << 16) // max(weights[:1].size, 1), 1)
    for n in range(0, len(weights), step):
        part = np.abs(np.subtract(weights[n : n + step], zero_point, dtype=np.int64))
        sums = part.reshape(len(part), -1).sum(axis=1)
        largest = max(largest, int(sums.max(initial=0)))
    return np.dtype(np.float32 if largest * largest_input < 2**24 else np.float64)


def matmul_exact(x: Array, weights: Array, dtype: np.dtype[Any]) -> npt.NDArray[np.int64]:
    """x[m, k] @ weights[k, n] of integers, exact in `dtype` (see `exact_dtype`), as int64."""
    product = x.astype(dtype, copy=False) @ weights.astype(dtype, copy=False)
    return np.asarray(product.astype(np.int64))


def tensor_scale(value: TensorValue) -> float:
    """The per-tensor scale as LiteRT's kernels read it: 0 unless the tensor has exactly one."""
    return value.scale if value.quantized and len(value.scales) == 1 else 0.0


def tensor_zero_point(value: TensorValue) -> int:
    """The per-tensor zero point as LiteRT's kernels read it: 0 unless there is exactly one."""
    return value.zero_point if value.quantized and len(value.scales) == 1 else 0


def is_int4(value: TensorValue) -> bool:
    """Whether the tensor is stored as packed signed 4-bit integers."""
    return value.tensor.type == TensorType.INT4


def require_positive(ctx: NodeContext, *options: str, most: int | None = None) -> None:
    """KernelError unless each named option (strides, dilations) is at least 1, and at most `most`
    where that is given.
    """
    for name in options:
        value = int(ctx.option(name, 1))
        wanted = "1 or more" if most is None else f"1 to {most}"
        require(value > 0 and (most is None or value <= most), ctx, f"{name} {value}, not {wanted}")


def require_filled(ctx: NodeContext, value: TensorValue, axes: tuple[int, ...]) -> None:
    """KernelError when the tensor is empty along one of these axes."""
    for axis in axes:
        require(
            value.shape[axis] > 0, ctx, f"tensor {value.name!r} of shape {value.shape} is empty"
        )


def fused_clamp(ctx: NodeContext) -> str:
    """The fused activation of a convolution: LiteRT takes any that does not clamp for NONE."""
    name = activation_name(ctx)
    return name if name in ("RELU", "RELU6", "RELU_N1_TO_1") else "NONE"


def require_activation_fits(ctx: NodeContext, y: TensorValue, activation: str) -> None:
    """KernelError when a bound of the activation, divided by the output's scale, leaves int32."""
    scale = np.float32(tensor_scale(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = [np.float32(b) / scale for b in activation_bounds(activation) if np.isfinite(b)]
    require(
        all(abs(q) <= np.float32(2**31) for q in quotients),
        ctx,
        f"activation {activation} does not fit int32 on the output's scale {scale}",
    )


def require_product_scale(ctx: NodeContext, x: TensorValue, w: TensorValue, bias: Any) -> None:
    """KernelError when a per-tensor bias scale is too far from the product of the other two:
    |s_x * s_w - s_b| / s_y must be at most 0.02.
    """
    if bias is None:
        return
    product = tensor_scale(x) * tensor_scale(w)
    out = tensor_scale(ctx.outputs[0])
    difference = abs(product - tensor_scale(bias))
    require(
        out > 0 and difference / out <= 0.02,
        ctx,
        f"bias scale {tensor_scale(bias)} is not the product {product} of input and filter scale",
    )


def require_convolution_scales(
    ctx: NodeContext, x: TensorValue, w: TensorValue, bias: TensorValue | None, channels: int
) -> None:
    """What LiteRT checks of a quantised convolution's scales, whatever its kind."""
    for value in (x, w):
        require(value.quantized, ctx, f"tensor {value.name!r} ({value.dtype}) has no scale")
    count = len(w.scales)
    require(
        count in (1, channels),
        ctx,
        f"filter has {count} scales; needs 1 or one for each of {channels} channels",
    )
    if count > 1:
        require(x.dtype.name in ("int8", "int16"), ctx, f"{x.dtype} with a scale for each channel")
        require(
            w.tensor.type in (TensorType.INT8, TensorType.INT4),
            ctx,
            f"a filter of type {w.tensor.type.name} with a scale for each channel",
        )
        axis = w.tensor.quantization.quantized_dimension  # type: ignore[union-attr]
        require(w.shape[axis] == channels, ctx, f"filter has its scales along axis {axis}")
    if x.dtype == np.uint8:
        require_product_scale(ctx, x, w, bias)
    require_activation_fits(ctx, ctx.outputs[0], fused_clamp(ctx))


def require_symmetric_int16(ctx: NodeContext, x: TensorValue, bias: TensorValue | None) -> None:
    """What LiteRT checks of int16 nodes: zero points 0, and the bias of the promised type."""
    for value in (x, ctx.outputs[0]):
        point = tensor_zero_point(value)
        require(point == 0, ctx, f"int16 tensor {value.name!r} has zero point {point}, needs 0")
    promised = TensorType(int(ctx.option("quantized_bias_type", TensorType.FLOAT32)))
    if promised == TensorType.FLOAT32:
        return
    require(
        promised in (TensorType.INT32, TensorType.INT64),
        ctx,
        f"quantized_bias_type is {promised.name}, needs INT32 or INT64",
    )
    require(
        bias is None or bias.tensor.type == promised,
        ctx,
        f"the bias is not of the quantized_bias_type {promised.name}",
    )


def require_bias(ctx: NodeContext, x: TensorValue, bias: TensorValue, *wide: str) -> None:
    """KernelError unless the bias has the type that goes with the input's (`wide` lists those for
    int16) and, if quantised, zero point 0.
    """
    allowed = {"float32": ("float32",), "int16": wide}.get(x.dtype.name, ("int32",))
    require(
        bias.dtype.name in allowed,
        ctx,
        f"bias has type {bias.dtype}, an input of {x.dtype} needs {' or '.join(allowed)}",
    )
    point = tensor_zero_point(bias)
    require(x.dtype.kind == "f" or point == 0, ctx, f"the bias has zero point {point}, needs 0")


def _multiplier(product: float, scale: float) -> tuple[int, int]:
    """(q, shift) of product / scale; (0, 0) where the output has no scale, as LiteRT has it."""
    return quantize_multiplier(product / scale) if scale else (0, 0)


def channel_multipliers(
    x: TensorValue, w: TensorValue, y: TensorValue, channels: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(q, shift) per output channel from s_x * s_w[c] / s_y in double precision (int8, int16x8)."""
    scales = np.broadcast_to(w.scales.astype(np.float64), channels)
    pairs = [_multiplier(tensor_scale(x) * float(s), tensor_scale(y)) for s in scales]
    return np.array([p[0] for p in pairs], np.int32), np.array([p[1] for p in pairs], np.int32)


def float_product_multiplier(x: TensorValue, w: TensorValue, y: TensorValue) -> tuple[int, int]:
    """(q, shift) from float32(s_x * s_w) / s_y: uint8 convolutions, BATCH_MATMUL."""
    product = np.float32(tensor_scale(x)) * np.float32(tensor_scale(w))
    return _multiplier(float(product), tensor_scale(y))


def requantize(
    acc: Array, q: Any, shift: Any, zero_point: int, bounds: tuple[int, int], dtype: Any
) -> Array:
    """clamp(MBQM(acc) + zero_point) as `dtype`; `acc` wraps to int32 first, as the reference's
    does.
    """
    return rescaled(wrap32(acc), q, shift, zero_point, bounds, dtype)


def requantize64(
    acc: Array, q: Any, shift: Any, zero_point: int, bounds: tuple[int, int], dtype: Any
) -> Array:
    """As `requantize`, for int64 accumulators (int16 activations): the 16-bit multiplier form."""
    value = mbqm64(acc, q, shift) + zero_point
    return np.asarray(np.clip(value, *bounds).astype(dtype))


def requantize_rows(
    out: Array,
    sums: Array,
    bias: Array | None,
    q: Any,
    shift: Any,
    zero_point: int,
    bounds: tuple[int, int],
    wide: bool = False,
    largest: int = 1 << 62,
) -> None:
    """out[m, n] = `requantize` (`wide`: `requantize64`) of sums[m, n] + bias[n], some rows at a
    time; the sums are whole numbers of any type, none beyond `largest` in magnitude.
    """
    step = max(_ELEMENTS // max(sums.shape[1], 1), 1)
    if not wide and np.all(np.less_equal(shift, 0)):
        offset = np.zeros(1, np.int64) if bias is None else bias.ravel().astype(np.int64)
        if largest + int(np.abs(offset).max(initial=0)) < 1 << 31:
            for m in range(0, len(sums), step):
                part = slice(m, m + step)
                _requantize_narrow(out[part], sums[part], offset, q, shift, zero_point, bounds)
            return
    finish = requantize64 if wide else requantize
    for m in range(0, len(sums), step):
        acc = sums[m : m + step].astype(np.int64)
        if bias is not None:
            acc += bias.ravel()
        out[m : m + step] = finish(acc, q, shift, zero_point, bounds, out.dtype)


def _requantize_narrow(
    out: Array,
    sums: Array,
    bias: Array,
    q: Any,
    shift: Any,
    zero_point: int,
    bounds: tuple[int, int],
) -> None:
    """`requantize` of sums that stay within int32 and of multipliers below 1: the same number in
    fewer steps, with the bias and the first rounding's half in one, and the zero point last.
    """
    value = np.multiply(sums, q, dtype=np.int64, casting="unsafe")
    value += bias * q + (1 << 30)
    value >>= 31
    value = rdbp_in_place(value, np.negative(shift))
    np.clip(value, bounds[0] - zero_point, bounds[1] - zero_point, out=value)
    np.add(value, zero_point, out=out, casting="unsafe")


def bias_data(ctx: NodeContext, index: int) -> Array | None:
    """The bias input's data, or None when the node has none."""
    value = ctx.optional(index)
    return None if value is None else ctx.data(index)
