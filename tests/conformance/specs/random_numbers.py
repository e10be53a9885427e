"""RANDOM_UNIFORM, RANDOM_STANDARD_NORMAL, MULTINOMIAL, STABLEHLO_RNG_BIT_GENERATOR.

Always with a seed: without one LiteRT draws it from the clock. No negative sizes: LiteRT dies.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.conformance.case import Arg, Case, case
from tests.conformance.draw import Draw, rng, shape, values
from tests.conformance.registry import conforms
from tests.conformance.specs.weighted import flaw

KEYS = st.integers(1, 2**31 - 1) | st.integers(2**32, 2**63 - 1).map(lambda n: n | 1)


def _random(draw: Draw, op: str, dtype: str) -> Case:
    broken = flaw(draw, "shape type", "shape rank")
    size = [*shape(draw, 0, 5), 2]  # of an odd number of normal ones LiteRT writes one past the end
    wanted = np.array(size, "int16" if broken == "shape type" else "int32")
    if broken == "shape rank":
        wanted = draw(st.sampled_from((wanted[-1:].reshape(()), wanted[None])))
    constant = draw(st.booleans())
    return case(
        op,
        [Arg(wanted, constant=constant)],
        [Arg(shape=(1,), dtype=dtype)],
        steps=[[] if constant else [wanted] for _ in range(draw(st.integers(1, 3)))],
        seed=draw(KEYS),
        seed2=draw(KEYS | st.just(0)),
    )


@conforms("RANDOM_UNIFORM", "float32")
def uniform(draw: Draw, dtype: str) -> Case:
    return _random(draw, "RANDOM_UNIFORM", dtype)


@conforms("RANDOM_STANDARD_NORMAL", "float32")
def normal(draw: Draw, dtype: str) -> Case:
    return _random(draw, "RANDOM_STANDARD_NORMAL", dtype)


@conforms("MULTINOMIAL", "int32", "int64")
def multinomial(draw: Draw, dtype: str) -> Case:
    broken = flaw(
        draw, "logits rank", "logits type", "count type", "count rank", "negative", "none"
    )
    batch, classes = draw(st.integers(0, 3)), draw(st.integers(1, 6))
    size = (batch, 0 if broken == "none" else classes)
    if broken == "logits rank":
        size = draw(st.sampled_from((size[1:], (1, *size))))
    kind = draw(st.sampled_from(("float64", "int32"))) if broken == "logits type" else "float32"
    logits = values(draw, size, kind, special=draw(st.booleans()))
    count = np.array(-1 if broken == "negative" else draw(st.integers(0, 9)))
    count = count.astype("int64" if broken == "count type" else "int32")
    if broken == "count rank":
        count = count.reshape(1)
    constant, known = draw(st.booleans()), draw(st.integers(0, 3)) == 3
    feeds = [a for a, given in ((logits, known), (count, constant)) if not given]
    return case(
        "MULTINOMIAL",
        [Arg(logits, constant=known), Arg(count, constant=constant)],
        [Arg(shape=(1, 1), dtype=dtype)],
        steps=[feeds for _ in range(draw(st.integers(1, 3)))],
        seed=draw(KEYS),
        seed2=draw(KEYS | st.just(0)),
    )


@conforms("STABLEHLO_RNG_BIT_GENERATOR", "int32", "int64", "uint32", "uint64")
def rng_bit_generator(draw: Draw, dtype: str) -> Case:
    broken = flaw(draw, "state size", "state type", "state rank", "next state", "algorithm")
    algorithm = draw(st.sampled_from(("DEFAULT", "PHILOX", "THREEFRY")))
    words = 3 if draw(st.booleans()) and algorithm != "THREEFRY" else 2
    if broken == "state size":
        words = draw(st.sampled_from((1, 4)))
    if broken == "algorithm":
        algorithm, words = "THREEFRY", 3
    state = rng(draw).integers(0, 2**64, words, np.uint64)
    if draw(st.booleans()) and words > 1:
        state[1] |= np.uint64(0xFFFFFFFF)  # the counter carries
    if broken == "state type":
        state = state.astype(np.int64)
    if broken == "state rank":
        state = state[None]
    after = (words + 1,) if broken == "next state" else state.shape
    return case(
        "STABLEHLO_RNG_BIT_GENERATOR",
        [Arg(state)],
        [Arg(shape=after, dtype=str(state.dtype)), Arg(shape=shape(draw, 0, 5), dtype=dtype)],
        algorithm=algorithm,
    )
