"""How far a float result of a kernel may be from LiteRT's reference, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from litefuse.runtime.kernels.base import Array, Kernel, NodeContext

# Below the normal range a rounding is no longer a part of the value, and vector functions may
# flush to zero.
_TINY = float(np.finfo(np.float32).smallest_normal)


def allowed_differences(
    kernel: Kernel, ctx: NodeContext, outputs: Sequence[Array]
) -> list[Array | None]:
    """The largest allowed |ours - reference| for each element of each output (float64).

    `ctx` holds the data of the inputs, `outputs` what the reference computed. None for an output
    that is neither float nor complex: integers, booleans and strings are equal.  A complex output's
    parts may each differ so much.
    """
    if all(out.dtype.kind not in "fc" for out in outputs):
        return [None] * len(outputs)
    shaped = [
        replace(v, shape=o.shape, memory=None) for v, o in zip(ctx.outputs, outputs, strict=True)
    ]
    ctx = replace(ctx, outputs=shaped)
    with np.errstate(all="ignore"):  # of infinities, bounds are infinite
        bounds = None if kernel.bound is None else kernel.bound.allowed(ctx, outputs)
    coarse = [v.type_name == "bfloat16" for v in shaped]
    return [_of_one(kernel, bounds, k, out, coarse[k]) for k, out in enumerate(outputs)]


def _of_one(
    kernel: Kernel, bounds: list[Array] | None, k: int, output: Array, bfloat16: bool
) -> Array | None:
    if output.dtype.kind not in "fc":
        return None
    size = np.maximum(np.abs(output.real), np.abs(output.imag))
    size = np.where(np.isfinite(size), size, 0).astype(size.dtype)
    below = np.minimum(size, np.finfo(size.dtype).max / 2)  # the largest float has no spacing
    allowed: Array = kernel.ulp * np.spacing(below.astype(size.dtype)).astype(np.float64)
    if bfloat16:  # seen as float32, of which it has 16 digits less
        allowed = allowed * 2.0**16
    if bounds is not None:
        # NaN: an input is NaN or infinite, and so must the reference's result be.
        allowed = allowed + np.nan_to_num(np.broadcast_to(bounds[k], size.shape), posinf=np.inf)
    return np.where(allowed > 0, allowed + _TINY, 0.0)


def part_of_bound(got: Array, want: Array, allowed: Array | None) -> float:
    """The largest difference as a part of what is allowed: at most 1 is within the bound.

    Infinite for another shape or type, for elements that must be equal and are not, and where one
    side is NaN or infinite and the other is not (unless the bound there is infinite).
    """
    if got.shape != want.shape or got.dtype != want.dtype:
        return float("inf")
    if allowed is None or want.dtype.kind not in "fc":
        return 0.0 if np.array_equal(got, want) else float("inf")
    if want.dtype.kind == "c":
        return max(
            part_of_bound(got.real, want.real, allowed), part_of_bound(got.imag, want.imag, allowed)
        )
    with np.errstate(all="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want)) | np.isposinf(allowed)
        if same.all():
            return 0.0
        far = np.abs(got[~same].astype(np.float64) - want[~same]) / allowed[~same]
    return float(np.where(np.isnan(far), np.inf, far).max())
