from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels import KERNELS, NodeContext, run_node
from litefuse.runtime.kernels.bounds import UNIT, gamma, rounded
from litefuse.runtime.kernels.custom import CUSTOM_KERNELS
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound
from tests.runtime.kernels.one_op import Arg, build, node_of, rng, seeds


def node(op: str, *inputs: np.ndarray, **options: object) -> NodeContext:
    args = [Arg(a, constant=i > 0) for i, a in enumerate(inputs)]
    content = build(op, args, [Arg(shape=(1, 1))], **options)
    return node_of(content, [inputs[0]])


def test_gamma_is_highams() -> None:
    assert gamma(1) == pytest.approx(UNIT, rel=1e-6)
    assert gamma(1000) == pytest.approx(1000 * UNIT, rel=1e-3)
    assert gamma(2**24) == np.inf


def test_a_magnitude_that_overflows_allows_anything() -> None:
    with np.errstate(over="ignore"):
        allowed = rounded(3, np.array([1.0, 3e38, 1e39]).astype(np.float32))
    assert allowed[0] == 2 * gamma(3)
    assert np.isfinite(allowed[1])
    assert allowed[2] == np.inf


@given(st.integers(1, 400), st.integers(-6, 6), seeds)
def test_any_order_of_summation_is_within_the_bound(depth: int, scale: int, seed: int) -> None:
    r = rng(seed)
    x = (r.standard_normal((2, depth)) * 10.0**scale).astype(np.float32)
    w = r.standard_normal((3, depth)).astype(np.float32)
    bias = r.standard_normal(3).astype(np.float32)
    ctx = node("FULLY_CONNECTED", x, w, bias)
    orders = []
    for order in (np.arange(depth), np.arange(depth)[::-1], r.permutation(depth)):
        total = np.zeros((2, 3), np.float32)
        for k in order:
            total += x[:, k, None] * w[None, :, k]
        orders.append(total + bias)
    orders.append((x.astype(np.float64) @ w.T.astype(np.float64) + bias).astype(np.float32))
    orders.append(run_node(KERNELS["FULLY_CONNECTED"], ctx)[0])
    (allowed,) = allowed_differences(KERNELS["FULLY_CONNECTED"], ctx, [orders[0]])
    for other in orders[1:]:
        assert part_of_bound(other, orders[0], allowed) <= 1


@given(st.integers(1, 200), seeds)
def test_a_product_left_out_is_beyond_the_bound(depth: int, seed: int) -> None:
    r = rng(seed)
    x = r.uniform(0.5, 1, (1, depth)).astype(np.float32)
    w = r.uniform(0.5, 1, (1, depth)).astype(np.float32)
    ctx = node("FULLY_CONNECTED", x, w, np.zeros(1, np.float32))
    (right,) = run_node(KERNELS["FULLY_CONNECTED"], ctx)
    (allowed,) = allowed_differences(KERNELS["FULLY_CONNECTED"], ctx, [right])
    assert part_of_bound(right - x[0, 0] * w[0, 0], right, allowed) > 10


def test_a_fused_activation_does_not_narrow_the_bound() -> None:
    x, w = np.float32([[1.0, -1.0]]), np.float32([[1.0, 1.0]])
    ctx = node("FULLY_CONNECTED", x, w, np.zeros(1, np.float32), fused_activation_function="RELU")
    (allowed,) = allowed_differences(
        KERNELS["FULLY_CONNECTED"], ctx, [np.zeros((1, 1), np.float32)]
    )
    assert allowed is not None
    assert allowed[0, 0] == pytest.approx(2 * gamma(3) * 2, rel=1e-6)


def test_hybrid_sums_are_exact_and_their_bound_is_of_the_result() -> None:
    x = np.float32([[100.0, -100.0]])
    content = build(
        "FULLY_CONNECTED",
        [
            Arg(x),
            Arg(np.int8([[1, 1]]), scale=np.float32(1), zero_point=0, constant=True),
            Arg(np.float32([3.0]), constant=True),
        ],
        [Arg(shape=(1, 1))],
    )
    ctx = node_of(content, [x])
    (allowed,) = allowed_differences(KERNELS["FULLY_CONNECTED"], ctx, [np.float32([[3.0]])])
    assert allowed is not None
    assert allowed[0, 0] == pytest.approx(2 * gamma(4) * 3, rel=1e-6)


def test_log_softmax_of_equal_numbers_is_bounded_by_its_logarithm() -> None:
    x = np.zeros((1, 1000), np.float32)
    ctx = node("LOG_SOFTMAX", x)
    (y,) = run_node(KERNELS["LOG_SOFTMAX"], ctx)
    (allowed,) = allowed_differences(KERNELS["LOG_SOFTMAX"], ctx, [y])
    assert part_of_bound(np.full_like(y, -np.log(1000)), y, allowed) <= 1
    assert allowed is not None
    assert allowed.max() < 2e-4


def test_every_bound_has_a_text() -> None:
    for table in (KERNELS, CUSTOM_KERNELS):
        for name in table:
            bound = table[name].bound
            assert bound is None or (bound.text and "|" not in bound.text), name
