"""Python code in a process of its own, where a crash is a result and not the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def python(
    code: str, *arguments: str, cwd: Path | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run code with the checkout importable; never raises for what it returns."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, timeout=timeout, env=environment, cwd=cwd, check=False,
    )  # fmt: skip
