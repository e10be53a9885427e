"""Each rule of the verifier has a module that breaks it, and says which."""

from __future__ import annotations

import pytest

from litefuse.compiler.ir.core import Block, Location, Module, NodeLocation, Operation, Region
from litefuse.compiler.ir.opdef import Dialects, OpDef
from litefuse.compiler.ir.parser import parse_module
from litefuse.compiler.ir.types import F32, I8
from litefuse.compiler.ir.verifier import VerifyError, describe_location, verify
from litefuse.compiler.ops import BUILTIN, DIALECTS


def _odd(op):
    if op["n"] % 2 == 0:
        from litefuse.compiler.ir.core import IRError

        raise IRError(f"n must be odd, not {op['n']}")


TEST = Dialects(
    BUILTIN,
    (
        OpDef("t.make", "", 0, 1),
        OpDef("t.two", "", (1, 2), (0, None)),
        OpDef("t.end", "", (0, None), 0, terminator=True, pure=False),
        OpDef("t.loop", "", 0, 0, 1),
        OpDef("t.n", "", required={"n": int}, optional={"f": (float, str)}, verify=_odd),
    ),
)

BROKEN = [
    ('"t.gone"() : () -> ()', "t.gone is not a known op; t has t.end, t.loop"),
    ('"q.gone"() : () -> ()', "q.gone is not a known op; there is no dialect q"),
    ('"t.make"() : () -> ()', "it has 0 results, it needs 1"),
    ('"t.two"() : () -> ()', "it has 0 operands, it needs 1 to 2"),
    ('"t.end"() : () -> f32', "it has 1 result, it needs 0"),
    ('"t.loop"() : () -> ()', "it has 0 regions, it needs 1"),
    ('"t.loop"() ({}) : () -> ()', "its region is empty: a terminator must end it"),
    (
        '"t.loop"() ({ %0 = "t.make"() : () -> f32 }) : () -> ()',
        "its region ends in t.make: a terminator must end it",
    ),
    (
        '"t.loop"() ({ "t.end"() : () -> () "t.end"() : () -> () }) : () -> ()',
        "a terminator stands before the end of its block",
    ),
    ('"t.n"() : () -> ()', "attribute n (int) is missing"),
    ('"t.n"() {n = true} : () -> ()', "attribute n is True, a bool, not int"),
    ('"t.n"() {n = 1, f = 2} : () -> ()', "attribute f is 2, a int, not float or str"),
    ('"t.n"() {n = 1, g = 2} : () -> ()', "it has no attribute g; it has f, n"),
    ('"t.n"() {n = 2} : () -> ()', '"t.n": n must be odd, not 2'),
    (
        '"t.make"() {sym_name = "a"} : () -> ()\n"t.make"() {sym_name = "a"} : () -> ()',
        "it has 0 results",
    ),
]


@pytest.mark.parametrize(("text", "rule"), BROKEN)
def test_rules(text, rule):
    with pytest.raises(VerifyError) as failure:
        verify(parse_module(text), TEST)
    assert rule in str(failure.value)


def test_a_sound_module_passes():
    text = '"t.loop"() ({ "t.n"() {n = 3, f = "x", tool.note = 1} : () -> () "t.end"() : () -> () }) : () -> ()'
    verify(parse_module(text), TEST)


def _module(*ops: Operation) -> Module:
    module = Module()
    for op in ops:
        module.block.append(op)
    return module


def test_use_before_definition():
    make = Operation("t.make", (), [F32])
    make.result.name = "x"
    use = Operation("t.two", [make.result], (), None, (), Location((NodeLocation(0, 7, "ADD"),)))
    with pytest.raises(VerifyError, match=r'"t.two" at ADD#7: operand 0 \(%x\) is defined after'):
        verify(_module(use, make), TEST)


def test_use_of_what_is_nowhere():
    lost = Operation("t.make", (), [F32])
    with pytest.raises(VerifyError, match=r"the result of t\.make, which is in no block"):
        verify(_module(Operation("t.two", [lost.result])), TEST)


def test_use_across_regions():
    inner = Block()
    make = inner.append(Operation("t.make", (), [F32]))
    inner.append(Operation("t.end"))
    loop = Operation("t.loop", regions=[Region(inner)])
    with pytest.raises(VerifyError, match=r"the result of t\.make in another region"):
        verify(_module(loop, Operation("t.two", [make.result])), TEST)
    stray = Block([I8])
    with pytest.raises(VerifyError, match="an argument of a block that does not hold the op"):
        verify(_module(Operation("t.two", [stray.args[0]])), TEST)


def test_inconsistent_links():
    make = Operation("t.make", (), [F32])
    use = Operation("t.two", [make.result])
    make.result._uses.clear()
    with pytest.raises(VerifyError, match="does not know of this use"):
        verify(_module(make, use), TEST)
    moved = Operation("t.n", (), (), {"n": 1})
    module = _module(moved)
    moved.block = Block()
    with pytest.raises(VerifyError, match="does not know the block that it is in"):
        verify(module, TEST)


def test_names_of_functions_differ():
    text = '"kern.func"() ({ "kern.return"() : () -> () }) {sym_name = "f"} : () -> ()\n'
    with pytest.raises(VerifyError, match="the name @f is taken"):
        verify(parse_module(text * 2), DIALECTS)


def test_locations_in_words():
    nodes = tuple(NodeLocation(n // 5, n, "ADD") for n in range(6))
    assert describe_location(Location()) == ""
    assert describe_location(Location(nodes[:1])) == " at ADD#0"
    assert describe_location(Location(nodes[4:])) == " at ADD#4, ADD#5 of subgraph 1"
    assert describe_location(Location(nodes)).endswith("ADD#3 and 2 more")
