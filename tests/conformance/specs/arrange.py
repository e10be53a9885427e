"""TRANSPOSE, PACK, UNPACK, TILE, BROADCAST_TO, BROADCAST_ARGS, REVERSE_V2, REVERSE_SEQUENCE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, axis, broadcast_pair, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.moving import data, integers, moved, numbers, rarely, size

_FLOATS = ("float32", "float16", "bfloat16")
_NO_STRINGS = tuple(t for t in PLAIN if t != "string")


@conforms("TRANSPOSE", *_NO_STRINGS)
def transpose(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 1)  # without dimensions LiteRT writes nothing
    order = list(draw(st.permutations(range(len(dims)))))
    if rarely(draw, 4):
        order = [a - len(dims) if draw(st.booleans()) else a for a in order]
    if order and rarely(draw):  # an axis twice would read past the tensor
        order[0] = draw(st.sampled_from((len(dims), -len(dims) - 1)))
    if rarely(draw, 20):
        order = order[1:]
    operand, out = moved(draw, dims, dtype)
    return case("TRANSPOSE", [operand, numbers(draw, order, ("int32",))], [out])


@conforms("TRANSPOSE", "int4", "uint4")
def transpose_int4(draw: Draw, dtype: str) -> Case:
    dims = shape(draw, 1, 6, zero=False)
    order = draw(st.permutations(range(len(dims))))
    operand, out = moved(draw, dims, dtype)
    return case("TRANSPOSE", [operand, numbers(draw, order, ("int32",))], [out])


@conforms("PACK", "float32", "int8", "uint8", "int16", "int32", "uint32", "int64")
def pack(draw: Draw, dtype: str) -> Case:
    dims = size(draw, most=100)
    count = draw(st.integers(1, 4))
    along = axis(draw, len(dims) + 1)
    if rarely(draw):
        along += draw(st.sampled_from((-len(dims) - 1, len(dims) + 1)))
    first, out = moved(draw, dims, dtype)
    others = [
        Arg(data(draw, dims, dtype), dtype=dtype, scale=first.scale, zero_point=first.zero_point)
        for _ in range(count - 1)
    ]
    if others and not rarely(draw) and dtype == "string" and not dims:
        others = [first] * (count - 1)
    if others and rarely(draw):
        others[-1].data = data(draw, (*dims, 2), dtype)
    if others and first.scale is not None and rarely(draw):
        others[-1].scale = 3.0
    stated = count + rarely(draw)
    return case("PACK", [first, *others], [out], axis=along, values_count=stated)


@conforms("UNPACK", *_FLOATS, "int8", "uint8", "int16", "int32", "bool")
def unpack(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1)
    along = axis(draw, len(dims))
    if rarely(draw):
        along += draw(st.sampled_from((-len(dims), len(dims))))
    count = dims[along] if -len(dims) <= along < len(dims) else 1
    count += rarely(draw)
    operand, out = moved(draw, dims, dtype)
    outs = [Arg(shape=(1,), dtype=dtype, scale=out.scale, zero_point=out.zero_point)] * count
    if len(outs) > 1 and out.scale is not None and rarely(draw):
        outs[-1] = Arg(shape=(1,), dtype=dtype, scale=3.0, zero_point=out.zero_point)
    return case("UNPACK", [operand], outs, axis=along, num=count + rarely(draw, 20))


@conforms("TILE", *PLAIN)
def tile(draw: Draw, dtype: str) -> Case:
    dims = size(draw, most=60)
    times = integers(draw, len(dims), 0 if rarely(draw, 4) else 1, 3)
    if len(times) > 5:
        times[3:] = [min(t, 1) for t in times[3:]]
    if times and rarely(draw, 20):
        times = times[1:]
    if times and rarely(draw, 20):
        times[0] = -1
    operand, out = moved(draw, dims, dtype)
    return case("TILE", [operand, numbers(draw, times)], [out])


@conforms("BROADCAST_TO", *_NO_STRINGS)
def broadcast_to(draw: Draw, dtype: str) -> Case:
    whole = size(draw)
    dims = [1 if draw(st.booleans()) else d for d in whole]
    dims = dims[draw(st.integers(0, len(dims))) :]
    if dims and rarely(draw):
        dims[0] += 1
    wanted = list(whole)
    if wanted and rarely(draw, 20):
        wanted = wanted[1:]
    operand, out = moved(draw, dims, dtype)
    return case("BROADCAST_TO", [operand, numbers(draw, wanted)], [out])


@conforms("BROADCAST_ARGS", "int32", "int64")
def broadcast_args(draw: Draw, dtype: str) -> Case:
    args = []
    for dims in broadcast_pair(draw):
        given = data(draw, (len(dims),), dtype)
        if given.dtype.kind in "iu":
            given = np.array(dims, given.dtype)
        if rarely(draw, 20):
            given = given.reshape(1, -1)
        args.append(Arg(given, dtype=dtype, constant=dtype != "bfloat16" and draw(st.booleans())))
    return case("BROADCAST_ARGS", args, [Arg(shape=(1,), dtype=dtype)])


@conforms("REVERSE_V2", *_FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool")
def reverse(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 0 if rarely(draw) else 1)
    first = axis(draw, len(dims))
    count = draw(st.integers(1, max(1, len(dims))))
    axes = list(range(first, first + count)) if rarely(draw, 3) else [first]
    if min(axes) >= 0 and max(axes) < len(dims):
        axes = list(draw(st.permutations(axes)))
    if rarely(draw):
        axes[-1] = draw(st.integers(-len(dims) - 1, len(dims)))
    operand, out = moved(draw, dims, dtype)
    return case("REVERSE_V2", [operand, numbers(draw, axes, ("int32",))], [out])


@conforms("REVERSE_SEQUENCE", "float32", "uint8", "int16", "int32", "int64")
def reverse_sequence(draw: Draw, dtype: str) -> Case:
    dims = size(draw, 2)
    batch, sequence = draw(st.permutations(range(len(dims))))[:2]
    count, longest = dims[batch], dims[sequence]
    if rarely(draw):
        batch = draw(st.sampled_from((sequence, -1, len(dims))))
    if rarely(draw):
        sequence = draw(st.sampled_from((-1, len(dims))))
    # A length beyond the axis reads what lies behind the tensor.
    lengths = rng(draw).integers(0, longest + 1, count + rarely(draw))
    operand, out = moved(draw, dims, dtype)
    return case(
        "REVERSE_SEQUENCE",
        [operand, numbers(draw, lengths)],
        [out],
        seq_dim=sequence,
        batch_dim=batch,
    )
