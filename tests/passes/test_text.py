"""Runs the `.mlir` files of this folder: text in, passes, text checked. Every tensor pass has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from litefuse.passes.pipeline import TENSOR_PASSES
from tests.ir_harness import run_file

FILES = sorted(Path(__file__).parent.glob("*.mlir"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(path: Path) -> None:
    run_file(path)


def test_every_pass_has_a_file() -> None:
    assert {p.name for p in TENSOR_PASSES} <= {path.stem for path in FILES}
