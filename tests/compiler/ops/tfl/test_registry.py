"""The table of ops is complete, spelled right, and every op has a test."""

from __future__ import annotations

import importlib

import pytest

from litefuse.compiler.ops import DIALECTS
from litefuse.compiler.ops.tfl import BY_BUILTIN, TFL_OPS, TflOp
from litefuse.runtime.model import BuiltinOperator
from tests.ir_harness import ROOT, load

SUPPORT = {"__init__", "node", "rules", "declare"}
FILES = sorted(p.stem for p in (ROOT / "compiler/ops/tfl").glob("*.py") if p.stem not in SUPPORT)


def test_every_op_on_disk_is_in_the_table():
    found = []
    for name in FILES:
        module = importlib.import_module(f"litefuse.compiler.ops.tfl.{name}")
        found += [v for v in vars(module).values() if isinstance(v, TflOp)]
    assert {op.builtin for op in found} == {op.builtin for op in TFL_OPS} == set(BY_BUILTIN)
    assert len(TFL_OPS) == len(BY_BUILTIN)


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_a_test(name):
    assert (ROOT / "tests/compiler/ops/tfl" / f"test_{name}.py").is_file()


@pytest.mark.parametrize("op", TFL_OPS, ids=[op.builtin for op in TFL_OPS])
def test_names_are_the_schemas(op):
    assert op.builtin in BuiltinOperator.__members__
    assert op.name == f"tfl.{op.builtin.lower()}"
    assert DIALECTS.get(op.name) is op.definition
    assert op.definition.pure
    assert op.definition.summary.endswith(".")


def test_the_verifier_uses_the_shape_rules():
    text = """
    %x = "tfl.no_value"() : () -> none
    %a = "tfl.pseudo_const"() {value = dense_resource<a> : tensor<2x3xf32>} : () -> tensor<2x3xf32>
    %y = "tfl.relu"(%a) : (tensor<2x3xf32>) -> tensor<3x2xf32>
    """
    with pytest.raises(ValueError, match=r"the result's shape is \(2, 3\), not \(3, 2\)"):
        load(text)
    with pytest.raises(ValueError, match="operand 0 must be present"):
        load('%x = "tfl.no_value"() : () -> none\n%y = "tfl.relu"(%x) : (none) -> tensor<3xf32>')
