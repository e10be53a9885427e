"""How far a float result of a kernel may be from LiteRT's reference, element by element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels.base import Array, Kernel, NodeContext


def allowed_differences(
    kernel: Kernel, ctx: NodeContext, outputs: Sequence[Array]
) -> list[Array | None]:
    """The largest allowed |ours - reference| for each element of each output (float64).

    `ctx` holds the data of the inputs, `outputs` what the reference computed. None for an output
    that is neither float nor complex: integers, booleans and strings are equal.
    """
    fed = [
        float(np.abs(v.data[np.isfinite(v.data)]).max(initial=0.0))
        for v in ctx.inputs
        if v is not None and v.data is not None and v.data.dtype.kind in "fc"
    ]
    return [_of_one(kernel, out, fed) if out.dtype.kind in "fc" else None for out in outputs]


def _of_one(kernel: Kernel, output: Array, fed: list[float]) -> Array:
    size = np.maximum(np.abs(output.real), np.abs(output.imag))
    size = np.where(np.isfinite(size), size, 0).astype(size.dtype)
    scale = max([float(size.max(initial=0.0)), *fed])
    allowed: Array = (
        kernel.ulp * np.spacing(size).astype(np.float64) + kernel.range_tolerance * scale
    )
    return allowed
