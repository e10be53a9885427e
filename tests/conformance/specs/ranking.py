"""ARG_MAX, ARG_MIN, TOPK_V2, CUMSUM."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, axis, quantization, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw


def _axis(draw: Draw, rank: int, broken: str | None) -> Arg:
    along = axis(draw, rank)
    if broken == "axis":
        along = draw(st.sampled_from((rank, -rank - 1)))
    kind = draw(st.sampled_from(("int32", "int64")))
    data = np.array(along, "int16" if broken == "axis type" else kind)
    if draw(st.booleans()):
        data = data.reshape(1)
    if broken == "axes":
        data = np.array([along, along], data.dtype)
    return Arg(data, constant=draw(st.booleans()))


def _ties(draw: Draw, size: tuple[int, ...], dtype: str, *, special: bool = False) -> np.ndarray:
    """Data of which much is equal."""
    if dtype in ("string", "bool", "complex64") or draw(st.booleans()):
        return values(draw, size, dtype, special=special)
    return values(draw, size, dtype, low=0 if dtype.startswith("u") else -1, high=2)


def _arg(draw: Draw, op: str, dtype: str) -> Case:
    broken = flaw(draw, "axis", "axis type", "axes", "scalar")
    size = () if broken == "scalar" else shape(draw, 1, 8)
    # The output's type is the option's: LiteRT replaces another.
    kind = draw(st.sampled_from(("INT32", "INT64")))
    along = _axis(draw, len(size), broken)
    x = _ties(draw, size, dtype, special=True)
    assert along.data is not None
    place = int(along.data.flat[0])
    if dtype == "float32" and -x.ndim <= place < x.ndim:
        place %= x.ndim
        if size[place] >= 4 and all(d == 1 for d in size[place + 1 :]):
            x = np.where(np.isnan(x), np.float32(1), x)  # the CPU's vector instructions order NaN
    return case(
        op,
        [Arg(x, dtype=dtype, **quantization(draw, dtype)), along],
        [Arg(shape=(1,), dtype=kind.lower())],
        output_type=kind,
    )


@conforms("ARG_MAX", "float32", "int8", "uint8", "int32", "bool")
def arg_max(draw: Draw, dtype: str) -> Case:
    return _arg(draw, "ARG_MAX", dtype)


@conforms("ARG_MIN", "float32", "int8", "uint8", "int32", "bool")
def arg_min(draw: Draw, dtype: str) -> Case:
    return _arg(draw, "ARG_MIN", dtype)


@conforms("TOPK_V2", "float32", "int8", "uint8", "int16", "int32", "int64")
def topk(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "k", "k type", "k shape", "index type", "output type", "scalar")
    size = () if broken == "scalar" else shape(draw, 1, 8)
    last = size[-1] if size else 1
    k = draw(st.integers(0, last))
    if broken == "k":
        k = draw(st.sampled_from((last + 1, -1)))
    kind = draw(st.sampled_from(("int32", "int16")))
    data = np.array(k, "int64" if broken == "k type" else kind)
    if draw(st.booleans()):
        data = data.reshape(1)
    if broken == "k shape":
        data = np.array([k, k], data.dtype)
    q = quantization(draw, dtype)
    made = "float32" if broken == "output type" and dtype != "float32" else dtype
    x = _ties(draw, size, dtype, special=True)
    if dtype == "float32":
        x = np.where(np.isnan(x), np.float32(1), x)  # LiteRT's sort has no order for NaN
    places = draw(st.sampled_from(("int32", "int16")))
    return case(
        "TOPK_V2",
        [
            Arg(x, dtype=dtype, **q),
            Arg(data, constant=draw(st.booleans())),
        ],
        [
            Arg(shape=(1,), dtype=made, **(q if made == dtype else {})),
            Arg(shape=(1,), dtype="int64" if broken == "index type" else places),
        ],
    )


@conforms("CUMSUM", "float32", "int32", "int64")
def cumsum(draw: Draw, dtype: str) -> Case:
    # LiteRT does not look at the output's type, and writes the input's into whatever memory there
    # is.
    broken = flaw(draw, "axis", "axis type", "axes", "scalar")
    size = () if broken == "scalar" else shape(draw, 1, 8)
    along = _axis(draw, len(size), broken)
    assert along.data is not None
    if along.data.dtype != np.int16:
        along.data = along.data.astype("int32")
    return case(
        "CUMSUM",
        [Arg(values(draw, size, dtype), dtype=dtype), along],
        [Arg(shape=(1,), dtype=dtype)],
        exclusive=draw(st.booleans()),
        reverse=draw(st.booleans()),
    )
