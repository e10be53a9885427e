"""How elements of each tensor type lie in a buffer, and arrays made of them."""

from __future__ import annotations

import math
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from litefuse.runtime.model.bfloat16 import narrow
from litefuse.runtime.model.enums import TensorType
from litefuse.runtime.model.errors import DAMAGED, ModelError

if TYPE_CHECKING:
    from litefuse.runtime.model.objects import Tensor

T = TensorType

# NumPy's type of one element. Types that NumPy lacks: bfloat16 and float8 keep their bit pattern in
# an integer, 4- and 2-bit integers are unpacked to 8 bits, strings are objects (bytes),
# resources and variants are opaque handles.
DTYPES: dict[TensorType, np.dtype[Any]] = {
    T.FLOAT32: np.dtype("<f4"),
    T.FLOAT16: np.dtype("<f2"),
    T.INT32: np.dtype("<i4"),
    T.UINT8: np.dtype("u1"),
    T.INT64: np.dtype("<i8"),
    T.STRING: np.dtype(object),
    T.BOOL: np.dtype(np.bool_),
    T.INT16: np.dtype("<i2"),
    T.COMPLEX64: np.dtype("<c8"),
    T.INT8: np.dtype("i1"),
    T.FLOAT64: np.dtype("<f8"),
    T.COMPLEX128: np.dtype("<c16"),
    T.UINT64: np.dtype("<u8"),
    T.RESOURCE: np.dtype(object),
    T.VARIANT: np.dtype(object),
    T.UINT32: np.dtype("<u4"),
    T.UINT16: np.dtype("<u2"),
    T.INT4: np.dtype("i1"),
    T.BFLOAT16: np.dtype("<u2"),
    T.INT2: np.dtype("i1"),
    T.UINT4: np.dtype("u1"),
    T.FLOAT8_E4M3FN: np.dtype("i1"),
    T.FLOAT8_E5M2: np.dtype("i1"),
}

# Types of less than a byte: bits per element, lowest bits first.
PACKED_BITS = {T.INT4: 4, T.UINT4: 4, T.INT2: 2}

# The type a NumPy array gets when nobody says which.
TYPES: dict[np.dtype[Any], TensorType] = {
    dtype: kind
    for kind, dtype in DTYPES.items()
    if kind
    not in (
        T.INT4,
        T.INT2,
        T.UINT4,
        T.BFLOAT16,
        T.FLOAT8_E4M3FN,
        T.FLOAT8_E5M2,
        T.RESOURCE,
        T.VARIANT,
    )
}


def byte_size(kind: TensorType, count: int) -> int | None:
    """Bytes that `count` elements take in a buffer; None for types whose size varies."""
    bits = PACKED_BITS.get(kind)
    if bits is not None:
        return (count * bits + 7) // 8
    if kind in (T.STRING, T.RESOURCE, T.VARIANT):
        return None
    return count * DTYPES[kind].itemsize


def unpack(data: memoryview, kind: TensorType, count: int) -> npt.NDArray[Any]:
    """Elements of a 4- or 2-bit type as int8 (sign extended) or uint8, flat."""
    bits = PACKED_BITS[kind]
    packed = np.frombuffer(data, np.uint8)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    values = ((packed[:, None] >> shifts) & np.uint8((1 << bits) - 1)).reshape(-1)[:count]
    if kind == T.UINT4:
        return values
    sign = np.uint8(1 << (bits - 1))
    return ((values ^ sign) - sign).view(np.int8)


