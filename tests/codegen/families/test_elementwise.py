"""Elementwise kernels: every role, padded and dense operands, conversions between storage types."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.types import F32, tensor
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function, body_of

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=5).map(tuple)


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(
    shape=SHAPES,
    roles=st.lists(st.sampled_from(["pixel", "channel", "scalar"]), min_size=1, max_size=2),
    parts=st.integers(1, 3),
)
def test_roles(target: str, shape: tuple[int, ...], roles: list[str], parts: int) -> None:
    shapes = {"pixel": shape, "channel": shape[-1:], "scalar": ()}
    types = [tensor(shape, F32), *(tensor(shapes[r], F32) for r in roles)]
    f = Function(*types)
    y = f.op("kern.map", f.inputs, tensor(shape, F32), {"roles": ["pixel", *roles]},
             body_of(types, lambda b: b.op("subf", b.args[0], b.op("maxf", b.args[-1], b.args[1]))))  # fmt: skip
    module = f.returns(y)
    rng = np.random.default_rng(3)
    inputs = [rng.standard_normal(t.shape).astype(np.float32) for t in types]
    np.testing.assert_array_equal(
        kern_run.run(module, inputs, target, parts)[0], kern_interpreter.run(module, inputs)[0]
    )


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(shape=SHAPES, data=st.data())
def test_broadcast(target: str, shape: tuple[int, ...], data: st.DataObject) -> None:
    ones = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    drop = data.draw(st.integers(0, len(shape) - 1))
    small = tuple(1 if one else d for d, one in zip(shape, ones, strict=True))[drop:]
    f = Function(tensor(shape, Q8), tensor(small, Q8))
    y = f.op("kern.map", f.inputs, tensor(shape, Q8), {"roles": ["broadcast", "broadcast"]},
             body_of([Q8, Q8], lambda b: b.clamp_int(b.op("addi", b.args[0], b.args[1]), -128, 127)))  # fmt: skip
    module = f.returns(y)
    rng = np.random.default_rng(4)
    inputs = [rng.integers(-128, 128, s).astype(np.int8) for s in (shape, small)]
    np.testing.assert_array_equal(
        kern_run.run(module, inputs, target)[0], kern_interpreter.run(module, inputs)[0]
    )


@pytest.mark.parametrize("target", kern_run.all_targets())
def test_a_large_map_is_cut_into_units(target: str) -> None:
    shape = (1, 32, 32, 16)
    f = Function(tensor(shape, F32))
    y = f.op("kern.map", f.inputs, tensor(shape, F32), {"roles": ["pixel"]},
             body_of([F32], lambda b: b.op("mulf", b.args[0], b.f32(3.0))))  # fmt: skip
    module = f.returns(y)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for parts in (1, 2, 5):
        np.testing.assert_array_equal(kern_run.run(module, [x], target, parts)[0], x * 3)
