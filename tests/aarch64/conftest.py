"""The emulated machine, made once a session and skipped with a reason where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from tests.aarch64.emulator import Emulator, Unavailable


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    """An emulator that answers. Setting it up takes a minute or two, the first time."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    # One worker tries; the others are told how it went.
    verdict: Path = shared / "aarch64-verdict"
    with FileLock(f"{verdict}.lock"):
        if not verdict.exists():
            try:
                Emulator().prepare()
                verdict.write_text("")
            except Unavailable as error:
                verdict.write_text(str(error))
    reason = verdict.read_text()
    if reason:
        pytest.skip(reason)
    return Emulator()
