"""Softmax: float within a few ulp of the exact one, int8 to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.types import F32, SI8, QuantizedType, tensor
from litefuse.runtime.kernels.gemmlowp import softmax_int8_table, softmax_scaling
from tests import kern_interpreter, kern_run
from tests.kern_build import Function


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(rows=st.integers(1, 4), depth=st.integers(1, 70), spread=st.sampled_from([0.1, 1.0, 20.0, 300.0]), beta=st.sampled_from([1.0, 0.3]),
       parts=st.integers(1, 2))  # fmt: skip
def test_float(target: str, rows: int, depth: int, spread: float, beta: float, parts: int) -> None:
    f = Function(tensor((rows, depth), F32))
    y = f.op("kern.softmax", f.inputs, tensor((rows, depth), F32), {"beta": beta})
    module = f.returns(y)
    x = (np.random.default_rng(depth).standard_normal((rows, depth)) * spread).astype(np.float32)
    found, expected = (
        kern_run.run(module, [x], target, parts)[0],
        kern_interpreter.run(module, [x])[0],
    )
    # exp's argument is rounded (relative error up to |x| 2^-24), the polynomial adds 2^-22, the sum depth 2^-24
    worst = float(np.abs(x).max()) * 2 * 2.0**-24 + 2.0**-22 + (depth + 4) * 2.0**-24
    np.testing.assert_allclose(found, expected, rtol=2 * worst, atol=2.0**-120)


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(
    rows=st.integers(1, 3),
    depth=st.integers(1, 40),
    scale=st.sampled_from([0.003, 0.05, 0.25, 1.0]),
    low=st.integers(-128, 127),
)
def test_int8_is_exact(target: str, rows: int, depth: int, scale: float, low: int) -> None:
    element, result = (
        QuantizedType(SI8, (float(np.float32(scale)),), (5,)),
        QuantizedType(SI8, (1 / 256,), (-128,)),
    )
    multiplier, shift, diff_min = softmax_scaling(1.0, element.scale)
    f = Function(tensor((rows, depth), element))
    table = f.constant(softmax_int8_table(1.0, element.scale))
    y = f.op("kern.softmax", [f.inputs[0], table], tensor((rows, depth), result),
             {"beta": 1.0, "multiplier": multiplier, "shift": shift, "diff_min": diff_min})  # fmt: skip
    module = f.returns(y)
    x = np.random.default_rng(depth).integers(low, 128, (rows, depth)).astype(np.int8)
    np.testing.assert_array_equal(
        kern_run.run(module, [x], target)[0], kern_interpreter.run(module, [x])[0]
    )
