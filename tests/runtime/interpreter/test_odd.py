"""Damaged, foreign and absurd models: a result or a clear error, in bounded time and memory.

Each runs in a process of its own with limits on its address space and processor time, so that one
which asks for too much is killed and fails its test.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.interpreter.huge import HUGE

SCRIPT = Path(__file__).with_name("limited_run.py")
SPACE = 1_000_000_000  # bytes beyond what Python and NumPy take
SECONDS = 30

# What an error may be: LiteRT's own kinds, never a MemoryError or one from inside a kernel.
KINDS = {"ValueError", "RuntimeError", "KernelError"}

Job = tuple[Path, dict[str, Any], str]


def run(jobs: list[Job], folder: Path) -> list[dict[str, Any]]:
    """What `limited_run` says of each (model, what it is fed, resolver type)."""
    told = []
    for k, (model, fed, resolver) in enumerate(jobs):
        values = folder / f"values{k}.npz"
        np.savez(values, **fed)
        told.append(
            {
                "model": str(model),
                "values": str(values),
                "space": SPACE,
                "seconds": SECONDS,
                "resolver": resolver,
            }
        )
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(told),
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What became of each absurd model, by its name and the resolver type."""
    folder = tmp_path_factory.mktemp("huge")
    jobs: list[Job] = []
    names = []
    for k, (name, (make, fed, _)) in enumerate(HUGE.items()):
        path = folder / f"{k}.tflite"
        path.write_bytes(make())
        for resolver in ("BUILTIN_REF", "AUTO"):
            jobs.append((path, fed, resolver))
            names.append((name, resolver))
    return dict(zip(names, run(jobs, folder), strict=True))


def test_every_odd_file(corpus: Path, manifest: Any, tmp_path: Path) -> None:
    files = sorted(corpus / r["file"] for r in manifest if r["file"].startswith("odd/"))
    assert len(files) >= 40
    found = run([(path, {}, "BUILTIN_REF") for path in files], tmp_path)
    for path, became in zip(files, found, strict=True):
        assert "killed" not in became, path.name
        error = became["error"]
        if error is None:
            assert became["stage"] == "done"
        else:
            assert error[0] in KINDS, f"{path.name}: {error}"
            assert len(error[1]) > 20, f"{path.name}: {error}"
            # So the interpreter begins where a kernel failed in a way that it did not foresee.
            assert not re.match(r"\w+: \w+Error: ", error[1]), f"{path.name}: {error}"
        assert became["kilobytes"] < 100_000 + path.stat().st_size // 250, path.name


@pytest.mark.parametrize("resolver", ["BUILTIN_REF", "AUTO"])
@pytest.mark.parametrize("name", HUGE)
def test_an_absurd_size_is_refused_before_memory_is_taken(
    name: str, resolver: str, huge: dict[tuple[str, str], dict[str, Any]]
) -> None:
    became = huge[name, resolver]
    assert "killed" not in became
    assert became["error"] is not None
    kind, text = became["error"]
    assert kind in KINDS, became
    assert re.search(HUGE[name][2], text), text
    # A loop that grows may take what there is. AUTO plans the graph at allocation, with a compiler
    # of some 60 MB unless the plan is cached, before a run tells the size; the least of the sizes
    # is above 1 GB.
    usual = 60_000 if resolver == "BUILTIN_REF" else 250_000
    most = 1_000_000 if name == "a loop that grows" else usual
    assert became["kilobytes"] < most
