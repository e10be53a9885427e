"""EMBEDDING_LOOKUP, EMBEDDING_LOOKUP_SPARSE."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import make_options
from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import LIMITS, flaw

PLAIN = ("float32", "int8", "uint8", "int16", "int32", "int64", "uint32", "bool", "complex64")


def ids(draw: Draw, rows: int, broken: str | None) -> Arg:
    """Numbers of rows; flaws `high id`, `low id` and `id type`."""
    found = rng(draw).integers(0, max(rows, 1), draw(st.integers(0, 6)))
    if broken == "high id" and found.size:
        found[-1] = rows
    if broken == "low id" and found.size:
        found[0] = -1
    kind = "int64" if broken == "id type" else "int32"
    return Arg(found.astype(kind))


@conforms("EMBEDDING_LOOKUP", *PLAIN, others=())
def copied(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "high id", "low id", "id type", "rank 1")
    size = shape(draw, 2, 4, zero=False)
    if broken == "rank 1":
        size = size[:1]
    table = Arg(values(draw, size, dtype), constant=draw(st.booleans()))
    return case(
        "EMBEDDING_LOOKUP", [ids(draw, size[0], broken), table], [Arg(shape=(1,), dtype=dtype)]
    )


@conforms(
    "EMBEDDING_LOOKUP",
    *(
        f"{kind}{rows}-to-{real}"
        for kind in ("int8", "uint8", "int4", "int2")
        for rows in ("", "-per-row")
        for real in ("float32", "float16")
    ),
)
def dequantised(draw: Draw, label: str) -> Case:
    kind, real = label.split("-")[0], label.split("-")[-1]
    broken = flaw(draw, "high id", "low id", "zero point", "axis", "no scale")
    size = shape(draw, 2, 3, zero=False)
    low, high = LIMITS.get(kind, (None, None))
    data = values(draw, size, "int8" if kind in LIMITS else kind, low=low, high=high)
    axis = 1 if broken == "axis" else 0
    count = size[axis] if "per-row" in label else 1
    points = np.zeros(count, np.int64)
    if broken == "zero point":
        points[draw(st.integers(0, count - 1))] = 1
    table = Arg(data, dtype=kind, constant=kind in LIMITS or draw(st.booleans()))
    if broken != "no scale":
        table.scale = (rng(draw).random(count) + 0.01).astype(np.float32)
        table.zero_point, table.axis = points, axis
    return case(
        "EMBEDDING_LOOKUP",
        [ids(draw, size[0], broken), table],
        [Arg(shape=(1,), dtype=real)],
    )


@conforms(
    "EMBEDDING_LOOKUP",
    *(f"blockwise-{kind}-to-{real}" for kind in LIMITS for real in ("float32", "float16")),
)
def blockwise(draw: Draw, label: str) -> Case:
    _, kind, _, real = label.split("-")
    broken = flaw(draw, "high id", "low id", "block size", "rank 3")
    block, blocks = draw(st.sampled_from((4, 8, 12))), draw(st.integers(1, 4))
    size: tuple[int, ...] = (draw(st.integers(1, 5)), block * blocks)
    if broken == "rank 3":
        size = (*size, 2)
    low, high = LIMITS[kind]
    # The scales are a tensor of their own: the fourth, after the two inputs and the output.
    details = make_options(
        "BlockwiseQuantization",
        {"scales": 3, "block_size": block * blocks + 4 if broken == "block size" else block},
    )
    table = Arg(
        values(draw, size, "int8", low=low, high=high),
        dtype=kind,
        constant=True,
        extra={"details": details},
    )
    scales = (rng(draw).random((size[0], blocks)) + 0.01).astype(np.float16)
    return case(
        "EMBEDDING_LOOKUP",
        [ids(draw, size[0], broken), table],
        [Arg(shape=(1,), dtype=real)],
        intermediates=[Arg(scales, constant=True)],
    )


@conforms("EMBEDDING_LOOKUP_SPARSE", "float32", others=())
def sparse(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "high id", "low id", "id type", "counts", "dense rank")
    size = shape(draw, 2, 3, zero=False, most=60)
    dense = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))]
    looked = ids(draw, size[0], broken)
    assert looked.data is not None
    count = len(looked.data)
    generator = rng(draw)
    indices = np.stack([generator.integers(0, d, count) for d in dense], axis=1).astype(np.int32)
    # None is outside the dense shape: there LiteRT adds to memory past its output.
    indices = indices[np.lexsort(indices.T[::-1])] if draw(st.booleans()) else indices
    if broken == "dense rank":
        dense.append(1)
    weight = values(draw, (count + (broken == "counts"),), "float32")
    options: dict[str, Any] = {"combiner": draw(st.sampled_from(("SUM", "MEAN", "SQRTN")))}
    return case(
        "EMBEDDING_LOOKUP_SPARSE",
        [
            looked,
            Arg(indices),
            Arg(np.array(dense, np.int32), constant=draw(st.booleans())),
            Arg(weight),
            Arg(values(draw, size, "float32")),
        ],
        [Arg(shape=(1,), dtype="float32")],
        **options,
    )
