"""What every test may lean on: the shared corpus, CPU features by marker, Hypothesis profiles."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("LITEFUSE_SHARED", ROOT.parent / "shared"))

# Examples are machine code compiled on a shared machine: a wall-clock deadline would only make tests flaky.
_COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("ci", max_examples=25, derandomize=True, **_COMMON)  # type: ignore[arg-type]
settings.register_profile("full", max_examples=500, **_COMMON)  # type: ignore[arg-type]
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``isa(...)`` where the CPU lacks one of the features, naming them."""
    for marker in item.iter_markers("isa"):
        missing = [feature for feature in marker.args if feature not in cpu_features()]
        if missing:
            pytest.skip(f"this CPU ({platform.machine()}) lacks {', '.join(missing)}")


def cpu_features() -> frozenset[str]:
    """The host's features under LLVM's names, as `litefuse.runtime.cpu` finds them without LLVM."""
    from litefuse.runtime.cpu import host_target

    return host_target().features


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with the corpus and the reference pages (``../shared``, or ``$LITEFUSE_SHARED``)."""
    if not SHARED.is_dir():
        pytest.skip("no shared folder beside the checkout (set LITEFUSE_SHARED to its path)")
    return SHARED


@pytest.fixture(scope="session")
def corpus(shared_dir: Path) -> Path:
    """The corpus of real .tflite files: ``networks/``, ``graphs/``, ``odd/`` and ``manifest.json``."""
    models = shared_dir / "models"
    if not (models / "manifest.json").is_file():
        pytest.skip(f"no corpus in {models.name}/ of the shared folder")
    return models


@pytest.fixture(scope="session")
def manifest(corpus: Path) -> Any:
    """The parsed ``manifest.json`` of the corpus."""
    return json.loads((corpus / "manifest.json").read_text())


@pytest.fixture(scope="session")
def zoo(repo_root: Path) -> Path:
    """The folder of MobileNet files made by ``tools/make_zoo.py``; skipped where they were not made."""
    folder = repo_root / "build" / "zoo"
    if not any(folder.glob("*.tflite")):
        pytest.skip("build/zoo holds no model (make them with the shared tools/make_zoo.py)")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests away from the user's cache: one folder for the session, below pytest's own."""
    base = tmp_path_factory.getbasetemp() / "litefuse-cache"
    monkeypatch.setenv("LITEFUSE_CACHE_DIR", str(base))
