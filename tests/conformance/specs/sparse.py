"""Sparse constants for specifications: a matrix in compressed rows, perhaps of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from litefuse.runtime.model.build import make_options


def _indices(values: np.ndarray) -> Any:
    return make_options("Int32Vector", {"values": tuple(int(v) for v in values)})


def sparse_rows(
    dense: np.ndarray, keep: np.ndarray, block: int, dtype: str
) -> tuple[Any, dict[str, Any]]:
    """Stored values and `Arg.extra` of a matrix whose blocks of 1 x `block` elements are stored
    where `keep` is true.
    """
    rows, columns = keep.shape
    stored = dense.reshape(rows, columns, block)[keep]
    segments = np.concatenate([[0], np.cumsum(keep.sum(axis=1))])
    dense_level = {"format": "DENSE", "dense_size": rows}
    compressed = {
        "format": "SPARSE_CSR",
        "array_segments": _indices(segments),
        "array_indices": _indices(np.nonzero(keep)[1]),
    }
    levels = [dense_level, compressed]
    if block > 1:
        levels.append({"format": "DENSE", "dense_size": block})
    sparsity = make_options(
        "SparsityParameters",
        {
            "traversal_order": tuple(range(len(levels))),
            "block_map": (1,) if block > 1 else (),
            "dim_metadata": [make_options("DimensionMetadata", level) for level in levels],
        },
    )
    return stored.astype(dtype).tobytes(), {"shape": dense.shape, "sparsity": sparsity}
