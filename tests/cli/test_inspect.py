"""`litefuse inspect` on the bundled models and on the corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import litefuse
from litefuse.cli import common, digits
from litefuse.cli.inspect import command, describe
from litefuse.runtime.model import read_model


def test_it_shows_nodes_shapes_and_options() -> None:
    done = CliRunner().invoke(command, [str(digits.model_path("int8"))], catch_exceptions=False)
    assert "1 subgraph, 10 nodes" in done.output
    assert "serving_default(image) -> digit" in done.output
    lines = [line.split() for line in done.output.splitlines()]
    add = next(line for line in lines if line[:2] == ["#3", "ADD"])
    assert add[2:5] == ["2", "%7", "int8[1x8x8x16]"]
    assert "fused_activation_function=RELU" in add


def test_json_holds_what_the_file_says() -> None:
    words = [str(digits.model_path("float32")), "--json"]
    found = json.loads(CliRunner().invoke(command, words, catch_exceptions=False).output)
    assert found["operators"]["CONV_2D"] == 3
    graph = found["subgraphs"][0]
    assert [node["op"] for node in graph["nodes"]][-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert graph["nodes"][0]["options"]["padding"] == "SAME"
    assert graph["tensors"][graph["inputs"][0]]["shape"] == [1, 8, 8, 1]
    assert found["signatures"]["serving_default"]["inputs"] == {"image": graph["inputs"][0]}


def test_tensors_show_their_quantisation() -> None:
    words = [str(digits.model_path("int8")), "--tensors"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert "0.00392157 * (q - -128)" in done.output
    assert "16 scales" in done.output


def test_ops_alone() -> None:
    words = [str(digits.model_path("int8")), "--ops"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert "MAX_POOL_2D" in done.output
    assert "#0" not in done.output


def test_a_saved_compiled_model_shows_its_artifacts(tmp_path: Path) -> None:
    path = tmp_path / "digits.compiled"
    with litefuse.compile(digits.model_path("int8")) as model:
        model.save(path)
    done = CliRunner().invoke(command, [str(path)], catch_exceptions=False)
    assert "compiled model" in done.output
    assert "10 nodes in" in done.output
    assert "MAX_POOL_2D" in done.output
    found = CliRunner().invoke(command, [str(path), "--json"], catch_exceptions=False)
    assert len(json.loads(found.output)["nodes"]) == 10


@pytest.mark.parametrize("folder", ["networks", "graphs"])
def test_every_model_of_the_corpus_can_be_shown(corpus: Path, folder: str) -> None:
    paths = sorted((corpus / folder).glob("*.tflite"), key=lambda path: path.stat().st_size)
    assert paths
    for path in paths:
        found = describe(read_model(path))
        assert sum(found["operators"].values()) == sum(len(g["nodes"]) for g in found["subgraphs"])
        common.print_json(found)
    for path in paths[:40]:  # tables of thousands of tensors are slow to lay out, and no different
        done = CliRunner().invoke(command, [str(path), "--tensors"])
        assert done.exception is None, f"{path.name}: {done.exception!r}"
        assert path.name in done.output
