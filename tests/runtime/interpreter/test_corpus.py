"""Real networks: every one loads, and runs with the reference's result or names what is missing."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.corpus_compare import compare
from tests.tools.reference import Reference

SAMPLE = 40
LARGEST = 150_000_000  # multiply-accumulates; heavier ones only with LITEFUSE_FULL=1


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    with Reference(tmp_path_factory.mktemp("reference")) as service:
        yield service


def _chosen(corpus: Path, manifest: Any) -> list[Path]:
    records = [r for r in manifest if r["file"].startswith(("networks/", "graphs/"))]
    if os.environ.get("LITEFUSE_FULL") != "1":
        light = [r for r in records if (r["macs"] or 0) <= LARGEST]
        records = random.Random(2026).sample(light, min(SAMPLE, len(light)))
    return sorted(corpus / r["file"] for r in records)


def test_corpus_agrees_with_the_reference(
    corpus: Path, manifest: Any, reference: Reference
) -> None:
    bad = []
    ran = 0
    for path in _chosen(corpus, manifest):
        outcome = compare(path, reference)
        ran += outcome.status == "equal"
        if outcome.status in ("differs", "refused"):
            bad.append(f"{path.name}: {outcome.status} {outcome.error:.3g} {outcome.detail}")
    assert not bad, "\n".join(bad)
    assert ran > 0
