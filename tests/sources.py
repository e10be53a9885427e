"""A copy of the sources, for tests of two starts: an edit of the compiler between them would be a miss, and rightly so."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import ROOT


def copy_sources(target: Path) -> Path:
    """Copy what `import litefuse` needs into `target`, which then serves as a checkout; gives it back."""
    for name in ("litefuse", "compiler", "passes", "codegen", "runtime"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target
