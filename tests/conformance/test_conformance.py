"""Every op in every type against LiteRT: 20 examples a row, 200 with LITEFUSE_FULL=1."""

from __future__ import annotations

import os

import pytest

from litefuse.runtime.kernels import KERNELS
from tests.conformance.registry import Row, rows
from tests.conformance.run import run_row

pytest.importorskip("ai_edge_litert", reason="LiteRT is the oracle, and is not installed")

EXAMPLES = 200 if os.environ.get("LITEFUSE_FULL") else 20


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_row(row: Row) -> None:
    run_row(row, EXAMPLES)


def test_every_op_has_a_specification() -> None:
    assert {row.op for row in rows() if not row.refused} >= set(KERNELS)
