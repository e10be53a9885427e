"""Rewrites until nothing changes, and dead code."""

from __future__ import annotations

import pytest

from litefuse.compiler.ir.core import Builder, IRError, Operation
from litefuse.compiler.ir.parser import parse_module
from litefuse.compiler.ir.rewriter import Rewrite, apply_rewrites, erase_dead, replace_op
from litefuse.compiler.ir.types import I32
from litefuse.compiler.ir.verifier import verify
from litefuse.compiler.ops import DIALECTS

TEXT = """
%a = "arith.constant"() {value = 1} : () -> i32
%b = "arith.constant"() {value = 2} : () -> i32
%c = "arith.addi"(%a, %b) : (i32, i32) -> i32
%d = "arith.addi"(%c, %c) : (i32, i32) -> i32
%e = "arith.muli"(%d, %a) : (i32, i32) -> i32
"kern.return"(%d) : (i32) -> ()
"""


def _constants(op: Operation) -> tuple[int, ...] | None:
    if op.name != "arith.addi" or any(v.op.name != "arith.constant" for v in op.operands):
        return None
    return tuple(v.op["value"] for v in op.operands)


def _fold(op: Operation, found: tuple[int, ...], builder: Builder) -> None:
    value = builder.create("arith.constant", (), [I32], {"value": sum(found)}).result
    replace_op(op, [value])


FOLD = Rewrite("fold_addi", _constants, _fold)


def test_a_rewrite_meets_what_it_made():
    module = parse_module(TEXT)
    assert apply_rewrites(module, [FOLD]) == {"fold_addi": 2}
    verify(module, DIALECTS)
    result = module.ops[-1].operands[0]
    assert result.op["value"] == 6
    assert result.name == "d"


def test_dead_code_goes_and_nothing_else():
    module = parse_module(TEXT)
    apply_rewrites(module, [FOLD])
    assert erase_dead(module.block, DIALECTS) == 4
    assert [op.name for op in module.ops] == ["arith.constant", "kern.return"]
    assert erase_dead(module.block, DIALECTS) == 0
    verify(module, DIALECTS)


def test_dead_code_in_regions():
    module = parse_module(
        """
        "kern.func"() ({
        ^bb0(%x: tensor<4xf32>):
          %y = "kern.map"(%x) ({
          ^bb0(%e: f32):
            %n = "arith.negf"(%e) : (f32) -> f32
            "kern.yield"(%e) : (f32) -> ()
          }) {roles = ["pixel"]} : (tensor<4xf32>) -> tensor<4xf32>
          "kern.return"(%x) : (tensor<4xf32>) -> ()
        }) {sym_name = "main"} : () -> ()
        """
    )
    assert erase_dead(module.block, DIALECTS) == 1  # the map, with what was in it
    function = module.find("main")
    assert function.body.args[0].users == [function.body.ops[0]]


def test_rules_that_undo_each_other_are_found():
    def renames(a: str, b: str) -> Rewrite[bool]:
        def match(op: Operation) -> bool | None:
            return True if op.name == a else None

        def rewrite(op: Operation, found: bool, builder: Builder) -> None:
            op.name = b

        return Rewrite(f"{a}_to_{b}", match, rewrite)

    module = parse_module(TEXT)
    rules = [renames("arith.addi", "arith.subi"), renames("arith.subi", "arith.addi")]
    with pytest.raises(IRError, match="do not come to an end"):
        apply_rewrites(module, rules, limit=100)


def test_replacing_needs_as_many_values():
    module = parse_module(TEXT)
    with pytest.raises(IRError, match=r"arith.addi has 1 results, 0 values cannot replace them"):
        replace_op(module.ops[2], [])


def test_erasing_what_is_used_is_an_error():
    with pytest.raises(IRError, match="erased while its result has 2 uses"):
        parse_module(TEXT).ops[2].erase()
