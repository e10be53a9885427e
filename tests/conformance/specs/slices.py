"""STRIDED_SLICE, SLICE, SPLIT, SPLIT_V, DYNAMIC_UPDATE_SLICE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, axis, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, integers, moved, numbers, rarely, size

_CUT = ("float32", "int8", "uint8", "int16", "int32", "int64")
_NO_STRINGS = tuple(t for t in PLAIN if t != "string")


@conforms("STRIDED_SLICE", *PLAIN)
def strided_slice(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 4)
    left = list(dims[: draw(st.integers(1, len(dims)))])
    rows: list[tuple[int, int, int]] = []
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    while left and len(rows) < 6:
        bit = 1 << len(rows)
        kind = draw(st.sampled_from(("slice", "slice", "slice", "shrink_axis", "new_axis", "...")))
        if kind == "new_axis" or (kind == "..." and not masks["ellipsis"]):
            masks["ellipsis" if kind == "..." else kind] |= bit
            rows.append((0, 0, 1))
            continue
        d = left.pop(0)
        if kind == "shrink_axis" and d:
            # Only inside and forwards: elsewhere LiteRT reads past the axis, or writes nothing.
            masks[kind] |= bit
            rows.append((draw(st.integers(-d, d - 1)), draw(st.integers(-d, d)), 1))
            continue
        step = draw(st.sampled_from((1, 1, 1, 2, 3, -1, -2)))
        ends = (0, d) if step > 0 else (d - 1, -d - 1)
        if draw(st.booleans()):
            ends = (draw(st.integers(-d - 1, d + 1)), draw(st.integers(-d - 1, d + 1)))
        rows.append((*ends, step))
        for name in ("begin", "end"):
            masks[name] |= bit * rarely(draw, 4)
    if masks["ellipsis"]:  # what it stands for is then counted from the end of the shape
        rest = len(dims) - sum(1 for i in range(len(rows)) if not masks["new_axis"] >> i & 1) + 1
        assert rest >= 0
        if rest == 0:
            masks["ellipsis"] = 0
            masks["new_axis"] = masks["shrink_axis"] = 0
            rows = rows[: len(dims)]
        else:
            masks["shrink_axis"] = 0
    if rarely(draw, 20):
        rows[-1] = (*rows[-1][:2], 0)
    operand, out = moved(draw, dims, dtype)
    kinds = ("int64",) if rarely(draw, 20) else ("int32",)
    fixed = draw(st.sampled_from((True, True, False, None)))
    columns = zip(*rows, strict=True)
    vectors = [numbers(draw, v, kinds, constant=fixed) for v in columns]
    options = {f"{name}_mask": mask for name, mask in masks.items()}
    return case("STRIDED_SLICE", [operand, *vectors], [out], offset=False, **options)


@conforms("STRIDED_SLICE", *(f"{t}-offset" for t in PLAIN))
def strided_slice_offset(draw: Draw, label: str) -> Case:
    dims = shape(draw, 1, 4)
    dtype = label.removesuffix("-offset")
    lengths = [draw(st.integers(0, d)) for d in dims]
    begins = [draw(st.integers(0, d - n)) for d, n in zip(dims, lengths, strict=True)]
    begins = [b - d if b and rarely(draw, 3) else b for b, d in zip(begins, dims, strict=True)]
    strides = [draw(st.sampled_from((1, 1, 2))) for _ in dims]
    operand, out = moved(draw, dims, dtype)
    # Lengths that are fed LiteRT reads before they are there.
    ends = numbers(draw, lengths, ("int32",), constant=True)
    steps = numbers(draw, strides, ("int32",), constant=True)
    return case(
        "STRIDED_SLICE",
        [operand, numbers(draw, begins, ("int32",)), ends, steps],
        [out],
        offset=True,
    )


@conforms("SLICE", *PLAIN)
@conforms("SLICE", "int4")
def slice_of(draw: Draw, dtype: str) -> Case:
    dims = size(draw)
    begins = [draw(st.integers(0, d)) for d in dims]
    sizes = [draw(st.integers(-1, d - b)) for d, b in zip(dims, begins, strict=True)]
    if begins and rarely(draw):
        begins[0] = draw(st.sampled_from((-1, dims[0] + 1)))
    if sizes and rarely(draw):
        sizes[-1] = draw(st.sampled_from((-2, dims[-1] + 1)))
    if sizes and rarely(draw, 20):
        sizes = sizes[1:]
    operand, out = moved(draw, dims, dtype)
    kinds = (draw(st.sampled_from(("int32", "int64"))),)
    fixed = draw(st.sampled_from((True, False, None)))
    vectors = [numbers(draw, v, kinds, constant=fixed) for v in (begins, sizes)]
    # A declared shape counts, and must be right; a declared scalar is sized like any other op's.
    out.shape = tuple(
        max(d - b if n == -1 else n, 0) for d, b, n in zip(dims, begins, sizes, strict=False)
    )
    if rarely(draw, 3):
        out.shape = ()
    return case("SLICE", [operand, *vectors], [out])


@conforms("SPLIT", *_CUT)
def split(draw: Draw, dtype: str) -> Case:
    dims = list(size(draw, 1, most=200))
    along = axis(draw, len(dims))
    count = draw(st.integers(1, 4))
    dims[along] *= count
    if rarely(draw):
        dims[along] += 1
    if rarely(draw):
        along += draw(st.sampled_from((-len(dims), len(dims))))
    operand, out = moved(draw, dims, dtype)
    one = (1,) if draw(st.booleans()) else ()
    stated = count + rarely(draw, 20)
    return case(
        "SPLIT",
        [numbers(draw, np.full(one, along), ("int32",)), operand],
        [out] * count,
        num_splits=stated,
    )


@conforms("SPLIT_V", *_CUT)
def split_v(draw: Draw, dtype: str) -> Case:
    dims = list(size(draw, 1, most=200))
    along = axis(draw, len(dims))
    sizes = integers(draw, draw(st.integers(1, 4)), 0, 3)
    dims[along] = sum(sizes)
    if rarely(draw):
        dims[along] += 1
    if rarely(draw, 3):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    if rarely(draw, 20):
        sizes[0] = -1
    if rarely(draw):
        along += draw(st.sampled_from((-len(dims), len(dims))))
    operand, out = moved(draw, dims, dtype)
    one = (1,) if draw(st.booleans()) else ()
    stated = len(sizes) + rarely(draw, 20)
    fixed = draw(st.sampled_from((True, False, None)))
    return case(
        "SPLIT_V",
        [
            operand,
            numbers(draw, sizes, constant=fixed),
            numbers(draw, np.full(one, along), ("int32",), constant=fixed),
        ],
        [out] * len(sizes),
        num_splits=stated,
    )


@conforms("DYNAMIC_UPDATE_SLICE", *_NO_STRINGS)
def dynamic_update_slice(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 1)
    part = [draw(st.integers(min(d, 1), d)) for d in dims]
    if rarely(draw):
        part[0] = draw(st.sampled_from((0, dims[0] + 1)))
    starts = rng(draw).integers(-2, 8, len(dims) + rarely(draw, 20))
    operand, out = moved(draw, dims, dtype)
    update = Arg(data(draw, part, dtype), dtype=dtype, scale=out.scale, zero_point=out.zero_point)
    return case("DYNAMIC_UPDATE_SLICE", [operand, update, numbers(draw, starts)], [out])


@conforms("DYNAMIC_UPDATE_SLICE", "int4")
def dynamic_update_slice_int4(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 5, zero=False)
    part = [draw(st.integers(1, d)) for d in dims]
    starts = rng(draw).integers(-2, 8, len(dims))
    operand, out = moved(draw, dims, dtype)
    update, _ = moved(draw, part, dtype)
    return case("DYNAMIC_UPDATE_SLICE", [operand, update, numbers(draw, starts)], [out])
