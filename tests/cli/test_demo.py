"""`litefuse demo`: agrees with LiteRT and shows what it promises."""

from __future__ import annotations

import json
import subprocess
import sys

from litefuse.cli import demo
from tests.cli.commands import run


def test_demo_agrees_with_litert() -> None:
    done = run(demo.command, "--kind", "float32", "--json")
    found = json.loads(done.output)
    assert done.return_value == 0
    assert found["agrees"] == {"litefuse": True, "own": True}
    assert min(found["accuracy"].values()) > 0.97
    assert found["starts"]["litefuse in LiteRT, cached"]["init"] > 0


def test_demo_shows_pictures_and_fusions() -> None:
    line = [sys.executable, "-m", "litefuse", "demo"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"tfl.add"' in done.stdout
    assert '"kern.contract"' in done.stdout
    assert "CONV_2D #2 + ADD #3" in done.stdout
    assert "says 1, is 1" in done.stdout or "says" in done.stdout
    assert done.stdout.count(": the same as LiteRT's reference kernels") == 2
