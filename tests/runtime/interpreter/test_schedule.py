"""The order of nodes and claimed partitions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from litefuse.runtime.interpreter.schedule import Claims
from litefuse.runtime.kernels.base import KernelError

# 0: a = f(x)   1: b = g(x)   2: c = f(b)   3: d = g(a)   4: y = f(c, d)
INPUTS = [(0,), (0,), (2,), (1,), (3, 4)]
OUTPUTS = [(1,), (2,), (3,), (4,), (5,)]


def partition(nodes: tuple[int, ...], outputs: tuple[int, ...]) -> Any:
    return SimpleNamespace(nodes=nodes, inputs=(), outputs=outputs, prepare=None)


def test_the_models_order_without_partitions() -> None:
    assert Claims(INPUTS, OUTPUTS, [5], []).order == [0, 1, 2, 3, 4]


def test_a_node_nobody_claims_moves_past_another() -> None:
    # Node 2 waits for the partition, which waits for node 0 only; node 3 is inside.
    claims = Claims(INPUTS, OUTPUTS, [5], [partition((1, 3), (2, 4))])
    assert claims.order == [0, -1, 2, 4]
    # Node 0 stands behind node 2 in neither; were all free nodes chained, this could not run.
    late = [(2,), (0,), (0,), (1, 3)]
    made = [(1,), (2,), (3,), (4,)]
    assert Claims(late, made, [4], [partition((1,), (2,))]).order == [-1, 0, 2, 3]


def test_free_nodes_in_another_order_than_the_models() -> None:
    # The partition {1, 4} needs node 3 (by 4); node 2 needs the partition: 3 must run before 2.
    inputs = [(0,), (1,), (2,), (0,), (4,)]
    outputs = [(1,), (2,), (3,), (4,), (5,)]
    claims = Claims(inputs, outputs, [3, 5], [partition((1, 4), (2, 5))])
    assert claims.order == [0, 3, -1, 2]


def test_ordered_nodes_keep_their_order() -> None:
    inputs = [(0,), (1,), (2,), (0,), (4,)]
    outputs = [(1,), (2,), (3,), (4,), (5,)]
    with pytest.raises(KernelError, match="wait for each other"):
        Claims(inputs, outputs, [3, 5], [partition((1, 4), (2, 5))], ordered=[2, 3])
    assert Claims([()] * 3, [()] * 3, [], [partition((1,), ())], ordered=[2, 0]).order == [-1, 2, 0]


def test_impossible_claims_are_told() -> None:
    with pytest.raises(KernelError, match="claimed by partitions 0 and 1"):
        Claims(INPUTS, OUTPUTS, [5], [partition((1,), (2,)), partition((1,), (2,))])
    with pytest.raises(KernelError, match="claims node 9 of 5"):
        Claims(INPUTS, OUTPUTS, [5], [partition((9,), ())])
    with pytest.raises(KernelError, match="does not list among its outputs"):
        Claims(INPUTS, OUTPUTS, [5], [partition((1,), ())])
    with pytest.raises(KernelError, match="hides tensors"):
        Claims(INPUTS, OUTPUTS, [5], [partition((4,), ())])
    with pytest.raises(KernelError, match="wait for each other"):
        # A partition of the first and the last node, around what is between them.
        Claims(INPUTS, OUTPUTS, [5], [partition((0, 1, 4), (1, 2, 5))])