def pack(values: npt.NDArray[Any], kind: TensorType) -> bytes:
    """The reverse of `unpack`; ModelError when a value does not fit the type."""
    bits = PACKED_BITS[kind]
    low, high = (0, 15) if kind == T.UINT4 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    flat = np.asarray(values).reshape(-1).astype(np.int64)
    if flat.size and (flat.min() < low or flat.max() > high):
        raise ModelError(
            f"{kind.name} holds {low} to {high}, the data has {flat.min()} to {flat.max()}",
            table="Buffer",
            field="data",
            remedy="clip or requantise the data first",
        )
    per_byte = 8 // bits
    padded = np.zeros(-(-flat.size // per_byte) * per_byte, np.uint8)
    padded[: flat.size] = flat & ((1 << bits) - 1)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    joined = np.bitwise_or.reduce(padded.reshape(-1, per_byte) << shifts, axis=1)
    return bytes(joined.astype(np.uint8))


def encode_strings(values: npt.NDArray[Any]) -> bytes:
    """Strings in the runtime's packing: count, count + 1 offsets, then the bytes (all int32)."""
    items = [v.encode() if isinstance(v, str) else bytes(v) for v in values.reshape(-1)]
    offsets = [4 * (len(items) + 2)]
    for item in items:
        offsets.append(offsets[-1] + len(item))
    return struct.pack(f"<{len(items) + 2}i", len(items), *offsets) + b"".join(items)


def _fail(tensor: Tensor, problem: str, remedy: str = DAMAGED) -> ModelError:
    kind, shape = tensor.type.name, list(tensor.shape)
    text = f"tensor {tensor.name!r} ({kind}, shape {shape}) {problem}"
    return ModelError(text, remedy=remedy, table="Buffer", field="data")


def _strings(tensor: Tensor, data: memoryview, count: int) -> npt.NDArray[Any]:
    stored = struct.unpack_from("<i", data)[0] if len(data) >= 4 else -1
    if stored < 0 or 4 * (stored + 2) > len(data):
        raise _fail(tensor, f"says it holds {stored} strings in {len(data)} bytes")
    if stored != count:
        raise _fail(tensor, f"holds {stored} strings instead of {count}")
    offsets = struct.unpack_from(f"<{stored + 1}i", data, 4)
    out = np.empty(count, object)
    for i, (begin, end) in enumerate(pairwise(offsets)):
        if not 0 <= begin <= end <= len(data):
            raise _fail(tensor, f"has string {i} at bytes {begin} to {end} of {len(data)}")
        out[i] = bytes(data[begin:end])
    return out.reshape(tensor.shape)


def decode(tensor: Tensor, data: memoryview) -> npt.NDArray[Any]:
    """The array that these stored bytes mean (see `Model.tensor_data`)."""
    if any(d < 0 for d in tensor.shape):
        raise _fail(tensor, "holds data but has a negative dimension")
    if tensor.sparsity is not None:
        from litefuse.runtime.model.sparse import densify

        return densify(tensor, data)
    count = math.prod(tensor.shape)
    if tensor.type == T.STRING:
        return _strings(tensor, data, count)
    needed = byte_size(tensor.type, count)
    if needed is None:
        raise _fail(tensor, "cannot hold constant data", "make it an input or a variable")
    if needed > len(data):
        raise _fail(tensor, f"needs {needed} bytes and its buffer has {len(data)}")
    data = data[:needed]  # LiteRT ignores what is too much, too
    if tensor.type in PACKED_BITS:
        array = unpack(data, tensor.type, count)
    else:
        array = np.frombuffer(data, DTYPES[tensor.type])
    array = array.reshape(tensor.shape)
    array.flags.writeable = False
    return array


def encode(kind: TensorType, values: npt.ArrayLike) -> bytes:
    """The bytes that store an array as a dense constant of this type.

    Floats are rounded to a narrower float type (to BFLOAT16 too, whose bit patterns may also be
    given as integers); ModelError where integers would change, or floats be cut to integers.
    """
    if kind == T.STRING:
        return encode_strings(np.asarray(values, object))
    if kind in PACKED_BITS:
        return pack(np.asarray(values), kind)
    array = np.asarray(values)
    if kind == T.BFLOAT16 and array.dtype.kind == "f":
        return narrow(array.astype(np.float32)).tobytes()
    if array.dtype != DTYPES[kind]:
        with np.errstate(all="ignore"):
            converted = array.astype(DTYPES[kind])
        whole = array.dtype.kind in "iub" or DTYPES[kind].kind in "iub"
        if whole and not np.array_equal(converted, array):
            raise ModelError(
                f"the data does not fit {kind.name}: it has {array.min()} to {array.max()} "
                f"({array.dtype})",
                table="Buffer",
                field="data",
                remedy="clip or requantise the data first",
            )
        array = converted
    return array.tobytes()
