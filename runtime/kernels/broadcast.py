"""NumPy's broadcasting rule, which is TFLite's, with an error that names the shapes."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import KernelError, NodeContext, Shape


def broadcast_shapes(ctx: NodeContext, *shapes: Shape) -> Shape:
    """The common shape; KernelError when a dimension differs and none is 1."""
    try:
        return tuple(int(d) for d in np.broadcast_shapes(*shapes))
    except ValueError:
        given = " and ".join(str(s) for s in shapes)
        raise KernelError(f"{ctx.op.name}: shapes {given} cannot be broadcast together") from None
