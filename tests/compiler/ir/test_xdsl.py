"""An independent reader agrees that our text is MLIR: xDSL parses it and prints back the same module."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from xdsl.context import Context
from xdsl.dialect_interfaces.op_asm import OpAsmDialectInterface
from xdsl.dialects.builtin import Builtin
from xdsl.parser import Parser
from xdsl.printer import Printer

from litefuse.compiler.ir.core import Module, Operation
from litefuse.compiler.ir.equality import difference
from litefuse.compiler.ir.parser import parse_module
from litefuse.compiler.ir.printer import print_module, resources_of
from tests.compiler.ir.modules import modules


def through_xdsl(text: str) -> str:
    context = Context(allow_unregistered=True)
    context.load_dialect(Builtin)
    resources = Builtin.get_interface(OpAsmDialectInterface)
    assert resources is not None
    resources._blob_storage.clear()  # of the process: a name met before would be changed
    module = Parser(context, text).parse_module()
    out = io.StringIO()
    printer = Printer(out, print_generic_format=True)
    printer.print_op(module)
    printer.print_metadata(context.loaded_dialects)
    return out.getvalue()


def assert_xdsl_agrees(module: Module) -> None:
    found = difference(
        module, parse_module(through_xdsl(print_module(module)), resources_of(module))
    )
    assert found is None


# MLIR that xDSL 0.74 does not read: numbers without a decimal form inside an array or a dense list,
# quoted names of resources, keys with escapes (told here by any backslash).
_BEYOND = re.compile(r'array<f64:[^>]*0x|dense<[^">]*0x|dense_resource<"|\\')


def _beyond_xdsl(module: Module) -> bool:
    return _BEYOND.search(print_module(module)) is not None


@settings(max_examples=15, phases=[Phase.explicit, Phase.generate])
@given(modules().filter(lambda m: not _beyond_xdsl(m)))
def test_any_module(module):
    assert_xdsl_agrees(module)


TFL = """
"kern.func"() ({
^bb0(%x: tensor<1x4x4x2x!quant.uniform<i8:f32, 0.0235:-3>>):
  %w = "tfl.pseudo_const"() {value = dense_resource<t1> : tensor<3x1x1x2xsi8>} : () -> tensor<3x1x1x2x!quant.uniform<i8:f32:0, {0.1:0, 0.2:0, 0.3:0}>>
  %b = "tfl.no_value"() : () -> none
  %y = "tfl.conv_2d"(%x, %w, %b) {padding = "SAME", stride_h = 1 : i64, fused_activation_function = "NONE"} : (tensor<1x4x4x2x!quant.uniform<i8:f32, 0.0235:-3>>, tensor<3x1x1x2x!quant.uniform<i8:f32:0, {0.1:0, 0.2:0, 0.3:0}>>, none) -> tensor<1x4x4x3x!quant.uniform<i8:f32, 0.5:0>>
  "kern.return"(%y) : (tensor<1x4x4x3x!quant.uniform<i8:f32, 0.5:0>>) -> ()
}) {arg_names = ["x"], arg_tensors = array<i64: 0>, sym_name = "main"} : () -> ()
"""
LOOP = """
"loop.func"() ({
^bb0(%p: !loop.ptr, %b: index, %e: index):
  %z = "arith.constant"() {value = dense<0> : tensor<8xsi32>} : () -> vector<8xi32>
  %s = "loop.for"(%b, %e, %z) ({
  ^bb0(%i: index, %acc: vector<8xi32>):
    %v = "loop.load"(%p, %i) {align = 32, invariant = true} : (!loop.ptr, index) -> vector<8xi32>
    %n = "arith.addi"(%acc, %v) : (vector<8xi32>, vector<8xi32>) -> vector<8xi32>
    "loop.yield"(%n) : (vector<8xi32>) -> ()
  }) {step = 8} : (index, index, vector<8xi32>) -> vector<8xi32>
  "loop.store"(%s, %p, %b) : (vector<8xi32>, !loop.ptr, index) -> ()
  "loop.return"() : () -> ()
}) {sym_name = "k"} : () -> ()
"loop.program"() ({
  "loop.step"() {callee = @k, trip = 8, args = [{space = "arena", offset = 0}], barrier = true} : () -> ()
}) {sym_name = "run", arena_bytes = 64} : () -> ()
"""


@pytest.mark.parametrize("text", [TFL, LOOP], ids=["tfl", "loop"])
def test_levels(text):
    from litefuse.compiler.ir.parser import made_up_weights

    assert_xdsl_agrees(parse_module(text, made_up_weights))


def test_resources_are_mlirs():
    from litefuse.compiler.ir.attributes import Resource

    module = Module()
    value = Resource("w", np.arange(4, dtype=np.float32))
    module.block.append(Operation("t.w", (), (), {"value": value}))
    printed = through_xdsl(print_module(module, resources=True))
    assert '"0x40000000' + value.array.tobytes().hex().upper() + '"' in printed
    assert difference(parse_module(printed), module) is None


def test_every_level_of_a_real_network(corpus):
    """Text after every pass of a real compilation, from import to loops."""
    from litefuse.compiler.driver import PIPELINE, plan_subgraph, resolve
    from litefuse.compiler.frontend.import_partition import import_partition
    from litefuse.compiler.ir.passes import PassContext, PassManager
    from litefuse.runtime.model import read_model
    from litefuse.runtime.options import Options

    model = read_model(corpus / "networks" / "mltk-tflite-micro-magic-wand.tflite")
    options = Options()
    module = import_partition(model, plan_subgraph(model, 0, options).partitions[0])
    context = PassContext(target=resolve(None), options=options)
    assert_xdsl_agrees(module)
    seen = print_module(module)
    for p in PIPELINE:
        PassManager([p]).run(module, context)
        if print_module(module) != seen:
            assert_xdsl_agrees(module)
            seen = print_module(module)
