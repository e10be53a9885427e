"""`litefuse diff` on the bundled models, and where the reference aborts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from litefuse.cli import diff, digits, isolated
from litefuse.runtime.model.build import ModelBuilder
from tests.cli.commands import MODEL, run


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


@pytest.mark.filterwarnings("ignore:litefuse claims none")
@pytest.mark.parametrize("where", ["litert", "own"])
def test_a_comparison_of_nothing_is_an_error(where: str) -> None:
    words = (MODEL, "--in", where, "-O", "last_delegate_node_index=0", "-O", "deny_ops=CONV_2D")
    with pytest.raises(click.ClickException, match="runs no node of this model"):
        run(diff.command, *words)


def test_what_is_left_over_runs_on_the_reference() -> None:
    words = ("--runs", "2", "-O", "deny_ops=DEPTHWISE_CONV_2D", "--json")
    found = json.loads(run(diff.command, MODEL, *words).output)
    assert found["passed"]
    assert "9 nodes delegated out of 10" in found["claimed"]


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
