"""Pads, concatenations, transposes, slices and nearest resizes: bytes arrive where NumPy puts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.compiler.ir.types import F32, tensor
from tests import kern_interpreter, kern_run
from tests.kern_build import Q8, Function

SHAPES = st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple)


def check(
    f: Function, value: object, inputs: list[np.ndarray], target: str, parts: int = 1
) -> None:
    module = f.returns(value)  # type: ignore[arg-type]
    np.testing.assert_array_equal(
        kern_run.run(module, inputs, target, parts)[0], kern_interpreter.run(module, inputs)[0]
    )


def sample(shape: tuple[int, ...], integer: bool) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    return (
        rng.integers(-128, 128, shape).astype(np.int8)
        if integer
        else rng.standard_normal(shape).astype(np.float32)
    )


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(shape=SHAPES, integer=st.booleans(), data=st.data())
def test_pad(target: str, shape: tuple[int, ...], integer: bool, data: st.DataObject) -> None:
    counts = st.lists(st.integers(0, 3), min_size=len(shape), max_size=len(shape)).map(tuple)
    low, high = data.draw(counts), data.draw(counts)
    element = Q8 if integer else F32
    out = tuple(a + n + b for a, n, b in zip(low, shape, high, strict=True))
    f = Function(tensor(shape, element))
    y = f.op(
        "kern.pad",
        f.inputs,
        tensor(out, element),
        {"low": low, "high": high, "value": -7 if integer else -7.5},
    )
    check(f, y, [sample(shape, integer)], target)


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(shape=SHAPES, integer=st.booleans(), data=st.data())
def test_concat(target: str, shape: tuple[int, ...], integer: bool, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    element = Q8 if integer else F32
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in sizes]
    f = Function(*(tensor(s, element) for s in shapes))
    out = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    y = f.op("kern.concat", f.inputs, tensor(out, element), {"axis": axis})
    check(f, y, [sample(s, integer) for s in shapes], target)


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(shape=SHAPES, data=st.data())
def test_transpose_and_slice(target: str, shape: tuple[int, ...], data: st.DataObject) -> None:
    permutation = data.draw(st.permutations(range(len(shape)))) if shape else []
    f = Function(tensor(shape, F32))
    moved = tuple(shape[p] for p in permutation)
    t = f.op("kern.transpose", f.inputs, tensor(moved, F32), {"permutation": tuple(permutation)})
    begin = tuple(data.draw(st.integers(0, n - 1)) for n in moved)
    strides = tuple(data.draw(st.integers(1, 3)) for _ in moved)
    size = tuple(
        data.draw(st.integers(1, (n - b - 1) // s + 1))
        for n, b, s in zip(moved, begin, strides, strict=True)
    )
    y = f.op("kern.slice", [t], tensor(size, F32), {"begin": begin, "strides": strides})
    check(f, y, [sample(shape, False)], target)


@pytest.mark.parametrize("target", kern_run.all_targets())
@given(
    size=st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5), st.integers(1, 19)),
    integer=st.booleans(), parts=st.integers(1, 2), data=st.data(),
)  # fmt: skip
def test_resize_nearest(
    target: str, size: tuple[int, ...], integer: bool, parts: int, data: st.DataObject
) -> None:
    rows = tuple(sorted(data.draw(st.lists(st.integers(0, size[1] - 1), min_size=1, max_size=8))))
    columns = tuple(
        sorted(data.draw(st.lists(st.integers(0, size[2] - 1), min_size=1, max_size=8)))
    )
    element = Q8 if integer else F32
    f = Function(tensor(size, element))
    y = f.op("kern.resize_nearest", f.inputs, tensor((size[0], len(rows), len(columns), size[3]), element),
             {"rows": rows, "columns": columns})  # fmt: skip
    check(f, y, [sample(size, integer)], target, parts)
