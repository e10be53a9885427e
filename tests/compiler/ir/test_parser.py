"""Errors of the parser: what they say, and where they point."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.parser import ParseError, made_up_weights, parse_file, parse_module
from tests.compiler.ir.modules import modules

CASES = [
    ('"a.b"(%x) : (f32) -> ()', 1, 7, "%x is not defined before this use"),
    ('%x = "a.b"() : () -> f32\n%x = "a.b"() : () -> f32', 2, 1, "%x is defined twice"),
    ('%x = "a.b"() : () -> f32\n"a.c"(%x) : (i8) -> ()', 2, 13, "type f32, not i8"),
    ('"a.b"() : (f32) -> ()', 1, 11, "0 operands but 1 operand types"),
    ('%x = "a.b"() : () -> (f32, f32)', 1, 16, "2 result types for 1 names"),
    ('"a.b"() : () -> badtype', 1, 17, "badtype is not a type"),
    ('"a.b"() {k = } : () -> ()', 1, 14, "expected a type"),
    ('"a.b"() {k = 1 : i64, k = 2 : i64} : () -> ()', 1, 23, "attribute k is given twice"),
    ('"a.b"() {k = 1.5 : i64} : () -> ()', 1, 14, "1.5 is not an integer"),
    ('"a.b"() {k = "\\q"} : () -> ()', 1, 15, "a backslash is followed by"),
    ('"a.b', 1, 1, "expected an op's name, a quoted string"),
    ('"a.b"() ({', 1, 11, "a '}' is missing"),
    ('"a.b"() ({\n^bb0:\n^bb1:\n}) : () -> ()', 3, 1, "a region has one block only"),
    ('"a.b"() {k = dense<[1, 2]> : tensor<3xi8>} : () -> ()', 1, 20, "has 3 elements, not 2"),
    ('"a.b"() {k = dense<[[1, 2]]> : tensor<2xi8>} : () -> ()', 1, 20, "nest as (1, 2)"),
    ('"a.b"() {k = dense<[[1], [2, 3]]> : tensor<3xi8>} : () -> ()', 1, 27, "rows of 1 and of 2"),
    ('"a.b"() {k = dense<300> : tensor<1xi8>} : () -> ()', 1, 20, "not a int8 constant"),
    ('"a.b"() {k = dense<"0x01"> : tensor<3xi16>} : () -> ()', 1, 20, "has 6 bytes, not 1"),
    ('"a.b"() {k = dense<"zz"> : tensor<1xi8>} : () -> ()', 1, 20, "not a hexadecimal string"),
    ('"a.b"() {k = dense_resource<w> : tensor<1xi8>} : () -> ()', 1, 29, "no bytes for resource w"),
    ('"a.b"() : () -> !quant.uniform<q8:f32, 1.0>', 1, 17, "q8 is not a storage type"),
    ('"a.b"() : () -> !x.y<[>', 1, 17, "the type's '<' is not closed"),
    ('"a.b"() : () -> () loc("A"("graph":1:0))', 1, 28, 'written "subgraph0":12:0'),
    ('"a.b"() : () -> vector<2x2xf32>', 1, 17, "one static dimension"),
    ('"a.b"() () : () -> ()', 1, 10, "expected '{' and a region"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), CASES)
def test_errors_point(text, line, column, message):
    with pytest.raises(ParseError) as failure:
        parse_module(text, source="x.mlir")
    said = str(failure.value)
    assert message in said
    assert said.startswith(f"x.mlir:{line}:{column}: "), said
    shown, caret = said.splitlines()[1:]
    assert shown == "  " + text.splitlines()[line - 1]
    assert caret == " " * (column + 1) + "^"


def test_long_lines_are_cut():
    text = f'"a.b"() {{k = "{"x" * 500}", z = ?}} : () -> ()'
    with pytest.raises(ParseError) as failure:
        parse_module(text)
    shown, caret = str(failure.value).splitlines()[1:]
    assert len(shown) < 130
    assert shown[caret.index("^")] == "?"


@given(modules(), st.data())
def test_damaged_text_is_an_error_or_a_module(module, data):
    text = str(module)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 5))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
    # Anything but a ParseError is a crash of the parser.
    with contextlib.suppress(ParseError):
        parse_module(damaged, made_up_weights)


def test_other_spellings_of_mlir():
    module = parse_module(
        """
        // a comment
        %x:2 = "a.b"() <{p = 1 : i64}> {q = 2} : () -> (i8, f32) loc(unknown)
        "a.c"(%x#1, %x#0) : (f32, i8) -> ()
        """
    )
    first, second = module.ops
    assert first.attributes == {"p": 1, "q": 2}
    assert second.operands == (first.results[1], first.results[0])


def test_weights_may_come_from_outside(tmp_path):
    text = '"a.b"() {k = dense_resource<w> : tensor<2xi8>} : () -> ()'
    w = np.array([1, 2], np.int8)
    path = tmp_path / "m.mlir"
    path.write_text(text)
    assert parse_file(path, {"w": w}).ops[0]["k"].array is w
    with pytest.raises(ParseError, match=r"m.mlir:1:29: .*resource w is int8\[3\]"):
        parse_file(path, {"w": np.zeros(3, np.int8)})
    made = parse_module(text, made_up_weights).ops[0]["k"].array
    np.testing.assert_array_equal(made, made_up_weights("w", (2,), np.dtype(np.int8)))
