from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.model import (
    Buffer,
    Model,
    ModelError,
    Tensor,
    TensorType,
    read_model,
    storage,
)
from litefuse.runtime.model.build import ModelBuilder

OPAQUE = {TensorType.RESOURCE, TensorType.VARIANT}
PLAIN = [t for t in TensorType if t not in OPAQUE and t != TensorType.STRING]


def constant(kind: TensorType, data: Any) -> tuple[Model, Tensor]:
    b = ModelBuilder()
    b.add_tensor("c", type=kind, data=data)
    model = read_model(b.finish_bytes([], []))
    return model, model.subgraphs[0].tensors[0]


def test_every_type_has_a_numpy_type() -> None:
    assert set(storage.DTYPES) == set(TensorType)


@pytest.mark.parametrize("kind", PLAIN, ids=lambda t: t.name)
def test_constants_of_every_type(kind: TensorType) -> None:
    values = np.array([[0, 1, 1], [1, 0, 1]])
    model, tensor = constant(kind, values)
    data = model.tensor_data(tensor)
    assert data is not None
    assert data.dtype == tensor.dtype
    assert not data.flags.writeable
    np.testing.assert_array_equal(data, values.astype(tensor.dtype))


@pytest.mark.parametrize("kind", PLAIN, ids=lambda t: t.name)
def test_litert_reads_the_same_constants(kind: TensorType) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    if kind == TensorType.BFLOAT16:
        pytest.skip("LiteRT's Python API has no NumPy type for bfloat16")
    b = ModelBuilder()
    c = b.add_tensor("c", type=kind, data=np.array([0, 1, 1, 0, 1, 1, 1]))
    content = b.finish_bytes([], [c])
    interp = litert.Interpreter(model_content=content)
    interp.allocate_tensors()
    theirs = interp.get_tensor_details()[0]
    assert theirs["shape"].tolist() == [7]
    assert np.dtype(theirs["dtype"]) == storage.DTYPES[kind]
    if kind not in storage.PACKED_BITS:  # LiteRT hands packed bytes out as they are
        model = read_model(content)
        np.testing.assert_array_equal(
            interp.get_tensor(0), model.tensor_data(model.subgraphs[0].tensors[0])
        )


def test_strings() -> None:
    words = np.array([["a", "", "größe"]], object)
    model, tensor = constant(TensorType.STRING, words)
    data = model.tensor_data(tensor)
    assert data is not None
    assert data.tolist() == [[b"a", b"", "größe".encode()]]
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    b = ModelBuilder()
    c = b.add_tensor("c", data=words)
    interp = litert.Interpreter(model_content=b.finish_bytes([], [c]))
    interp.allocate_tensors()
    assert interp.get_tensor(0).tolist() == data.tolist()


@given(
    st.sampled_from(sorted(storage.PACKED_BITS)),
    st.lists(st.integers(0, 15), min_size=1, max_size=40),
)
def test_packing_round_trips(kind: TensorType, raw: list[int]) -> None:
    bits = storage.PACKED_BITS[kind]
    values = np.array(raw) % (1 << bits)
    if kind != TensorType.UINT4:
        values = values - (1 << (bits - 1))
    packed = storage.pack(values, kind)
    assert len(packed) == storage.byte_size(kind, len(raw))
    np.testing.assert_array_equal(storage.unpack(memoryview(packed), kind, len(raw)), values)


