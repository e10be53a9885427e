"""`litefuse compile`: artifacts for this machine and for others."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from litefuse.cli import compile as compile_command
from litefuse.cli import inspect
from tests.cli.commands import MODEL, run, unsupported_model


def test_compile_writes_an_artifact_that_inspect_reads(tmp_path: Path) -> None:
    path = tmp_path / "digits.litefuse"
    (row,) = json.loads(run(compile_command.command, MODEL, "-o", path, "--json").output)
    assert row["nodes"] == 10
    assert row["kernels"] > 0
    found = json.loads(run(inspect.command, path, "--json").output)
    assert found["nodes"] == list(range(10))
    assert len(found["steps"]) == row["kernels"]
    shown = run(inspect.command, path).output
    assert found["target"]["name"] in shown
    assert "int8[1x8x8x1] 'image'" in shown


@pytest.mark.parametrize("target", ["x86-64", "aarch64", "aarch64-dotprod"])
def test_compile_for_another_machine(tmp_path: Path, target: str) -> None:
    path = tmp_path / "digits.litefuse"
    words = (MODEL, "-o", path, "--target", target, "--dump-ir", tmp_path / "ir", "--json")
    (row,) = json.loads(run(compile_command.command, *words).output)
    assert row["target"] == target
    assert (tmp_path / "ir" / "00_import.mlir").is_file()
    assembly = (tmp_path / "ir" / "assembly.s").read_text()
    assert "ret" in assembly
    assert "zmm" not in assembly


def test_compile_of_several_partitions_fills_a_folder(tmp_path: Path) -> None:
    model = unsupported_model(tmp_path / "m.tflite")
    rows = json.loads(run(compile_command.command, model, "-o", tmp_path / "out", "--json").output)
    assert [Path(row["file"]).name for row in rows] == ["m.0.litefuse", "m.1.litefuse"]
    assert all(Path(row["file"]).is_file() for row in rows)
    with pytest.raises(click.BadParameter, match="2 partitions need a folder"):
        run(compile_command.command, model, "-o", tmp_path / "one.litefuse")
