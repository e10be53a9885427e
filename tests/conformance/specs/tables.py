"""SKIP_GRAM, HASHTABLE_LOOKUP, HASHTABLE, HASHTABLE_IMPORT, HASHTABLE_FIND, HASHTABLE_SIZE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import PLAIN, Draw, rng, shape
from tests.conformance.registry import conforms
from tests.conformance.specs.graphs import graph
from tests.conformance.specs.moving import data, numbers, rarely

_NO_BFLOAT16 = tuple(t for t in PLAIN if t != "bfloat16")


@conforms("SKIP_GRAM", "string")
def skip_gram(draw: Draw, dtype: str) -> Case:
    words = draw(st.lists(st.sampled_from(["a", "bc", "übel", " ", "\t", ""]), max_size=7))
    text = draw(st.sampled_from((" ", "  ", "\n"))).join(words).encode()
    given = np.array([text], object) if dtype == "string" else data(draw, (1,), dtype)
    return case(
        "SKIP_GRAM",
        [Arg(given, dtype=dtype, constant=dtype != "bfloat16" and draw(st.booleans()))],
        [Arg(shape=(1,), dtype="string")],
        ngram_size=draw(st.integers(0 if rarely(draw) else 1, 4)),
        max_skip_size=draw(st.integers(0, 3)),
        include_all_ngrams=draw(st.booleans()),
    )


@conforms("HASHTABLE_LOOKUP", *_NO_BFLOAT16, others=())
def hashtable_lookup(draw: Draw, dtype: str) -> Case:
    keys = sorted(draw(st.sets(st.integers(-20, 20), min_size=1, max_size=12)))
    row = shape(draw, 0, 0 if dtype == "string" else 3, most=20)
    asked = rng(draw).choice([*keys, 25, -25], draw(st.integers(1, 6)))
    if rarely(draw, 20):
        keys = [*keys, 21]
        rows = len(keys) - 1
    else:
        rows = len(keys)
    fixed = draw(st.booleans())
    values = data(draw, (rows, *row), dtype)
    return case(
        "HASHTABLE_LOOKUP",
        [
            numbers(draw, asked, ("int32",)),
            numbers(draw, keys, ("int32",), constant=fixed),
            Arg(values, dtype=dtype, constant=fixed),
        ],
        [Arg(shape=(1,), dtype=dtype), Arg(shape=(1,), dtype="uint8")],
    )


def _strings(r: np.random.Generator, dims: Any) -> np.ndarray:
    out = np.empty(dims, object)
    out[...] = np.array([b"", b"a", b"b", b"key", b"\x00\xff"], object)[r.integers(0, 5, dims)]
    return out


def _table(draw: Draw, label: str, *, op: str) -> Case:
    """Make a table, fill it, and ask it; in the order of the ops, over two invokes."""
    kinds = label.split("-")
    r = rng(draw)

    def some(kind: str, dims: Any) -> np.ndarray:
        made = _strings(r, dims) if kind == "string" else r.integers(-5, 5, dims)
        return made if kind == "string" else np.asarray(made, kind)

    count = draw(st.integers(1, 6))
    keys, values = some(kinds[0], count), some(kinds[1], count)
    asked = some(kinds[0], shape(draw, 1, 2, most=12, zero=False))
    again = some(kinds[0], asked.shape)
    filled = not rarely(draw)
    fixed = draw(st.booleans())
    other = 1 if rarely(draw) else 0
    default = some(kinds[1], (1,))

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        inputs = []

        def table(number: int) -> int:
            handle = b.add_tensor("handle", (1,), "resource")
            types = {"key_dtype": kinds[0], "value_dtype": kinds[1]}
            b.add_op("HASHTABLE", [], [handle], table_id=number, **types)
            return handle

        handle = table(7)
        if filled:
            if fixed:
                pair = [
                    b.add_tensor(data=a, type=t) for a, t in zip((keys, values), kinds, strict=True)
                ]
            else:
                pair = [b.add_tensor(shape=(count,), type=t) for t in kinds]
                inputs.extend(pair)
            b.add_op("HASHTABLE_IMPORT", [handle, *pair], [])
        find = table(7 + other)
        wanted = b.add_tensor("asked", asked.shape, kinds[0])
        inputs.append(wanted)
        found = b.add_tensor("found", asked.shape, kinds[1])
        b.add_op(
            "HASHTABLE_FIND", [find, wanted, b.add_tensor(data=default, type=kinds[1])], [found]
        )
        size = b.add_tensor("size", (1,), "int64")
        b.add_op("HASHTABLE_SIZE", [find], [size])
        if not filled:
            b.add_op(
                "HASHTABLE_IMPORT",
                [
                    handle,
                    *(
                        b.add_tensor(data=a, type=t)
                        for a, t in zip((keys, values), kinds, strict=True)
                    ),
                ],
                [],
            )
        return inputs, [found, size]

    more = [] if fixed or not filled else [keys, values]
    changed = [] if fixed or not filled else [some(kinds[0], count), values]
    note = (keys.tolist(), values.tolist(), asked.tolist(), filled, fixed, other)
    return graph(op, make, [*more, asked], [*changed, again], note=note)


for _op in ("HASHTABLE", "HASHTABLE_IMPORT", "HASHTABLE_FIND", "HASHTABLE_SIZE"):
    _specification: Callable[[Draw, str], Case] = partial(_table, op=_op)
    conforms(_op, "int64-string", "string-int64", others=())(_specification)


@conforms("HASHTABLE", "types", others=())
def hashtable_types(draw: Draw, label: str) -> Case:
    # One pair in three is a table that LiteRT has.
    pairs = [("int64", "string"), ("string", "int64"), ("int32", "string"), ("int64", "int64")]
    key, value = draw(st.sampled_from((*pairs[:2], *pairs[:2], *pairs)))

    def make(b: ModelBuilder) -> tuple[list[int], list[int]]:
        handle = b.add_tensor("handle", (1,), "resource")
        b.add_op("HASHTABLE", [], [handle], table_id=1, key_dtype=key, value_dtype=value)
        size = b.add_tensor("size", (1,), "int64")
        b.add_op("HASHTABLE_SIZE", [handle], [size])
        return [], [size]

    return graph("HASHTABLE", make, [], note=(key, value))
