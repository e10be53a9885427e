"""Every real network and graph of the corpus, in both interpreters, against LiteRT's reference.

Inside LiteRT each of them runs with litefuse.Delegate and gives the right result, whatever litefuse
claims of it: once with the reference's kernels for the nodes that stay with LiteRT, so that integers
can be compared exactly, and once as users have it, with XNNPACK for them. In litefuse.Interpreter each runs with the right result, or allocation says
which operators are missing. `tests.networks.sweep` has the rules, and prints the table:
``python -m tests.networks.sweep ../shared/models``.

By default a sample of the smaller files runs, with LITEFUSE_FULL=1 all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.networks.process import Child
from tests.networks.sweep import check, corpus_files

FULL = os.environ.get("LITEFUSE_FULL") == "1"
# Files that each once found a fault, or whose kind nothing else here stands for.
ALWAYS = (
    "aeq-mnist-quantized",
    "aeq-sdpa-composite",
    "hannk-misc-split-1-1-1",
    "litert-2-subgraphs",
    "litert-multi-subgraphs-while",
    "litert-qwen-fc-blockwise-quantized",
    "litert-static-w8-a16-quantized-k-einsum",
    "litert-string-input-model",
    "mlperf-tiny-model-toycar-quant",
    "mltk-anomaly-detection",
    "mp-hand-recrop",
    "mww-vad",
    "secda-simple-model",
)


def files() -> list[str]:
    """The files to test by their path in the corpus: all, or every fifteenth of the cheaper."""
    if not (SHARED / "models").is_dir():
        return []
    every = corpus_files(SHARED / "models")
    small = [path for path in every if path.stat().st_size < 400_000]
    chosen = every if FULL else [*small[::15], *(p for p in every if p.stem in ALWAYS)]
    return list(dict.fromkeys(f"{path.parent.name}/{path.name}" for path in chosen))


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    found = Child(tmp_path_factory.getbasetemp() / "litefuse-cache", timeout=900 if FULL else 120)
    yield found
    found.close()


@pytest.mark.parametrize("name", files() or [pytest.param("", marks=pytest.mark.skip("no corpus"))])
def test_a_file(name: str, corpus: Path, child: Child) -> None:
    verdicts = list(check(child, corpus / name, runs=2))
    assert [str(verdict) for verdict in verdicts if not verdict.good] == []
    assert {verdict.who for verdict in verdicts} == {"litefuse", "default", "own"}


def test_the_corpus_is_whole(corpus: Path) -> None:
    every = corpus_files(corpus)
    assert len({path.parent.name for path in every}) == 2
    assert len(every) >= 366
