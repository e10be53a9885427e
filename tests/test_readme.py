"""The README is true: its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from litefuse.cli import COMMANDS, digits
from tests.layout import ROOT

README = (ROOT / "README.md").read_text()


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    shutil.copy(digits.model_path("float32"), "model.tflite")
    held_out = digits.held_out()
    names: dict[str, object] = {"image": digits.as_input(held_out.images[:1], np.float32)}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    scores = names["scores"]
    assert isinstance(scores, np.ndarray)
    assert scores.argmax() == held_out.labels[0]


def test_every_command_is_there_and_none_is_made_up() -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    named = re.findall(r"^litefuse (\w+)", "".join(blocks), re.MULTILINE)
    assert set(named) == set(COMMANDS)


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/cli.md", "examples/README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{page}: {target}"
