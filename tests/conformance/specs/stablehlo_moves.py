"""STABLEHLO_GATHER, STABLEHLO_SCATTER."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, moved, numbers, rarely

_NO_STRINGS = tuple(t for t in PLAIN if t != "string")
_SCATTERED = tuple(t for t in _NO_STRINGS if t not in ("bfloat16", "complex64"))
_REGIONS = ("ADD", "MULTIPLY", "MAXIMUM", "MINIMUM")


def _starts(draw: Draw, dims: tuple[int, ...], mapped: list[int]) -> tuple[np.ndarray, int]:
    """Start indices, in and around the tensor, and which of their axes holds a vector."""
    batch = shape(draw, 0, 2, most=12)
    rows = [rng(draw).integers(-1, dims[a] + 1, batch) for a in mapped]
    # Not an axis past the last, for plain numbers: LiteRT then reads past the shape.
    at = draw(st.integers(0, len(batch)))
    return np.stack(rows, axis=at), at


def _batch(indices: np.ndarray, vector: int) -> tuple[int, ...]:
    return tuple(d for i, d in enumerate(indices.shape) if i != vector)


def _places(draw: Draw, count: int, among: int) -> list[int]:
    return sorted(draw(st.permutations(range(among)))[:count])


@conforms("STABLEHLO_GATHER", *_NO_STRINGS)
def stablehlo_gather(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4, zero=rarely(draw))
    mapped = list(draw(st.permutations(range(len(dims)))))[: draw(st.integers(1, len(dims)))]
    sizes = [draw(st.integers(min(d, 1), d)) for d in dims]
    collapsed = [a for a in range(len(dims)) if dims[a] and draw(st.booleans())]
    for a in collapsed:
        sizes[a] = 1
    indices, vector = _starts(draw, dims, mapped)
    batch = _batch(indices, vector)
    count = len(dims) - len(collapsed)
    operand, out = moved(draw, dims, dtype)
    out.shape = (1,) * (count + len(batch))  # LiteRT takes the rank from the file
    return case(
        "STABLEHLO_GATHER",
        [operand, numbers(draw, indices)],
        [out],
        offset_dims=_places(draw, count, len(out.shape)),
        collapsed_slice_dims=collapsed,
        start_index_map=mapped,
        index_vector_dim=vector,
        slice_sizes=sizes,
        indices_are_sorted=False,
    )


@dataclass
class _Region(Case):
    """A case whose op has a region of one op, or none, in subgraph 1."""

    region: str | None = None
    dtype: str = "float32"

    def subgraphs(self, builder: ModelBuilder) -> None:
        """The region."""
        builder.add_subgraph("region")
        pair = [builder.add_tensor(name, (), self.dtype) for name in ("a", "b")]
        result = pair[1]
        if self.region is not None:
            result = builder.add_tensor("c", (), self.dtype)
            builder.add_op(self.region, pair, [result])
        builder.set_io(pair, [result])


@conforms("STABLEHLO_SCATTER", *_SCATTERED)
def stablehlo_scatter(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4, zero=rarely(draw))
    mapped = list(draw(st.permutations(range(len(dims)))))[: draw(st.integers(1, len(dims)))]
    inserted = [a for a in range(len(dims)) if draw(st.booleans())]
    window = [draw(st.integers(min(d, 1), d)) for a, d in enumerate(dims) if a not in inserted]
    indices, vector = _starts(draw, dims, mapped)
    batch = iter(_batch(indices, vector))
    rank = len(window) + len(_batch(indices, vector))
    places = _places(draw, len(window), rank)
    sizes = iter(window)
    part = [next(sizes) if i in places else next(batch) for i in range(rank)]
    operand, out = moved(draw, dims, dtype)
    update = Arg(data(draw, part, dtype), dtype=dtype)
    options = {
        "update_window_dims": places,
        "inserted_window_dims": inserted,
        "scatter_dims_to_operand_dims": mapped,
        "index_vector_dim": vector,
        "indices_are_sorted": False,
        "unique_indices": False,
        "update_computation_subgraph_index": 1,
    }
    region = draw(st.sampled_from((None, *_REGIONS)))
    return _Region(
        "STABLEHLO_SCATTER",
        [operand, numbers(draw, indices), update],
        [out],
        options,
        region=None if region is None else f"STABLEHLO_{region}",
        dtype=dtype,
    )
