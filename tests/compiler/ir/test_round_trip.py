"""`parse(print(m)) == m` for everything that the IR can hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from litefuse.compiler.ir.attributes import Dense, Resource
from litefuse.compiler.ir.core import Module, Operation
from litefuse.compiler.ir.equality import difference, same_attribute
from litefuse.compiler.ir.parser import parse_module, parse_type
from litefuse.compiler.ir.printer import print_attribute, print_module, print_type, resources_of
from litefuse.compiler.ir.types import I8, SI8, QuantizedType
from tests.compiler.ir.modules import ATTRIBUTES, TYPES, modules


@given(modules())
def test_modules(module):
    text = print_module(module, locations=True)
    again = parse_module(text, resources_of(module))
    assert difference(module, again, locations=True) is None
    assert print_module(again, locations=True) == text


@given(modules())
def test_a_text_with_resources_stands_alone(module):
    text = print_module(module, resources=True, header="one\n\ntwo")
    again = parse_module(text)
    assert difference(module, again) is None


@settings(max_examples=100)
@given(TYPES)
def test_types(t):
    assert parse_type(print_type(t)) == t


@settings(max_examples=100)
@given(ATTRIBUTES)
def test_attributes(value):
    module = Module({"value": value})
    again = parse_module(str(module)).op["value"]
    assert same_attribute(value, again), print_attribute(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3 : i64"),
        (1.5, "1.5 : f64"),
        (1e-5, "1.0e-05 : f64"),
        (float("inf"), "0x7FF0000000000000 : f64"),
        (np.float32(0.1), "0.1 : f32"),
        ('a\n"é', '"a\\0A\\22\\C3\\A9"'),
        ((1, 2), "array<i64: 1, 2>"),
        ((1.0, 2.5), "array<f64: 1.0, 2.5>"),
        ([1, "a"], '[1 : i64, "a"]'),
        ({"k": 1, "u": None, "odd key": 2}, '{k = 1 : i64, u, "odd key" = 2 : i64}'),
        (Dense(np.array([[1, 2]], np.int8)), "dense<[[1, 2]]> : tensor<1x2xsi8>"),
        (Dense(np.zeros(9, np.float32)), "dense<0.0> : tensor<9xf32>"),
        (Dense(np.zeros((0, 2), np.int32)), "dense<> : tensor<0x2xsi32>"),
        (Resource("w", np.zeros(2, np.float16)), "dense_resource<w> : tensor<2xf16>"),
    ],
)
def test_text_of_attributes(value, text):
    assert print_attribute(value) == text


def test_text_of_quantised_types():
    t = QuantizedType(SI8, (0.0235,), (-3,))
    assert print_type(t) == "!quant.uniform<i8:f32, 0.0235:-3>"
    assert t == QuantizedType(I8, (0.0235,), (-3,))
    per_channel = QuantizedType(I8, (0.5, 0.25), (0, 1), 3)
    assert print_type(per_channel) == "!quant.uniform<i8:f32:3, {0.5:0, 0.25:1}>"


def test_names_are_hints_made_unique():
    module = Module()
    for name in ("x", "x", "a b", "7", ""):
        op = module.block.append(Operation("t.a", (), [I8]))
        op.result.name = name
    module.block.append(Operation("t.use", [op.result for op in module.ops]))
    assert "(%x, %x_1, %a_b, %v7, %0)" in str(module)


def test_names_of_a_region_end_with_it():
    text = """"builtin.module"() ({
  "t.f"() ({
    %0 = "t.a"() : () -> i8
  }) : () -> ()
  "t.f"() ({
    %0 = "t.a"() : () -> i8
  }) : () -> ()
}) : () -> ()
"""
    assert print_module(parse_module(text)) == text


def test_a_part_of_a_module_prints_alone():
    module = parse_module('%x = "t.a"() : () -> i8\n"t.b"(%x) : (i8) -> ()')
    assert str(module.ops[1]) == '"t.b"(%x) : (i8) -> ()'


def test_equality_tells_kinds_apart():
    assert same_attribute(1, np.int64(1))
    assert not same_attribute(1, True)
    assert not same_attribute(1, 1.0)
    assert not same_attribute(1.0, np.float32(1))
    assert not same_attribute((1,), [1])
    assert same_attribute(float("nan"), float("nan"))
    assert not same_attribute(0.0, -0.0)


def test_two_weights_of_one_name_are_an_error():
    module = Module()
    for value in (0.0, 1.0):
        resource = Resource("w", np.full(2, value, np.float32))
        module.block.append(Operation("t.w", (), (), {"value": resource}))
    with pytest.raises(ValueError, match="two different weights are called 'w'"):
        resources_of(module)
