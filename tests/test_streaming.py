"""Streaming models keep LiteRT's state: over 100 invokes, after a reset, two of them interleaved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from litefuse.cli.compare import difference
from tests.conftest import SHARED
from tests.networks.process import Child
from tests.networks.streaming import feeds, give, in_litert, interpreter, step, streaming_files
from tests.networks.walk import Array, Tensors, walk

INVOKES, RESET = 100, 70
# A part of a float output's range, after all nodes and invokes; each node's own bound is `walk`'s.
DRIFT = 1e-4
# LiteRT's kernels abort on it, whatever it is fed: its state is int8, which they write as int16.
ABORTS = "tflm-keyword-scrambled-8bit"
# It quantises floats at run time: the last bit of a float may be a step of what comes after.
HYBRID = "dfnet2-stateful-dynamic"
CI = ("mww-vad", "mww-py-okay-nabu", "lyragan", "litert-lstm", "tflm-trained-lstm-int8")


def files() -> list[str]:
    if not (SHARED / "models").is_dir():
        return []
    found = [p for p in streaming_files(SHARED / "models") if p.stem != ABORTS]
    if os.environ.get("LITEFUSE_FULL") != "1":
        found = [p for p in found if p.stem in CI]
    return [f"{p.parent.name}/{p.name}" for p in found]


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    found = Child(tmp_path_factory.getbasetemp() / "litefuse-cache", timeout=300)
    yield found
    found.close()


def assert_alike(name: str, got: list[Array], want: list[Array]) -> None:
    for mine, theirs in zip(got, want, strict=True):
        assert mine.dtype == theirs.dtype
        if theirs.dtype.kind != "f":
            np.testing.assert_array_equal(mine, theirs)
        elif HYBRID not in name:
            assert difference(mine, theirs).relative <= DRIFT


NAMES = files() or [pytest.param("", marks=pytest.mark.skip("no corpus"))]


@pytest.mark.parametrize("name", NAMES)
def test_invokes_and_a_reset(name: str, corpus: Path, child: Child) -> None:
    stream = feeds(corpus / name, 0, INVOKES + 20)
    stream[RESET : RESET + 5] = stream[:5]
    want = in_litert(child, corpus / name, stream, resets=(RESET,), tensors=True)
    assert want.stage == "done", want.error
    plain, walked = interpreter(corpus / name), interpreter(corpus / name)
    for i, arrays in enumerate(stream):
        if i == RESET:
            plain.reset_all_variables()
            walked.reset_all_variables()
        assert_alike(name, step(plain, arrays), want.outputs[i])
        give(walked, arrays)
        found = walk(walked, want.tensors[i])
        assert not found.beyond, f"invoke {i}: {found.beyond[:3]}"
    # Resource variables live through a reset; variable tensors do not, and then the stream repeats.
    again = [same(want.tensors[i], want.tensors[RESET + i]) for i in range(5)]
    handles = any(op.name == "VAR_HANDLE" for op in plain.model.subgraphs[0].operators)
    assert all(again) != handles


def same(one: Tensors, other: Tensors) -> bool:
    return all(np.array_equal(array, other[key]) for key, array in one.items())


@pytest.mark.parametrize("name", NAMES)
def test_two_interleaved(name: str, corpus: Path, child: Child) -> None:
    streams = [feeds(corpus / name, seed, 30) for seed in (1, 1000)]
    wants = [in_litert(child, corpus / name, stream) for stream in streams]
    ours = [interpreter(corpus / name) for _ in streams]
    for i in range(30):
        for one, stream, want in zip(ours, streams, wants, strict=True):
            assert_alike(name, step(one, stream[i]), want.outputs[i])
