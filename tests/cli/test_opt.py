"""`litefuse opt`: passes on text."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from litefuse.cli import compile as compile_command
from litefuse.cli import opt
from tests.cli.commands import MODEL, run


def test_opt_runs_passes_on_text(tmp_path: Path) -> None:
    run(compile_command.command, MODEL, "-o", tmp_path / "a", "--dump-ir", tmp_path / "ir")
    source = tmp_path / "ir" / "00_import.mlir"
    same = run(opt.command, source).output
    assert '"tfl.conv_2d"' in same
    lowered = run(opt.command, source, "--pass", "tfl_to_kern").output
    assert '"kern.contract"' in lowered
    assert '"tfl.conv_2d"' not in lowered
    pipeline = run(opt.command, source, "--print-pipeline").output.strip()
    whole = run(opt.command, source, "--pipeline", pipeline, "-o", tmp_path / "out.mlir").output
    assert whole == ""
    assert '"loop.program"' in (tmp_path / "out.mlir").read_text()
    assert run(opt.command, source, "--all").output == (tmp_path / "out.mlir").read_text()


def test_opt_refuses_an_unknown_pass(tmp_path: Path) -> None:
    path = tmp_path / "empty.mlir"
    path.write_text('"builtin.module"() ({\n}) : () -> ()\n')
    with pytest.raises(Exception, match=r"there is no pass nope; there are .*tfl_to_kern"):
        run(opt.command, path, "--pass", "nope")
    with pytest.raises(click.UsageError, match="one of --pass, --pipeline and --all"):
        run(opt.command, path, "--all", "--pass", "eliminate")


def test_opt_lists_every_pass_with_a_summary() -> None:
    for line in run(opt.command, "--list").output.splitlines():
        assert len(line.split()) > 1, line
