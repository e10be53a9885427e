"""docs/ops.md is what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_table_is_current() -> None:
    tool = ROOT / "tools" / "make_ops_table.py"
    found = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_table_names_what_is_compiled() -> None:
    rows = [line for line in (ROOT / "docs" / "ops.md").read_text().splitlines() if "|" in line]
    conv = next(line for line in rows if line.startswith("| CONV_2D |"))
    assert "`conv_2d.py`" in conv
    assert [cell.strip() for cell in conv.split("|")][-3] == "yes"


def test_the_page_says_types_and_limits() -> None:
    page = (ROOT / "docs" / "ops.md").read_text()
    conv = next(line for line in page.splitlines() if line.startswith("| CONV_2D |"))
    assert "int8-per-channel" in conv
    limits = page.split("### CONV_2D\n")[1].split("###")[0]
    assert "is not a multiple of the filter's" in limits
