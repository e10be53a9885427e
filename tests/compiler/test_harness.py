"""The harness itself: what it lets through and what it does not."""

from __future__ import annotations

import pytest

from litefuse.compiler.ir.core import Module
from litefuse.compiler.ir.passes import Pass, PassContext
from tests.ir_harness import check, examples, run_file, run_pass, same_ir

TEXT = """
"kern.func"() ({
^bb0(%x: tensor<4xf32>):
  %y = "kern.map"(%x) ({
  ^bb0(%e: f32):
    %n = "arith.negf"(%e) : (f32) -> f32
    "kern.yield"(%n) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<4xf32>) -> tensor<4xf32>
  "kern.return"(%y) : (tensor<4xf32>) -> ()
}) {sym_name = "main"} : () -> ()
"""


def negate_to_abs(module: Module, context: PassContext) -> None:
    for op in module.walk():
        if op.name == "arith.negf":
            op.name = "arith.absf"


def test_text_in_text_out() -> None:
    out = run_pass(TEXT, Pass("negate_to_abs", negate_to_abs, ""))
    check(
        out,
        """
        // CHECK: ^bb0(%[[X:.*]]: tensor<4xf32>)
        // CHECK-NOT: negf
        // CHECK: "arith.absf"
        """,
    )
    assert same_ir(TEXT.replace("negf", "absf"), out) is None
    assert same_ir(TEXT, out) == "arith.negf against arith.absf"


def test_a_failing_check_shows_the_output() -> None:
    with pytest.raises(AssertionError, match=r"(?s)absf.*--- output ---"):
        check(TEXT, "// CHECK: absf")


def test_examples_come_in_pairs() -> None:
    text = "Before:\n\n```mlir\na\n```\n\nand after:\n\n```mlir\nb\n```\n"
    assert examples(text) == [("a\n", "b\n")]
    with pytest.raises(AssertionError, match="without 'after'"):
        examples("Before:\n```mlir\na\n```\n")


def test_an_error_that_does_not_come_fails(tmp_path, monkeypatch) -> None:
    import tests.ir_harness as harness

    monkeypatch.setattr(harness, "find_pass", lambda name: Pass(name, negate_to_abs, ""))
    path = tmp_path / "x.mlir"
    path.write_text("// RUN: p\n// EXPECT-ERROR: nothing\n" + TEXT)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        run_file(path)
    path.write_text('// RUN: p\n// EXPECT-ERROR: defined before\n"a.b"(%x) : (f32) -> ()')
    run_file(path)
