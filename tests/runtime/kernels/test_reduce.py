"""What LiteRT cannot be compared with, and what it does to int8 in figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.runtime.kernels.one_op import Arg, build, quantization, rng, run, seeds, shapes, values


def _sum(x: np.ndarray, axes: list[int], q: dict[str, Any], p: dict[str, Any]) -> np.ndarray:
    content = build(
        "SUM",
        [Arg(x, **q), Arg(np.array(axes, np.int32), constant=True)],
        [Arg(shape=(1,), dtype=str(x.dtype), **p)],
    )
    kind = OpResolverType.BUILTIN_REF
    ours = Interpreter(model_content=content, experimental_op_resolver_type=kind)
    (got,) = run(ours, [x])
    return np.asarray(got)


@given(shapes(1, 4), st.data(), seeds)
def test_int16_sum_is_within_two_roundings(
    shape: tuple[int, ...], data: st.DataObject, seed: int
) -> None:
    """LiteRT 2.3.0 leaves half of its output unwritten."""
    axes = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=3))
    (s_x, _), (s_y, _) = data.draw(quantization("int16")), data.draw(quantization("int16"))
    x = values(rng(seed), shape, "int16")
    got = _sum(x, axes, {"scale": s_x, "zero_point": 0}, {"scale": s_y, "zero_point": 0})
    total = x.sum(axis=tuple({a % len(shape) for a in axes}), dtype=np.float64) * float(s_x or 1)
    want = np.clip(total / float(s_y or 1), -32768, 32767)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= 0.76


def test_int8_sum_goes_by_unsigned_bytes() -> None:
    x = np.array([[1, 2, 3], [-4, -5, -6]], np.int8)
    one, two = {"scale": 1.0, "zero_point": 0}, {"scale": 2.0, "zero_point": 0}
    assert _sum(x, [1], one, one).tolist() == [6, -1]
    assert _sum(x, [0], one, two).tolist() == [127, 127, 127]
