"""Which layouts of sparse weights LiteRT's kernels take; the reader has made the data dense."""

from __future__ import annotations

from litefuse.runtime.kernels.base import TensorValue
from litefuse.runtime.model.enums import DimensionType


def sixteen_wide(value: TensorValue) -> bool:
    """Whether a matrix is stored as dense rows of compressed blocks of 1x16."""
    sparsity = value.tensor.sparsity
    levels = [] if sparsity is None else sparsity.dim_metadata
    return (
        len(levels) == 3
        and levels[0].format == DimensionType.DENSE
        and levels[1].format == DimensionType.SPARSE_CSR
        and levels[2].dense_size == 16
    )
