"""Peak memory of whole networks stays within 1.5 times LiteRT's (docs/memory.md has the figures)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.tools.memory_compare import compare, largest

LIMIT = 1.5
# One whose windows would take a hundred times its file, and one of int8 weights.
SAMPLE = (
    "mtcnn-faceantispoofing.tflite",
    "coral-old-mobilenet-v1-1-0-224-quant-embedding-extractor.tflite",
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")


def test_networks_take_little_more_memory_than_in_litert(corpus: Path) -> None:
    folder = corpus / "networks"
    full = os.environ.get("LITEFUSE_FULL") == "1"
    models = largest(folder) if full else [folder / name for name in SAMPLE]
    wrong = []
    for model in models:
        peaks = compare(model, runs=2)
        assert set(peaks) == {"litert", "litefuse"}, f"{model.name}: ran in {sorted(peaks)} alone"
        theirs, mine = peaks["litert"].above, peaks["litefuse"].above
        if mine > LIMIT * theirs:
            wrong.append(f"{model.name}: {mine} KiB, LiteRT {theirs} KiB")
    assert not wrong, "\n".join(wrong)
