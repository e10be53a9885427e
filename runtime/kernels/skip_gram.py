"""SKIP_GRAM: n-grams of a sentence's words, with up to so many words skipped between two."""

from __future__ import annotations

import numpy as np

from litefuse.runtime.kernels.base import (
    Array,
    Kernel,
    NodeContext,
    Shape,
    require_dtype,
    require_inputs,
)


def prepare(ctx: NodeContext) -> list[Shape | None]:
    """Known only when it runs."""
    require_inputs(ctx, 1)
    require_dtype(ctx, ctx.input(0), "object")
    require_dtype(ctx, ctx.outputs[0], "object")
    return [None]


def _words(text: bytes) -> list[bytes]:
    """Split at C's spaces. As LiteRT does: the first character is never a separator."""
    words = []
    start = 0
    for i in range(1, len(text)):
        if text[i : i + 1].isspace():
            if i > start and not text[start : start + 1].isspace():
                words.append(text[start:i])
            start = i + 1
    if len(text) > start:
        words.append(text[start:])
    return words


def evaluate(ctx: NodeContext) -> list[Array]:
    """The n-grams, longer ones before their own beginnings."""
    first = ctx.data(0).ravel()[0]
    text = first.encode() if isinstance(first, str) else bytes(first)
    size = int(ctx.option("ngram_size", 0))
    skip = int(ctx.option("max_skip_size", 0))
    every = bool(ctx.option("include_all_ngrams", False))
    words = _words(text)
    grams: list[bytes] = []

    def extend(chosen: list[int]) -> None:
        if len(chosen) < size:
            limit = min(len(words), chosen[-1] + skip + 2)
            for following in range(chosen[-1] + 1, limit):
                extend([*chosen, following])
        if every or len(chosen) == size:
            grams.append(b" ".join(words[i] for i in chosen))

    if len(words) >= size > 0:
        for start in range(len(words)):
            extend([start])
    out = np.empty(len(grams), object)
    out[:] = grams
    return [out]


KERNELS = (Kernel("SKIP_GRAM", prepare, evaluate),)
