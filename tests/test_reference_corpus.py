"""Every file of the corpus in our interpreter is LiteRT's reference, tensor by tensor.

`tests.networks.reference_sweep` has the rules and makes docs/corpus.md. By default a sample of the
smaller files runs, on one random input and the types' limits; with LITEFUSE_FULL=1 all of them on
five.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from litefuse.cli.inputs import random_inputs
from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.conftest import ROOT, SHARED
from tests.networks.one_by_one import compare_nodes
from tests.networks.process import Child
from tests.networks.reference_sweep import GOOD, TITLES, check
from tests.networks.sweep import corpus_files
from tests.networks.walk import walk

FULL = os.environ.get("LITEFUSE_FULL") == "1"
MOST_WORK = 4_000_000  # multiply-accumulates of a file of the sample
# Files that each once found a fault, or whose kind nothing else in the sample stands for.
ALWAYS = (
    "aeq-sdpa-composite",
    "hannk-misc-split-1-1-1",
    "litert-multi-subgraphs-while",
    "litert-nested-while",
    "litert-static-w8-a16-quantized-k-einsum",
    "litert-string-input-model",
    "mww-vad",
    "startrek-star-trek-activation-phrase-v2",
    "tfex-planestrike-tf",
)


def files() -> list[str]:
    """The files to test by their path in the corpus: all, or every tenth of the cheaper."""
    models = SHARED / "models"
    if not models.is_dir():
        return []
    every = corpus_files(models)
    if FULL:
        return [f"{path.parent.name}/{path.name}" for path in every]
    work = {
        r["file"]: r.get("macs") or 0 for r in json.loads((models / "manifest.json").read_text())
    }
    names = [f"{path.parent.name}/{path.name}" for path in every]
    cheap = [name for name in names if work.get(name, 0) < MOST_WORK]
    return list(dict.fromkeys(cheap[7::10] + [n for n in names if Path(n).stem in ALWAYS]))


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    found = Child(tmp_path_factory.getbasetemp() / "litefuse-cache", timeout=60 if FULL else 5)
    yield found
    found.close()


@pytest.mark.parametrize("name", files() or [pytest.param("", marks=pytest.mark.skip("no corpus"))])
def test_a_file(name: str, corpus: Path, child: Child) -> None:
    row = check(
        child, corpus / name, runs=5 if FULL else 1, limits=FULL or name.startswith("graphs")
    )
    assert row.good, " ".join(row.cells())
    assert row.worst <= 1


def test_the_committed_table_is_good_and_whole(corpus: Path) -> None:
    lines = (ROOT / "docs" / "corpus.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert tuple(rows[0]) == TITLES
    assert {row[1] for row in rows[2:]} <= set(GOOD)
    names = {f"{path.parent.name}/{path.stem}" for path in corpus_files(corpus)}
    assert {row[0] for row in rows[2:]} == names


def test_a_walk_names_the_node_that_is_beyond_its_bound(repo_root: Path) -> None:
    path = repo_root / "litefuse" / "data" / "digits_float32.tflite"
    right = _run(path)
    model = right.model.subgraphs[0]
    node = next(i for i, op in enumerate(model.operators) if op.name == "CONV_2D")
    want = {(0, t): right.get_tensor(t) for op in model.operators for t in op.outputs}
    assert walk(_run(path), want).beyond == []
    t = model.operators[node].outputs[0]
    want[0, t] = want[0, t] + np.float32(1e-3)
    found = walk(_run(path), want)
    assert found.beyond[0].startswith(f"node {node} CONV_2D")
    assert found.worst > 1


def test_nodes_run_alone_in_litert(repo_root: Path, child: Child) -> None:
    for name in ("digits_float32", "digits_int8"):
        ours = _run(repo_root / "litefuse" / "data" / f"{name}.tflite")
        found = compare_nodes(child, [ours])
        assert found.beyond == []
        assert found.nodes == len(ours.model.subgraphs[0].operators)
        ours.subgraph(0).values[ours.model.subgraphs[0].operators[1].outputs[0]].data[...] += 1
        assert compare_nodes(child, [ours]).beyond


def _run(path: Path) -> Interpreter:
    found = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    found.allocate_tensors()
    (detail,) = found.get_input_details()
    found.set_tensor(detail["index"], random_inputs([detail], 0)[0])
    found.invoke()
    return found
