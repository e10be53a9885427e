"""LSH_PROJECTION of strings, whose bytes are cut where their serialised form falls into parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.kernels.one_op import Arg, build, check, litert, rng, seeds, values

KINDS = ("int32", "float32", "int8", "uint8", "int16", "int64", "float64", "bool")


@given(
    st.integers(1, 4),
    st.integers(1, 32),
    st.lists(st.integers(1, 12), min_size=1, max_size=3),
    st.sampled_from(KINDS),
    st.sampled_from(("SPARSE", "DENSE", "UNKNOWN")),
    st.booleans(),
    seeds,
)
def test_numbers(
    hashes: int, bits: int, shape: list[int], kind: str, form: str, weighted: bool, seed: int
) -> None:
    r = rng(seed)
    ins = [Arg(values(r, (hashes, bits), "float32"), constant=True), Arg(values(r, shape, kind))]
    if weighted:
        ins.append(Arg(values(r, shape[:1], "float32")))
    check("LSH_PROJECTION", ins, [Arg(shape=(1,), dtype="int32")], type=form)


def result(interpreter: Any, data: np.ndarray) -> np.ndarray:
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], data)
    interpreter.invoke()
    out: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return out


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=6), st.booleans(), seeds)
def test_strings(texts: list[bytes], weighted: bool, seed: int) -> None:
    r = rng(seed)
    data = np.array([*texts, b""], object)[:-1]  # NumPy would cut trailing zeros off a plain array
    ins: list[Arg | None] = [
        Arg(values(r, (2, 9), "float32"), constant=True),
        Arg(data, dtype="string"),
    ]
    if weighted:
        ins.append(Arg(values(r, data.shape, "float32"), constant=True))
    content = build("LSH_PROJECTION", ins, [Arg(shape=(2,), dtype="int32")], type="SPARSE")
    want = result(litert(content), data)
    np.testing.assert_array_equal(result(Interpreter(model_content=content), data), want)


@pytest.mark.parametrize(
    ("seeds_shape", "item_shape", "weight_shape", "rule"),
    [
        ((2, 33), (3,), None, "at most 32"),
        ((2,), (3,), None, "rank 1"),
        ((2, 3), (), None, "at least one item"),
        ((2, 3), (3,), (2,), "weights"),
    ],
)
def test_refusals(
    seeds_shape: tuple[int, ...],
    item_shape: tuple[int, ...],
    weight_shape: tuple[int, ...] | None,
    rule: str,
) -> None:
    shapes = [seeds_shape, item_shape, *([weight_shape] if weight_shape else [])]
    ins = [Arg(shape=shape) for shape in shapes]
    content = build("LSH_PROJECTION", ins, [Arg(shape=(1,), dtype="int32")], type="SPARSE")
    with pytest.raises(RuntimeError):
        litert(content).allocate_tensors()
    with pytest.raises(RuntimeError, match=rule):
        Interpreter(model_content=content).allocate_tensors()
