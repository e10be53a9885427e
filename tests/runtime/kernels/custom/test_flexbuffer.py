from __future__ import annotations

from typing import Any

import pytest
from flatbuffers import flexbuffers
from hypothesis import given
from hypothesis import strategies as st

from litefuse.runtime.kernels.custom.flexbuffer import FlexError, load_map, loads

KEYS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=8)
LEAVES = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, width=32)
    | st.text(max_size=12)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_reads_what_the_reference_writes(value: dict[str, Any]) -> None:
    data = bytes(flexbuffers.Dumps(value))
    assert loads(data) == value
    assert load_map(data) == value


def test_typed_and_fixed_vectors() -> None:
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("ints")
        builder.TypedVectorFromElements([1, -2, 300])
        builder.Key("pair")
        builder.FixedTypedVectorFromElements([1.5, -2.0])
        builder.Key("far")
        builder.IndirectInt(7)
        builder.Key("blob")
        builder.Blob(b"ab\0c")
    assert loads(bytes(builder.Finish())) == {
        "ints": [1, -2, 300],
        "pair": [1.5, -2.0],
        "far": 7,
        "blob": b"ab\0c",
    }


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert isinstance(load_map(data), dict)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3), st.data())
def test_damaged_bytes_are_read_or_refused(value: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(flexbuffers.Dumps(value))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert isinstance(load_map(bytes(raw)), dict)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\1\4\3"])
def test_what_cannot_be_a_flexbuffer(data: bytes) -> None:
    with pytest.raises(FlexError):
        loads(data)
    assert load_map(data) == {}
