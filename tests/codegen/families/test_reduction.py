"""Sums, maxima and minima over any axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.types import F32, SI32, tensor
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function, body_of


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(
    shape=st.lists(st.integers(1, 11), min_size=1, max_size=4).map(tuple),
    kind=st.sampled_from(["sum", "max", "min"]),
    integer=st.booleans(),
    data=st.data(),
)
def test_reduce(
    target: str, shape: tuple[int, ...], kind: str, integer: bool, data: st.DataObject
) -> None:
    axes = data.draw(
        st.sets(st.integers(0, len(shape) - 1), min_size=1).map(lambda s: tuple(sorted(s)))
    )
    keep = data.draw(st.booleans())
    out = (
        tuple(1 if d in axes else n for d, n in enumerate(shape))
        if keep
        else tuple(n for d, n in enumerate(shape) if d not in axes)
    )
    element, scalar = (Q8, SI32) if integer else (F32, F32)
    f = Function(tensor(shape, element))
    y = f.op("kern.reduce", f.inputs, tensor(out, element), {"kind": kind, "axes": axes, "roles": [], "keep_dims": keep},
             body_of([scalar], lambda b: b.clamp_int(b.args[0], -128, 127) if integer else b.args[0]))  # fmt: skip
    module = f.returns(y)
    rng = np.random.default_rng(5)
    x = (
        rng.integers(-128, 128, shape).astype(np.int8)
        if integer
        else rng.standard_normal(shape).astype(np.float32)
    )
    found, expected = kern_run.run(module, [x], target)[0], kern_interpreter.run(module, [x])[0]
    if integer or kind != "sum":
        np.testing.assert_array_equal(found, expected)
    else:  # n additions round at most n times, each by half an ulp of a partial sum
        n = x.size
        np.testing.assert_allclose(
            found, expected, rtol=0, atol=n * 2.0**-23 * float(np.abs(x).sum())
        )
