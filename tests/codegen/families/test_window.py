"""Pooling as machine code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.core import Value
from litefuse.compiler.ir.types import F32, SI32, tensor
from litefuse.passes.support.body import Body
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function, body_of


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    before=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    size=st.tuples(st.integers(1, 2), st.integers(4, 9), st.integers(4, 9), st.integers(1, 37)),
    kind=st.sampled_from(["max", "sum"]),
    integer=st.booleans(),
    parts=st.integers(1, 2),
)
def test_window(
    target: str, window: tuple[int, int], strides: tuple[int, int], before: tuple[int, int],
    size: tuple[int, int, int, int], kind: str, integer: bool, parts: int,
) -> None:  # fmt: skip
    """SAME-like padding in front (less than the window), whatever is needed behind."""
    top, left = min(before[0], window[0] - 1), min(before[1], window[1] - 1)
    oh, ow = (size[1] + top - 1) // strides[0] + 1, (size[2] + left - 1) // strides[1] + 1
    bottom = max(0, (oh - 1) * strides[0] + window[0] - size[1] - top)
    right = max(0, (ow - 1) * strides[1] + window[1] - size[2] - left)
    element = Q8 if integer else F32
    f = Function(tensor(size, element))

    def epilogue(b: Body) -> Value:
        v, count = b.args
        if kind == "max":
            return b.clamp_int(v, -100, 90) if integer else b.clamp_float(v, None, 1.5)
        return b.op("divsi", v, count) if integer else b.op("divf", v, count)

    scalar = SI32 if integer else F32
    y = f.op("kern.window", [f.inputs[0]], tensor((size[0], oh, ow, size[3]), element),
             {"kind": kind, "window": window, "strides": strides, "pad": (top, bottom, left, right), "roles": []},
             body_of([scalar, scalar], epilogue))  # fmt: skip
    module = f.returns(y)
    rng = np.random.default_rng(7)
    x = (
        rng.integers(-128, 128, size).astype(np.int8)
        if integer
        else rng.standard_normal(size).astype(np.float32)
    )
    found = kern_run.run(module, [x], target, parts)[0]
    expected = kern_interpreter.run(module, [x])[0]
    if integer or kind == "max":
        np.testing.assert_array_equal(found, expected)
    else:  # a mean of up to 16 numbers of one sign or the other: 16 roundings of their sum
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=4e-6)
