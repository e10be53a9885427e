"""Tensors that stand in no model: for who evaluates an op on values of its own (folding)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litefuse.runtime.kernels.base import Array, Shape, TensorValue
from litefuse.runtime.model import Quantization, Tensor, TensorType


def detached(
    name: str,
    shape: Shape,
    type_name: str,
    data: Array | None = None,
    *,
    scales: Sequence[float] = (),
    zero_points: Sequence[int] = (),
    axis: int = 0,
) -> TensorValue:
    """A tensor as kernels see it; `type_name` is the schema's (`"FLOAT16"`), no scales means not
    quantised.
    """
    quantization = None
    if scales:
        points = np.asarray(zero_points, np.int64)
        quantization = Quantization(np.asarray(scales, np.float32), points, axis)
    record = Tensor(name, shape, TensorType[type_name], quantization=quantization)
    return TensorValue(record, shape, data)
