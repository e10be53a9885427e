from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import KERNELS, run_node
from litefuse.runtime.kernels.running_error import Near, exact
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound
from tests.runtime.kernels.one_op import Arg, build, node_of, rng, seeds, values


@given(seeds)
def test_two_float32_computations_stay_within_the_error(seed: int) -> None:
    r = rng(seed)
    a, b, c = (r.standard_normal((4, 5)).astype(np.float32) for _ in range(3))
    near = ((exact(a) * exact(b) + exact(c)).sigmoid() * exact(a)).activated(4)

    def compute(dtype: type) -> np.ndarray:
        x, y, z = (v.astype(dtype) for v in (a, b, c))
        return np.tanh(x / (1 + np.exp(-(z + y * x))))

    gap = np.abs(compute(np.float32).astype(np.float64) - compute(np.float64))
    assert (gap <= near.error).all()
    assert near.error.max() < 1e-4


@given(st.integers(2, 6), seeds)
def test_a_normalised_row_keeps_its_error_small(n: int, seed: int) -> None:
    x = rng(seed).standard_normal((3, n))
    found = exact(x).normalised()
    np.testing.assert_allclose(found.value.mean(axis=1), 0, atol=1e-9)
    narrow = x.astype(np.float32)
    centred = narrow - narrow.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + np.float32(1e-8))
    whole = Near(x, np.abs(narrow - x)).normalised()
    assert (np.abs(centred / deviation - whole.value) <= whole.error).all()


def test_an_error_goes_through_a_product_and_not_beyond() -> None:
    off = Near(np.array([2.0]), np.array([0.5]))
    found = off * exact(np.array([3.0]))
    np.testing.assert_allclose(found.error, 1.5, rtol=1e-5)
    np.testing.assert_allclose(off.sigmoid().error, 0.125, rtol=1e-4)
    np.testing.assert_array_equal(off.clipped(1.0).value, [1.0])


@given(st.integers(2, 12), seeds)
def test_a_long_sequence_does_not_loosen_the_bound(time: int, seed: int) -> None:
    r = rng(seed)
    units, depth = 4, 3
    inputs: list[Arg | None] = [Arg(values(r, (1, time, depth), "float32"))]
    inputs += [Arg(values(r, (units, depth), "float32", 2.0), constant=True) for _ in range(4)]
    inputs += [Arg(values(r, (units, units), "float32", 2.0), constant=True) for _ in range(4)]
    inputs += [None] * 3
    inputs += [Arg(values(r, (units,), "float32"), constant=True) for _ in range(4)]
    inputs += [None] * 2
    inputs += [Arg(shape=(1, units), dtype="float32", variable=True) for _ in range(2)]
    content = build(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        [Arg(shape=(1, time, units))],
        fused_activation_function="TANH",
    )
    feed = inputs[0].data if inputs[0] is not None else None
    assert feed is not None
    kernel = KERNELS["UNIDIRECTIONAL_SEQUENCE_LSTM"]
    (right,) = run_node(kernel, node_of(content, [feed]))
    (allowed,) = allowed_differences(kernel, node_of(content, [feed]), [right])
    assert allowed is not None
    assert allowed.max() < 1e-3
    wrong = right.copy()
    wrong[0, -1] += 0.01
    assert part_of_bound(wrong, right, allowed) > 1
