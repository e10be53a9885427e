"""Inputs for a model that was given none: random with a seed, or at the limits of their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Details = Mapping[str, Any]
LIMITS = ("lowest", "highest", "alternating", "zero")


def shape_of(detail: Details) -> tuple[int, ...]:
    """The input's shape with a 1 for each dimension that the model leaves open or empty."""
    return tuple(max(int(size), 1) for size in detail["shape"])


def random_inputs(details: Sequence[Details], seed: int) -> list[NDArray[Any]]:
    """One array an input, drawn from ``default_rng(seed)`` in the order of the inputs.

    Floats are uniform in -1..1, the range that image networks are fed with; integers of up to 16
    bits take every value of their type; wider ones, which are mostly indices, 0..99.
    """
    rng = np.random.default_rng(seed)
    return [_random(np.dtype(detail["dtype"]), shape_of(detail), rng) for detail in details]


def limit_inputs(details: Sequence[Details], kind: str) -> list[NDArray[Any]]:
    """Inputs all ``lowest``, all ``highest``, ``alternating`` between the two, or all ``zero``.

    Floats have -1 and 1 as their limits: the ends of the range that `random_inputs` draws from.
    """
    return [_limit(np.dtype(detail["dtype"]), shape_of(detail), kind) for detail in details]


def cases(
    details: Sequence[Details], seed: int, runs: int, limits: bool
) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """``runs`` named random cases (seeds ``seed``, ``seed + 1``, ...), then those at the limits."""
    for i in range(runs):
        yield f"seed {seed + i}", random_inputs(details, seed + i)
    if limits:
        for kind in LIMITS:
            yield kind, limit_inputs(details, kind)


def _random(dtype: np.dtype[Any], shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    if dtype.kind == "f":
        return rng.uniform(-1.0, 1.0, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.uniform(-1, 1, shape) + 1j * rng.uniform(-1, 1, shape)).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        if dtype.itemsize > 2:
            return rng.integers(0, 100, shape).astype(dtype)
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    words = [f"text {n}".encode() for n in rng.integers(0, 1000, int(np.prod(shape)))]
    return np.array(words, dtype=object).reshape(shape)


def _limit(dtype: np.dtype[Any], shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    elif dtype.kind in "fc":
        low, high = -1, 1
    elif dtype.kind in "iub":
        low, high = 0, 1
    else:
        return _random(dtype, shape, np.random.default_rng(0))
    if kind == "alternating":
        ends = np.array([low, high], dtype)
        return np.resize(ends, shape)
    return np.full(shape, {"lowest": low, "highest": high, "zero": 0}[kind], dtype)
