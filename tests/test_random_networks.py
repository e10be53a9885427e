"""Random graphs of compiled operators inside LiteRT: one partition, and the reference's results.

What single operators cannot show: who puts cells around whose tensor, what fuses into what, which
memory is used twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litefuse.runtime.model.build import ModelBuilder
from tests.networks.job import Answer, Job
from tests.networks.judge import differences
from tests.networks.process import Child
from tests.networks.random_graph import RandomGraph


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    found = Child(tmp_path_factory.getbasetemp() / "litefuse-cache")
    yield found
    found.close()


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@given(data=st.data())
def test_a_random_graph(child: Child, int8: bool, data: Any) -> None:
    check(child, RandomGraph(data.draw, int8).random(data.draw(st.integers(1, 8))), int8)


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@settings(max_examples=max(6, settings().max_examples // 10))
@given(data=st.data())
def test_cells_around_tensors(child: Child, int8: bool, data: Any) -> None:
    check(child, RandomGraph(data.draw, int8).cells(), int8)


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@given(data=st.data())
def test_what_is_left_over(child: Child, int8: bool, data: Any) -> None:
    """Any nodes may stay with the interpreter, LiteRT's or ours."""
    content = RandomGraph(data.draw, int8).random(data.draw(st.integers(2, 7)))
    want = child.run(Job(content, "litert", runs=1))
    denied = data.draw(st.lists(st.integers(0, want.nodes - 1), min_size=1, max_size=4))
    for who in ("litefuse", "own"):
        job = Job(content, who, cases=want.cases, options={"deny_nodes": denied})
        got = child.run(job)
        assert (got.stage, got.error) == ("done", "")
        assert got.claimed == want.nodes - len(set(denied))
        judge(got, want)


def check(child: Child, content: bytes, int8: bool) -> None:
    """All of it is one partition with the reference's results."""
    want = child.run(Job(content, "litert", runs=2, limits=int8))
    assert want.stage == "done", want.error
    for threads in (1, 2):
        got = child.run(Job(content, "litefuse", threads=threads, cases=want.cases))
        assert (got.stage, got.error, got.warnings) == ("done", "", [])
        assert (got.claimed, got.partitions) == (got.nodes, 1), got.refused
        judge(got, want)


def judge(got: Answer, want: Answer) -> None:
    """Integers in every bit, floats within 1e-5."""
    for case, output, kind, found in differences(got, want):
        # Sums that cancel leave a small range, and the rounding of what they summed.
        good = min(found.relative, found.max) <= 1e-5 if kind == "f" else found.unequal == 0
        assert good, f"{case}, output {output}: {found}"


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
def test_an_int8_constant_by_channel_behind_a_convolution(child: Child, op: str) -> None:
    b = ModelBuilder()
    rng = np.random.default_rng(0)
    x = b.add_tensor("x", (1, 5, 5, 3), "INT8", scale=0.02, zero_point=3)
    w = b.add_tensor("w", data=rng.integers(-127, 128, (5, 3, 3, 3)).astype(np.int8), scale=0.01)
    bias = b.add_tensor("b", data=rng.integers(-999, 999, 5).astype(np.int32), scale=0.0002)
    y = b.add_tensor("y", (1, 5, 5, 5), "INT8", scale=0.1, zero_point=-5)
    c = b.add_tensor("c", data=rng.integers(-128, 128, 5).astype(np.int8), scale=0.05)
    z = b.add_tensor("z", (1, 5, 5, 5), "INT8", scale=0.2, zero_point=7)
    b.add_op("CONV_2D", [x, w, bias], [y], padding="SAME", stride_w=1, stride_h=1)
    b.add_op(op, [y, c], [z])
    check(child, b.finish_bytes([x], [z]), int8=True)