def test_low_bits_come_first() -> None:
    assert storage.pack(np.array([1, -2, 7]), TensorType.INT4) == b"\xe1\x07"
    assert storage.pack(np.array([1, -2, 0, -1]), TensorType.INT2) == b"\xc9"


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (TensorType.INT4, [8], "INT4 holds -8 to 7, the data has 8 to 8; clip or requantise"),
        (TensorType.INT8, [300], "the data does not fit INT8: it has 300 to 300"),
        (TensorType.UINT8, [-1], "the data does not fit UINT8: it has -1 to -1"),
        (TensorType.INT8, [0.5, 1.0], "the data does not fit INT8: it has 0.5 to 1.0 (float64)"),
        (TensorType.INT32, [np.nan], "the data does not fit INT32: it has nan to nan (float64)"),
    ],
)
def test_data_that_does_not_fit(kind: TensorType, data: list[float], text: str) -> None:
    with pytest.raises(ModelError) as info:
        storage.encode(kind, data)
    assert text in str(info.value)


def test_floats_become_bfloat16_to_nearest_even() -> None:
    one = np.float32(1)
    step = np.float32(2**-7)
    floats = np.array([one, one + step / 2, one + step * 3 / 2, -one, np.nan, np.inf], np.float32)
    stored = np.frombuffer(storage.encode(TensorType.BFLOAT16, floats), np.uint16)
    assert stored.tolist() == [0x3F80, 0x3F80, 0x3F82, 0xBF80, 0x7FC0, 0x7F80]
    assert storage.encode(TensorType.BFLOAT16, stored) == stored.tobytes()


def loose(shape: tuple[int, ...], kind: TensorType, data: bytes) -> tuple[Model, Tensor]:
    """A model by hand, unchecked."""
    return Model(buffers=[Buffer(), Buffer(data)]), Tensor("t", shape, kind, 1)


@pytest.mark.parametrize(
    ("shape", "kind", "data", "text"),
    [
        ((3,), TensorType.FLOAT32, bytes(8), "tensor 't' (FLOAT32, shape [3]) needs 12 bytes and its buffer has 8"),
        ((3,), TensorType.INT4, bytes(1), "needs 2 bytes and its buffer has 1"),
        ((-1,), TensorType.INT8, bytes(1), "holds data but has a negative dimension"),
        ((1,), TensorType.VARIANT, bytes(4), "cannot hold constant data; make it an input or a variable"),
        ((1,), TensorType.STRING, bytes(2), "says it holds -1 strings in 2 bytes"),
        ((2,), TensorType.STRING, b"\1\0\0\0\x0c\0\0\0\x0c\0\0\0", "holds 1 strings instead of 2"),
        ((1,), TensorType.STRING, b"\1\0\0\0\x0c\0\0\0\x0d\0\0\0", "has string 0 at bytes 12 to 13 of 12"),
        ((1,), TensorType.STRING, b"\xff\xff\xff\x7f" + bytes(8), "says it holds 2147483647 strings"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_such_tensor(
    shape: tuple[int, ...], kind: TensorType, data: bytes, text: str
) -> None:
    model, tensor = loose(shape, kind, data)
    with pytest.raises(ModelError) as info:
        model.tensor_data(tensor)
    assert text in str(info.value)


def test_too_many_bytes_are_ignored_as_in_litert() -> None:
    model, tensor = loose((2,), TensorType.INT8, b"\1\2\3")
    data = model.tensor_data(tensor)
    assert data is not None
    assert data.tolist() == [1, 2]


def test_no_data() -> None:
    model, tensor = loose((2,), TensorType.INT8, b"")
    assert model.tensor_data(tensor) is None
    tensor.buffer = 0
    assert model.raw_data(tensor) is None
    tensor.buffer = 7
    with pytest.raises(ModelError, match="buffer 7 of tensor 't' does not exist, the model has 2"):
        model.tensor_data(tensor)
    tensor.external_buffer = 3
    with pytest.raises(ModelError, match="export the model with its weights inside"):
        model.tensor_data(tensor)


@given(st.sampled_from(PLAIN), st.integers(0, 1000))
def test_byte_size(kind: TensorType, count: int) -> None:
    size = storage.byte_size(kind, count)
    bits = storage.PACKED_BITS.get(kind, 8 * storage.DTYPES[kind].itemsize)
    assert size == math.ceil(count * bits / 8)
