"""Every op in every type, in our interpreter on 64-bit Arm: the integers that LiteRT's reference
kernels gave here, and floats within the same bounds.

The cases and LiteRT's answers are recorded here and judged there (`tests/conformance/replay.py`): 3
a row, 25 with LITEFUSE_FULL=1.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.aarch64.emulator import Emulator
from tests.conformance.registry import rows
from tests.conformance.replay import record

pytestmark = pytest.mark.slow
pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT as oracle")

EXAMPLES = 25 if os.environ.get("LITEFUSE_FULL") else 3


def test_every_op_and_type_there(tmp_path: Path, emulator: Emulator) -> None:
    running = [row for row in rows() if not row.refused]
    file = tmp_path / "cases.pickle"
    file.write_bytes(pickle.dumps(record(running, EXAMPLES)))
    words = ("-W", "error::RuntimeWarning", "-m", "tests.conformance.replay", str(file))
    done = emulator.python(*words, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["differs"] == {}
    assert told["machine"] == "aarch64"
    assert told["rows"] >= 0.95 * len(running), "too many rows compared no result"
    assert told["equal"] >= 0.8 * told["cases"]
