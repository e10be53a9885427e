from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.kernels import KERNELS
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound
from tests.runtime.kernels.one_op import Arg, build, node_of


def allowed(op: str, want: np.ndarray) -> np.ndarray | None:
    content = build(op, [Arg(np.zeros(want.shape, want.dtype))], [Arg(shape=want.shape)])
    (found,) = allowed_differences(
        KERNELS[op], node_of(content, [np.zeros(want.shape, want.dtype)]), [want]
    )
    return found


def test_ulps_follow_each_element() -> None:
    want = np.float32([1.0, 1024.0, 0.0, -1.0])
    found = allowed("EXP", want)
    assert found is not None
    np.testing.assert_allclose(found[:2], KERNELS["EXP"].ulp * np.spacing(want[:2]))
    assert found[0] == found[3]
    assert 0 < found[2] < 1e-37  # what a flush to zero may take


def test_an_op_without_a_bound_allows_nothing() -> None:
    found = allowed("NEG", np.float32([1.0, 2.0]))
    assert found is not None
    assert not found.any()


def test_the_largest_float_has_a_bound() -> None:
    found = allowed("EXP", np.float32([np.finfo(np.float32).max, np.inf, np.nan]))
    assert found is not None
    assert np.isfinite(found).all()


def test_integers_are_equal() -> None:
    assert allowed("NEG", np.int32([1])) is None
    assert part_of_bound(np.int32([1]), np.int32([1]), None) == 0
    assert part_of_bound(np.int32([1]), np.int32([2]), None) == np.inf


@pytest.mark.parametrize(
    ("got", "part"),
    [
        ([1.5], 0.5),
        ([3.0], 2.0),
        ([1.0], 0.0),
        ([np.nan], np.inf),
        ([np.inf], np.inf),
    ],
)
def test_the_part_of_what_is_allowed(got: list[float], part: float) -> None:
    assert part_of_bound(np.float32(got), np.float32([1.0]), np.array([1.0])) == part


def test_special_values_are_equal_to_themselves() -> None:
    both = np.float32([np.nan, np.inf, -np.inf])
    assert part_of_bound(both, both.copy(), np.zeros(3)) == 0
    assert part_of_bound(both, -both, np.zeros(3)) == np.inf
    assert part_of_bound(-both, both, np.full(3, np.inf)) == 0


def test_shapes_and_types_are_equal() -> None:
    x = np.zeros((2, 1), np.float32)
    assert part_of_bound(x, x.reshape(1, 2), np.ones((1, 2))) == np.inf
    assert part_of_bound(x.astype(np.float64), x, np.ones((2, 1))) == np.inf


def test_parts_of_complex_numbers_are_held_alike() -> None:
    want = np.complex64([1 + 1j])
    assert part_of_bound(np.complex64([1.5 + 1j]), want, np.array([1.0])) == 0.5
    assert part_of_bound(np.complex64([1 + 3j]), want, np.array([1.0])) == 2.0
