"""Sparse constants: from the schema's block-CSR form to a dense array.

A sparse tensor stores its values level by level in `traversal_order`; levels beyond the rank are
the insides of blocks of the dimensions in `block_map`. A DENSE level has every index; a SPARSE_CSR
level lists them, `array_segments` saying which belong to which parent (cf. the TACO format).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.model import storage
from litefuse.runtime.model.enums import DimensionType
from litefuse.runtime.model.errors import DAMAGED, ModelError
from litefuse.runtime.model.records import Record

if TYPE_CHECKING:
    from litefuse.runtime.model.objects import Tensor

Indices = npt.NDArray[np.int64]


def _fail(tensor: Tensor, field: str, problem: str, remedy: str = DAMAGED) -> ModelError:
    text = f"sparse tensor {tensor.name!r} (shape {list(tensor.shape)}) {problem}"
    return ModelError(text, remedy=remedy, table="SparsityParameters", field=field)


def _csr(tensor: Tensor, i: int, level: Record, parents: int) -> tuple[Indices, Indices]:
    """For each stored entry of a CSR level: its parent's number and its index."""
    if level.array_segments is None or level.array_indices is None:
        raise _fail(tensor, f"dim_metadata[{i}]", "has a compressed level without its indices")
    segments = np.asarray(level.array_segments.values).astype(np.int64)
    found = np.asarray(level.array_indices.values).astype(np.int64)
    good = segments.size == parents + 1 and segments[0] == 0 and segments[-1] == found.size
    if not good or (np.diff(segments) < 0).any() or (found < 0).any():
        problem = f"has segments that do not fit {parents} parents and {found.size} indices"
        raise _fail(tensor, f"dim_metadata[{i}].array_segments", problem)
    return np.repeat(np.arange(parents), np.diff(segments)), found


def _levels(tensor: Tensor, sparsity: Record, limit: int) -> tuple[dict[int, Indices], int]:
    """The index of each stored value in each level, keyed by the level's dimension, and how many
    values there are.
    """
    count = 1
    coordinates: dict[int, Indices] = {}
    for i, (dim, level) in enumerate(
        zip(sparsity.traversal_order, sparsity.dim_metadata, strict=True)
    ):
        if level.format == DimensionType.DENSE:
            size = level.dense_size
            if size < 0 or count * size > limit:
                raise _fail(tensor, f"dim_metadata[{i}].dense_size", f"has a level of size {size}")
            parent, index = np.divmod(np.arange(count * size), max(size, 1))
        else:
            parent, index = _csr(tensor, i, level, count)
        coordinates = {key: value[parent] for key, value in coordinates.items()}
        coordinates[dim] = index
        count = index.size
    return coordinates, count


def densify(tensor: Tensor, data: memoryview) -> npt.NDArray[Any]:
    """The dense array of a sparse constant (absent elements are zero). ModelError if malformed."""
    sparsity, rank = tensor.sparsity, len(tensor.shape)
    assert sparsity is not None  # the caller looked
    blocks, order = sparsity.block_map, sparsity.traversal_order
    if sorted(order) != list(range(rank + len(blocks))) or any(not 0 <= d < rank for d in blocks):
        raise _fail(tensor, "traversal_order", f"has traversal order {order}, block map {blocks}")
    if len(sparsity.dim_metadata) != len(order):
        problem = f"describes {len(sparsity.dim_metadata)} levels instead of {len(order)}"
        raise _fail(tensor, "dim_metadata", problem)
    bits = storage.PACKED_BITS.get(tensor.type)
    if storage.byte_size(tensor.type, 1) is None:
        raise _fail(tensor, "dim_metadata", f"has type {tensor.type.name}, which cannot be sparse")
    dtype = storage.DTYPES[tensor.type]
    # A real sparse constant stores at least one element in some thousands.
    limit = (1 << 20) + 4096 * len(data)
    if math.prod(tensor.shape) > limit:
        problem = f"would take more than {limit} elements but stores only {len(data)} bytes"
        raise _fail(tensor, "dim_metadata", problem, "store it dense")
    coordinates, count = _levels(tensor, sparsity, limit)
    if storage.byte_size(tensor.type, count) != len(data):
        problem = f"lists {count} values and its buffer has {len(data)} bytes"
        raise _fail(tensor, "dim_metadata", problem)
    values = storage.unpack(data, tensor.type, count) if bits else np.frombuffer(data, dtype)
    index = [coordinates[d] for d in range(rank)]
    for i, d in enumerate(blocks):
        level = sparsity.dim_metadata[order.index(rank + i)]
        if level.format != DimensionType.DENSE:
            raise _fail(tensor, f"block_map[{i}]", "has a block that is not dense")
        index[d] = index[d] * level.dense_size + coordinates[rank + i]
    for d, (found, size) in enumerate(zip(index, tensor.shape, strict=True)):
        if found.size and int(found.max()) >= size:
            problem = f"has index {int(found.max())} in dimension {d} of size {size}"
            raise _fail(tensor, "dim_metadata", problem)
    dense = np.zeros(tensor.shape, dtype)
    dense[tuple(index)] = values
    dense.flags.writeable = False
    return dense
