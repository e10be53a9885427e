"""explain, compile, opt, diff, bench and demo on the bundled models, in this process where they can be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from litefuse.cli import bench, demo, diff, digits, explain, inspect, isolated, opt
from litefuse.cli import compile as compile_command
from litefuse.runtime.model.build import ModelBuilder

MODEL = digits.model_path("int8")


def run(command: click.Command, *words: str | Path) -> Result:
    """Run a command as `main` does; what it raises is raised here."""
    done = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def unsupported_model(path: Path) -> Path:
    """RELU, then an op that is nobody's, then RELU."""
    b = ModelBuilder()
    x, y, z, out = (b.add_tensor(name, (1, 8), "FLOAT32") for name in "abcd")
    b.add_op("RELU", [x], [y])
    b.add_op("Mystery", [y], [z], custom_options=b"")
    b.add_op("RELU", [z], [out])
    path.write_bytes(b.finish_bytes([x], [out]))
    return path


def test_explain_says_fully_delegated() -> None:
    found = json.loads(run(explain.command, MODEL, "--json").output)[0]
    assert found["fully_delegated"]
    assert (found["claimed"], found["partitions"], len(found["nodes"])) == (10, 1, 10)
    assert (
        "10 of 10 nodes claimed, 1 partition, fully delegated: yes"
        in run(explain.command, MODEL).output
    )


def test_explain_names_rule_value_and_remedy(tmp_path: Path) -> None:
    found = json.loads(
        run(explain.command, unsupported_model(tmp_path / "m.tflite"), "--json").output
    )
    (graph,) = found
    assert [node["claimed"] for node in graph["nodes"]] == [True, False, True]
    refused = graph["nodes"][1]
    assert refused["value"] == "Mystery"
    assert refused["rule"]
    assert refused["remedy"]


def test_options_reach_the_plan() -> None:
    found = json.loads(run(explain.command, MODEL, "-O", "deny_ops=ADD", "--json").output)[0]
    refused = [node for node in found["nodes"] if not node["claimed"]]
    assert [(node["op"], node["rule"]) for node in refused] == [("ADD", "deny_ops")]


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
    assert "ret" in assembly and ("zmm" not in assembly)


def test_compile_of_several_partitions_fills_a_folder(tmp_path: Path) -> None:
    model = unsupported_model(tmp_path / "m.tflite")
    rows = json.loads(run(compile_command.command, model, "-o", tmp_path / "out", "--json").output)
    assert [Path(row["file"]).name for row in rows] == ["m.0.litefuse", "m.1.litefuse"]
    assert all(Path(row["file"]).is_file() for row in rows)
    with pytest.raises(click.BadParameter, match="2 partitions need a folder"):
        run(compile_command.command, model, "-o", tmp_path / "one.litefuse")


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


@pytest.mark.parametrize("where", ["litert", "own"])
@pytest.mark.parametrize("kind", digits.KINDS)
def test_diff_finds_none_on_the_bundled_models(kind: str, where: str) -> None:
    model = digits.model_path(kind)
    words = (model, "--in", where, "--runs", "3", "--limits", "--layers", "--json")
    done = run(diff.command, *words)
    found = json.loads(done.output)
    assert done.return_value == 0
    assert found["passed"]
    assert found["first_diverging_node"] is None
    assert "10 nodes delegated out of 10" in found["claimed"]
    assert [row["node"] for row in found["layers"]] == list(range(10))


def test_diff_fails_beyond_the_tolerance_and_names_the_node() -> None:
    # No float network is exact: at a tolerance of nothing the first node with a sum is told apart.
    words = (digits.model_path("float32"), "--runs", "1", "--layers", "--tolerance", "0", "--json")
    done = run(diff.command, *words)
    found = json.loads(done.output)
    assert done.return_value == 1
    assert not found["passed"]
    assert found["first_diverging_node"] is not None


def test_a_reference_that_aborts_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    # A thousand equal exponentials: LiteRT's reference asserts, in the wheel too, and dies.
    b = ModelBuilder()
    x = b.add_tensor("x", (1, 1000), "INT8", scale=0.1)
    y = b.add_tensor("y", (1, 1000), "INT8", scale=1 / 256, zero_point=-128)
    b.add_op("SOFTMAX", [x], [y], beta=1.0)
    model = b.finish_bytes([x], [y])
    inputs: list[Any] = [[np.zeros((1, 1000), np.int8)]]
    with pytest.raises(click.ClickException, match=r"died of SIGABRT .*--against builtin or"):
        isolated.outputs("reference", model, 1, inputs)
    ((plain,),) = isolated.outputs("plain", model, 1, inputs)
    assert plain.shape == (1, 1000)


def test_bench_measures_each_contender() -> None:
    words = ("--against", "litefuse,xnnpack,builtin", "--runs", "5", "--min-secs", "0.01")
    done = run(bench.command, MODEL, *words, "--thread-counts", "1,2", "--json")
    rows = json.loads(done.output)
    assert [(row["contender"], row["threads"]) for row in rows] == [
        (name, threads) for threads in (1, 2) for name in ("litefuse", "xnnpack", "builtin")
    ]
    for row in rows:
        assert 0 < row["min"] <= row["median"] <= row["p95"]
        assert row["runs"] >= 5
        assert row["cold"]["init"] > 0
        assert (row["cached"] is not None) == (row["contender"] == "litefuse")
    assert "fully delegated" in rows[0]["claimed"]
    assert rows[1]["relative"] == 1


def test_bench_refuses_an_unknown_contender() -> None:
    with pytest.raises(click.BadParameter, match="no contender 'tvm'; there are litefuse, own"):
        run(bench.command, MODEL, "--against", "tvm")


@pytest.mark.parametrize("kind", digits.KINDS)
def test_demo_agrees_with_litert(kind: str) -> None:
    done = run(demo.command, "--kind", kind, "--json")
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
    assert "the same as LiteRT's reference kernels" in done.stdout
