"""What specifications draw: shapes, scales, data.

Shapes and attributes are drawn by Hypothesis, which shrinks them; data is made by NumPy from a
drawn seed, which keeps an example small.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = Callable[..., Any]

FLOATS = ("float32", "float16", "bfloat16", "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
PLAIN = (*FLOATS, *INTEGERS, "bool", "complex64", "string")

seeds = st.integers(0, 2**32 - 1)


def rng(draw: Draw) -> np.random.Generator:
    """A generator of this example's data."""
    return np.random.default_rng(draw(seeds))


def shape(
    draw: Draw,
    low: int = 0,
    high: int = 6,
    *,
    zero: bool = True,
    most: int = 600,
    largest: int = 7,
) -> tuple[int, ...]:
    """A shape of rank `low` to `high` with at most `most` elements; one in eight has a zero
    dimension where `zero` is allowed.
    """
    rank = draw(st.integers(low, high))
    dims: list[int] = []
    room = most
    for _ in range(rank):
        dims.append(draw(st.integers(1, max(1, min(largest, room)))))
        room //= dims[-1]
    if zero and rank and draw(st.integers(0, 7)) == 7:
        dims[draw(st.integers(0, rank - 1))] = 0
    return tuple(dims)


def broadcast_pair(
    draw: Draw, low: int = 0, high: int = 6, *, zero: bool = True
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast with each other (one time in ten they do not)."""
    whole = shape(draw, low, high, zero=zero)
    pair = []
    for _ in range(2):
        keep = draw(st.integers(0, 3))
        dims = list(whole[draw(st.integers(0, len(whole))) :] if keep == 3 else whole)
        if keep >= 1:
            dims = [1 if draw(st.integers(0, 3)) == 3 else d for d in dims]
        pair.append(dims)
    if pair[0] and draw(st.integers(0, 9)) == 9:
        pair[0][draw(st.integers(0, len(pair[0]) - 1))] += 1
    while min(len(p) for p in pair) < low:
        pair = [[1] * (low - len(p)) + p for p in pair]
    return tuple(pair[0]), tuple(pair[1])


def values(
    draw: Draw,
    shape: Sequence[int],
    dtype: str,
    *,
    low: float | None = None,
    high: float | None = None,
    spread: float = 3.0,
    special: bool = False,
) -> np.ndarray:
    """Data of a type: random, or now and then only the type's limits, or all one value.

    `low` and `high` bound it (inclusive); `special` puts infinities, NaN, both zeros and
    subnormals among floats. A bfloat16's data is float32, exact in bfloat16.
    """
    generator = rng(draw)
    kind = draw(st.sampled_from(("random", "random", "random", "limits", "equal")))
    size = tuple(shape)
    if dtype in ("string", "object"):
        words = np.array([b"", b"a", b"litefuse", b"\x00\xff", "fünf".encode()], object)
        out = np.empty(size, object)
        out[...] = words[generator.integers(0, len(words), size)]
        return out
    name = "float32" if dtype == "bfloat16" else dtype
    made = _numbers(generator, kind, size, np.dtype(name), low, high, spread)
    if special and made.dtype.kind == "f" and made.size:
        odd = np.array(
            [np.inf, -np.inf, np.nan, -0.0, 0.0, np.finfo(made.dtype).smallest_subnormal]
        )
        where = generator.random(size) < 0.2
        made = np.where(where, odd.astype(made.dtype)[generator.integers(0, 6, size)], made)
    if dtype == "bfloat16":
        bits = np.ascontiguousarray(made, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        made = bits.view(np.float32).reshape(size)
    return made


def _numbers(
    generator: np.random.Generator,
    kind: str,
    size: tuple[int, ...],
    dtype: np.dtype[Any],
    low: float | None,
    high: float | None,
    spread: float,
) -> np.ndarray:
    if dtype.kind == "b":
        return np.asarray(generator.integers(0, 2, size), bool)
    if dtype.kind == "c":
        made = generator.standard_normal(size) + 1j * generator.standard_normal(size)
        return np.asarray(made * spread, dtype)
    if dtype.kind == "f":
        a = -4 * spread if low is None else low
        b = max(4 * spread, a) if high is None else high
        if kind == "limits":
            real = np.asarray(generator.choice([a, b], size))
        elif kind == "equal":
            real = np.full(size, generator.uniform(a, b))
        elif low is None and high is None:
            real = np.asarray(generator.standard_normal(size) * spread)
        else:
            real = np.asarray(generator.uniform(a, b, size))
        with np.errstate(over="ignore"):  # a float16's infinity is a value too
            return real.astype(dtype)
    info = np.iinfo(dtype)
    wide = dtype.itemsize > 2
    a = int(max(info.min, -1000) if wide else info.min) if low is None else int(low)
    b = int(min(info.max, 1000) if wide else info.max) if high is None else int(high)
    if kind == "limits":
        return np.asarray(generator.choice(np.array([a, b], dtype), size), dtype)
    if kind == "equal":
        return np.full(size, generator.integers(a, b, endpoint=True), dtype)
    return np.asarray(generator.integers(a, b, size, endpoint=True)).astype(dtype)


def float32(value: float) -> float:
    """The nearest float32, as the file stores it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def scale(draw: Draw, low: float | None = None, high: float | None = None) -> float:
    """A quantisation scale 2**e with e between `low` and `high`, not only whole powers.

    By default e is from -7 to 1, and one time in six from -19 to 9.
    """
    far = (low is None or high is None) and draw(st.integers(0, 5)) == 4
    low = (-19.0 if far else -7.0) if low is None else low
    high = (9.0 if far else 1.0) if high is None else high
    return float32(2.0 ** draw(st.floats(low, high)))


def quantization(draw: Draw, dtype: str, *, symmetric: bool = False) -> dict[str, Any]:
    """`scale=` and `zero_point=` of an `Arg` for int8, uint8, int16; nothing for other types."""
    if dtype == "int16":
        return {"scale": scale(draw), "zero_point": 0}
    if dtype not in ("int8", "uint8"):
        return {}
    info = np.iinfo(dtype)
    middle = 128 if dtype == "uint8" else 0
    point = middle if symmetric else draw(st.integers(int(info.min), int(info.max)))
    return {"scale": scale(draw), "zero_point": point}


def axis(draw: Draw, rank: int) -> int:
    """An axis of a tensor of this rank, from either end; 0 for rank 0."""
    return draw(st.integers(-rank, rank - 1)) if rank else 0
