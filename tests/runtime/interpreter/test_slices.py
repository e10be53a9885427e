"""Nodes cut into slices give what they give whole, and what LiteRT gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime import interpreter as ours
from litefuse.runtime.interpreter import slices
from litefuse.runtime.kernels import KERNELS
from litefuse.runtime.model.build import ModelBuilder

UNARY = ("RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "SOFTMAX", "ABS")
BINARY = ("ADD", "SUB", "MUL", "MAXIMUM", "SQUARED_DIFFERENCE")
OPTIONS: dict[str, dict[str, Any]] = {"SOFTMAX": {"beta": 1.0}, "LEAKY_RELU": {"alpha": 0.3}}
SHAPES = ((1, 5, 3, 2), (3, 4), (1, 1, 7), (2, 1, 6), (17,))


def outputs(content: bytes, module: Any, arrays: list[np.ndarray]) -> np.ndarray:
    interpreter = module.Interpreter(
        model_content=content, experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for details, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(details["index"], array)
    interpreter.invoke()
    found: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return found


def cut(content: bytes, arrays: list[np.ndarray], elements: int) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_INTEGERS", elements)
        patch.setattr(slices, "_FLOATS", elements)
        return outputs(content, ours, arrays)


def model(op: str, kind: str, shapes: list[tuple[int, ...]], out: tuple[int, ...]) -> bytes:
    b = ModelBuilder()
    scale: dict[str, Any] = {} if kind == "float32" else {"scale": 0.125, "zero_point": -3}
    softmax: dict[str, Any] = {"scale": 1 / 256, "zero_point": -128}
    inputs = [b.add_tensor(f"x{i}", s, kind, **scale) for i, s in enumerate(shapes)]
    last = softmax if scale and op == "SOFTMAX" else scale
    y = b.add_tensor("y", out, kind, **last)
    b.add_op(op, inputs, [y], **OPTIONS.get(op, {}))
    return b.finish_bytes(inputs, [y])


def data(kind: str, shapes: list[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    r = np.random.default_rng(seed)
    if kind == "float32":
        return [r.standard_normal(s).astype(np.float32) for s in shapes]
    return [r.integers(-128, 128, s).astype(np.int8) for s in shapes]


@given(
    st.sampled_from(UNARY),
    st.sampled_from(("float32", "int8")),
    st.sampled_from(SHAPES),
    st.sampled_from((1, 4, 11)),
)
def test_one_input(op: str, kind: str, shape: tuple[int, ...], elements: int) -> None:
    content, arrays = model(op, kind, [shape], shape), data(kind, [shape], elements)
    mine = cut(content, arrays, elements)
    np.testing.assert_array_equal(mine, outputs(content, ours, arrays))
    np.testing.assert_allclose(mine, outputs(content, litert, arrays), rtol=1e-5, atol=1e-6)


@given(
    st.sampled_from(BINARY),
    st.sampled_from(("float32", "int8")),
    st.sampled_from(SHAPES),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.booleans(),
    st.sampled_from((1, 4, 11)),
)
def test_two_inputs_that_broadcast(
    op: str,
    kind: str,
    shape: tuple[int, ...],
    ones: list[bool],
    short: bool,
    elements: int,
) -> None:
    other = tuple(1 if one else d for d, one in zip(shape, ones, strict=False))
    shapes = [shape, other[1:] if short else other]
    if elements == 4:
        shapes.reverse()
    content, arrays = model(op, kind, shapes, shape), data(kind, shapes, elements)
    mine = cut(content, arrays, elements)
    np.testing.assert_array_equal(mine, outputs(content, ours, arrays))
    np.testing.assert_array_equal(mine, outputs(content, litert, arrays))


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_scales_along_an_axis(axis: int) -> None:
    """A node with a scale for each index of the axis is not cut there."""
    b = ModelBuilder()
    shape = (3, 5, 2, 4)
    count = shape[axis]
    x = b.add_tensor(
        "x",
        shape,
        "int8",
        scale=np.linspace(0.1, 1, count, dtype=np.float32),
        zero_point=np.zeros(count, np.int64),
        quantized_dimension=axis,
    )
    y = b.add_tensor("y", shape, "float32")
    b.add_op("DEQUANTIZE", [x], [y])
    content, arrays = b.finish_bytes([x], [y]), data("int8", [shape], axis)
    mine = cut(content, arrays, 3)
    np.testing.assert_array_equal(mine, outputs(content, litert, arrays))


def test_a_reused_place_is_read_before_it_is_written() -> None:
    """x * x + x in place, in slices."""
    b = ModelBuilder()
    tensors = [b.add_tensor(f"t{i}", (9, 5), "float32") for i in range(4)]
    b.add_op("NEG", [0], [1])
    b.add_op("MUL", [1, 1], [2])
    b.add_op("ADD", [2, 0], [3])
    content = b.finish_bytes([tensors[0]], [tensors[3]])
    x = np.random.default_rng(0).standard_normal((9, 5)).astype(np.float32)
    np.testing.assert_array_equal(cut(content, [x], 7), x * x + x)


def test_every_op_in_the_table_has_a_kernel() -> None:
    assert set(slices.ROW_BY_ROW) <= set(KERNELS)
