"""The `.mlir` files of this folder are tests, and no pass is without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ir_harness import ROOT, find_pass, pass_modules, run_file

FOLDER = ROOT / "tests" / "passes"


@pytest.fixture(autouse=True)
def _reproducers_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures that a test asks for leave their reproducers in its own folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mlir")), ids=lambda p: p.stem)
def test_file(path: Path) -> None:
    run_file(path)


@pytest.mark.parametrize("name", pass_modules())
def test_every_pass_has_a_test(name: str) -> None:
    wanted = [FOLDER / f"test_{name}.py", FOLDER / f"{name}.mlir"]
    assert any(p.exists() for p in wanted), f"neither of {[p.name for p in wanted]}"
    assert find_pass(name).summary
