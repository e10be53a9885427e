"""Nodes that have no `kern` form: the error says rule, value and remedy, and asking leaves no trace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from litefuse.compiler.frontend.import_partition import import_partition
from litefuse.compiler.frontend.plan import plan_subgraph
from litefuse.passes.tfl_to_kern import refusal
from litefuse.runtime.model import read_model
from litefuse.runtime.options import Options
from tests.ir_harness import load, run_on
from tests.passes.oracle import TENSOR_PASSES

SOFTMAX = """
"kern.func"() ({{
^bb0(%x: tensor<1x4x!quant.uniform<i8:f32, 0.5:0>>):
  %0 = "tfl.softmax"(%x) {{beta = 1.0 : f32}} : (tensor<1x4x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<1x4x!quant.uniform<i8:f32, {scale}:-128>>
  "kern.return"(%0) : (tensor<1x4x!quant.uniform<i8:f32, {scale}:-128>>) -> ()
}}) {{sym_name = "main"}} : () -> ()
"""


def test_a_refusal_names_rule_value_and_remedy() -> None:
    module = load(SOFTMAX.format(scale=0.5))
    op = next(op for op in module.walk() if op.name == "tfl.softmax")
    error = refusal(op)
    assert error is not None
    assert error.rule == "the result must have scale 1/256 and zero point -128"
    assert error.value == "0.5:-128"
    assert error.remedy == "leave this node to LiteRT"
    assert str(error) == f"tfl.softmax: {error.rule}, here {error.value}; {error.remedy}"


def test_asking_changes_nothing() -> None:
    module = load(SOFTMAX.format(scale=1 / 256))
    before = str(module)
    op = next(op for op in module.walk() if op.name == "tfl.softmax")
    assert refusal(op) is None
    assert str(module) == before
    assert len(op.operands[0].uses) == 1


@pytest.mark.slow
def test_whatever_the_planner_claims_can_be_lowered(corpus: Path) -> None:
    """All networks in a full run, every seventh otherwise."""
    paths = sorted((corpus / "networks").glob("*.tflite"))
    for path in paths if os.environ.get("LITEFUSE_FULL") else paths[::7]:
        model = read_model(path)
        for partition in plan_subgraph(model, 0, Options()).partitions:
            run_on(import_partition(model, partition), TENSOR_PASSES[:2])
