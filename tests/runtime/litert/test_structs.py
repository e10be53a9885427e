"""The mirrors have the C layout, and arrays and calls cross over as they should."""

from __future__ import annotations

import ctypes as c

import pytest

from litefuse.runtime.litert import structs


def test_the_mirrors_agree_with_the_layout_table() -> None:
    assert structs.check_layout() == []


def test_a_wrong_offset_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    table = dict(structs.LAYOUT)
    table[structs.TfLiteNode] = (88, {"user_data": 40})
    monkeypatch.setattr(structs, "LAYOUT", table)
    assert structs.check_layout() == [
        "sizeof(TfLiteNode) is 80, not 88",
        "TfLiteNode.user_data is at 32, not 40",
    ]


@pytest.mark.parametrize("values", [(), (7,), (3, -1, 2**31 - 1)])
def test_int_arrays_there_and_back(values: tuple[int, ...]) -> None:
    array = structs.int_array(values)
    assert structs.read_ints(c.addressof(array)) == values
    assert structs.counted_bytes(c.addressof(array)) == bytes(array)[4:]


def test_null_arrays_are_empty() -> None:
    assert structs.read_ints(None) == ()
    assert structs.counted_bytes(0) == b""


def test_every_tensor_type_has_a_name_of_the_schema() -> None:
    from litefuse.runtime.model import TensorType

    assert [
        name for name, _ in structs.TENSOR_TYPES.values() if name not in TensorType.__members__
    ] == []
    assert {name for name, _ in structs.TENSOR_TYPES.values()} == set(TensorType.__members__)
