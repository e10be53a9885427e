"""The example delegate does what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.elsewhere import python

EXAMPLE = ROOT / "examples" / "numba_delegate.py"


def test_the_delegate_is_under_forty_lines() -> None:
    text = EXAMPLE.read_text()
    start, end = text.index("LOWEST"), text.index("def run")
    assert text[start:end].count("\n") < 40


@pytest.mark.parametrize("inside", ["chain", "network"])
def test_it_agrees_with_the_interpreter(inside: str, chain: bytes, tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(chain)
    if inside == "network":
        model = ROOT / "litefuse" / "data" / "digits_float32.tflite"
    done = python(f"import runpy, sys; sys.argv = ['x', {str(model)!r}]; runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')")  # fmt: skip
    assert done.returncode == 0, done.stderr
    count = 3 if inside == "chain" else 1
    assert f"{count} ADD nodes in Numba; outputs agree exactly" in done.stdout
