"""One-op models run by LiteRT's reference kernels and by ours, and compared."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from litefuse.runtime.kernels import KERNELS, NodeContext, TensorValue
from litefuse.runtime.kernels.tolerance import allowed_differences, part_of_bound
from litefuse.runtime.model import read_model
from tests.conformance.case import Arg, case
from tests.conformance.litert_server import make_litert as litert

REAL = ("float32",)
QUANTIZED = ("int8", "uint8")


def build(
    op: str,
    inputs: Sequence[Arg | None],
    outputs: Sequence[Arg],
    intermediates: Sequence[Arg] = (),
    **options: Any,
) -> bytes:
    """The bytes of a model with this one op."""
    return case(op, inputs, outputs, intermediates=intermediates, **options).content()


def run(interpreter: Any, feeds: Sequence[np.ndarray], times: int = 1) -> list[np.ndarray]:
    """Feed, invoke and read the outputs."""
    interpreter.allocate_tensors()
    for _ in range(times):
        for details, value in zip(interpreter.get_input_details(), feeds, strict=True):
            interpreter.set_tensor(details["index"], value)
        interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def node_of(content: bytes, feeds: Sequence[np.ndarray]) -> NodeContext:
    """The node of a one-op model with the data of its inputs, its variables zero (as before a first
    run).
    """
    model = read_model(content)
    graph = model.subgraphs[0]
    op = graph.operators[0]
    given = dict(zip(graph.inputs, feeds, strict=True))

    def value(index: int) -> TensorValue:
        tensor = graph.tensors[index]
        data = given.get(index)
        if data is None:
            data = model.tensor_data(tensor)
        if data is None and tensor.is_variable:
            data = np.zeros(tensor.shape, tensor.dtype)
        return TensorValue(tensor, tensor.shape if data is None else data.shape, data)

    inputs = [value(i) if i >= 0 else None for i in op.inputs]
    return NodeContext(op, inputs, [value(i) for i in op.outputs if i >= 0])


def assert_close(
    op: str, got: np.ndarray, want: np.ndarray, allowed: np.ndarray | None = None
) -> None:
    """Equal, or for floats within what is allowed."""
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if allowed is None or want.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want)
        return
    part = part_of_bound(got, want, allowed)
    assert part <= 1, f"{op}: the worst element is {part:.3g} times as far as its bound allows"


def check(
    op: str,
    inputs: Sequence[Arg | None],
    outputs: Sequence[Arg],
    *,
    times: int = 1,
    keep_absent: bool = False,
    **options: Any,
) -> list[np.ndarray] | None:
    """Both sides on one model: equal results, or both refuse (then None).

    Absent inputs at the end are left out of the node unless `keep_absent`.
    """
    while inputs and inputs[-1] is None and not keep_absent:
        inputs = inputs[:-1]
    content = build(op, inputs, outputs, **options)
    feeds = [
        a.data
        for a in inputs
        if a is not None and not a.constant and not a.variable and a.data is not None
    ]
    theirs = litert(content)
    ours = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    try:
        want = run(theirs, feeds)
    except RuntimeError as refusal:
        try:
            run(ours, feeds)
        except RuntimeError:
            return None
        raise AssertionError(f"{op}: LiteRT refuses what we run: {refusal}") from refusal
    except ValueError as unreadable:
        if "Invalid tensor size" not in str(unreadable):  # LiteRT cannot read an empty result
            raise
        got = run(ours, feeds)
        assert any(array.size == 0 for array in got)
        return got
    got = run(ours, feeds)
    node = node_of(content, feeds)
    assert_within(op, node, got, want)
    variables = read_variables(theirs, content)
    for _ in range(times - 1):
        # Every run from the reference's own state, which is what its bound is for.
        for index, state in variables.items():
            ours.set_tensor(index, state)
        give_state(node, variables)
        got, want = run(ours, feeds), run(theirs, feeds)
        assert_within(op, node, got, want)
        variables = read_variables(theirs, content)
    return got


def read_variables(interpreter: Any, content: bytes) -> dict[int, np.ndarray]:
    """The variable tensors by their index."""
    tensors = read_model(content).subgraphs[0].tensors
    return {i: interpreter.get_tensor(i) for i, t in enumerate(tensors) if t.is_variable}


def give_state(node: NodeContext, variables: dict[int, np.ndarray]) -> None:
    """Put these variables into the node."""
    for index, value in zip(node.op.inputs, node.inputs, strict=True):
        if value is not None and index in variables:
            value.data = variables[index]


def assert_within(
    op: str, node: NodeContext, got: Sequence[np.ndarray], want: Sequence[np.ndarray]
) -> None:
    """Every output within the kernel's bound."""
    assert len(got) == len(want)
    bounds = allowed_differences(KERNELS[op], node, want)
    for mine, reference, allowed in zip(got, want, bounds, strict=True):
        assert_close(op, mine, reference, allowed)


# --- what Hypothesis draws ------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


def rng(seed: int) -> np.random.Generator:
    """Random numbers of one example."""
    return np.random.default_rng(seed)


def values(
    generator: np.random.Generator, shape: Sequence[int], dtype: str, spread: float = 3.0
) -> np.ndarray:
    """Random data: normal floats, every integer of small types, small ones of large types."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (generator.standard_normal(shape) * spread).astype(kind)
    if kind.kind == "b":
        return generator.integers(0, 2, shape).astype(kind)
    if kind.kind == "c":
        return (generator.standard_normal(shape) + 1j * generator.standard_normal(shape)).astype(
            kind
        )
    if kind.itemsize <= 2:
        info = np.iinfo(kind)
        return generator.integers(info.min, int(info.max) + 1, shape).astype(kind)
    low = 0 if kind.kind == "u" else -1000
    return generator.integers(low, 1000, shape).astype(kind)


def float32(value: float) -> float:
    """The nearest float32, as the file stores it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


scales = st.floats(-7.0, 1.0).map(lambda e: float32(2.0**e))


@st.composite
def quantization(draw: Any, dtype: str) -> tuple[float | None, int | None]:
    """(scale, zero point) for a type; (None, None) for a float."""
    kind = np.dtype(dtype)
    if kind.kind == "f" or kind.itemsize > 2:
        return None, None
    if kind.itemsize == 2:
        return draw(scales), 0
    info = np.iinfo(kind)
    return draw(scales), draw(st.integers(int(info.min), int(info.max)))


def shapes(low: int = 1, high: int = 4, largest: int = 6) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of rank low to high."""
    return st.lists(st.integers(1, largest), min_size=low, max_size=high).map(tuple)
