"""Damaged files: each gives a model or a ModelError, quickly and without large allocations.

About 1500 damaged files by default; with LITEFUSE_FULL=1 more than 10 000.
"""

from __future__ import annotations

import random
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litefuse.runtime.model import Model, ModelError, read_model, write_model
from tests.runtime.model.samples import FULL, rich_model

PER_KIND = 2000 if FULL else 280
HANG_SECONDS = 120  # a file of this corpus takes milliseconds; then reading it does not end


def memory_bound(size: int) -> int:
    """Bytes that reading may allocate, besides the file: objects are bounded by its size."""
    return (4 << 20) + 60 * size


def outcome(ask: Callable[[], Any]) -> Any:
    """The answer, or the ModelError in its place; any other exception fails the test."""
    try:
        return ask()
    except ModelError as error:
        return error


def try_reading(content: bytes) -> bool:
    """Whether the content is a model; fails on anything but a model or a ModelError."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]  # what the test harness itself holds
    signal.alarm(HANG_SECONDS)
    model = outcome(lambda: read_model(content))
    if isinstance(model, Model):
        for tensor in (t for graph in model.subgraphs for t in graph.tensors):
            outcome(lambda tensor=tensor: model.tensor_data(tensor))
    else:
        assert model.problem
        assert model.remedy in str(model)
        assert model.table
    assert tracemalloc.get_traced_memory()[1] - before < memory_bound(len(content))
    signal.alarm(0)
    return isinstance(model, Model)


@pytest.fixture(scope="module")
def originals(corpus: Path) -> list[bytes]:
    """Small files of every kind: mutations of a large one would mostly hit its weights."""
    paths = [p for folder in ("graphs", "networks", "odd") for p in (corpus / folder).iterdir()]
    small = sorted(
        (p for p in paths if p.suffix == ".tflite"), key=lambda p: (p.stat().st_size, p.name)
    )
    chosen = [p.read_bytes() for p in small[:150]] + [p.read_bytes() for p in small[150:330:6]]
    return [*chosen, rich_model()]


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    def hang(*_: object) -> None:
        raise TimeoutError(f"reading one file takes more than {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    tracemalloc.start()
    yield
    tracemalloc.stop()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def structure(content: bytes, rng: random.Random) -> int:
    """A place that is likely to be structure rather than weights: half the time near an end."""
    span = min(len(content), 4096)
    choice = rng.random()
    if choice < 0.35:
        return rng.randrange(span)
    if choice < 0.7:
        return len(content) - 1 - rng.randrange(span)
    return rng.randrange(len(content))


def flip_bits(content: bytes, rng: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        out[structure(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def overwrite_words(content: bytes, rng: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(rng.choice((1, 2, 5))):
        value = rng.choice(
            (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, rng.getrandbits(32), rng.randrange(256))
        )
        place = structure(content, rng) // 4 * 4
        out[place : place + 4] = struct.pack("<I", value)
    return bytes(out)


def swap_words(content: bytes, rng: random.Random) -> bytes:
    """Copy one word of the file over another: offsets that lead to the wrong, existing place."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 3))):
        a, b = (structure(content, rng) // 4 * 4 for _ in range(2))
        out[a : a + 4] = content[b : b + 4]
    return bytes(out)


def cut_out(content: bytes, rng: random.Random) -> bytes:
    begin = structure(content, rng)
    return content[:begin] + content[begin + rng.randrange(1, 64) :]


@pytest.mark.parametrize("mutate", [flip_bits, truncate, overwrite_words, swap_words, cut_out])
def test_mutated_files(mutate: object, originals: list[bytes]) -> None:
    rng = random.Random(f"{mutate.__name__}")  # type: ignore[attr-defined]
    good = 0
    for number in range(PER_KIND):
        content = originals[number % len(originals)]
        damaged = mutate(content, rng)  # type: ignore[operator]
        good += try_reading(damaged)
    if mutate is not truncate:
        assert 0 < good < PER_KIND  # the mutations are neither harmless nor all fatal


RICH = rich_model()
EDITS = st.lists(
    st.tuples(st.integers(0, len(RICH) // 2 - 2), st.integers(0, 0xFFFF)), min_size=1, max_size=6
)


@settings(max_examples=1200 if FULL else 120)
@given(EDITS, st.integers(0, 40))
def test_drawn_edits(edits: list[tuple[int, int]], cut: int) -> None:
    out = bytearray(RICH)
    for place, value in edits:
        struct.pack_into("<H", out, 2 * place, value)
    try_reading(bytes(out[: len(out) - cut]))


@settings(max_examples=500 if FULL else 60)
@given(st.binary(max_size=300))
def test_drawn_bytes(content: bytes) -> None:
    assert not try_reading(content)
    assert not try_reading(struct.pack("<I", 12) + b"TFL3" + content)


def test_every_single_byte_of_a_small_model() -> None:
    """Each byte set to 0, 255 and one more: what reads can be written and read again."""
    step = 1 if FULL else 9
    for place in range(0, len(RICH), step):
        for value in (0, 255, (RICH[place] + 1) % 256):
            out = bytearray(RICH)
            out[place] = value
            if try_reading(bytes(out)):
                model = read_model(bytes(out))
                assert read_model(write_model(model)) == model
