from __future__ import annotations

import pytest

from litefuse.runtime.interpreter import Interpreter
from tests.runtime.interpreter.models import with_unknown_ops


def test_allocation_names_every_missing_op_and_what_to_do() -> None:
    interpreter = Interpreter(model_content=with_unknown_ops())
    assert [d["op_name"] for d in interpreter._get_ops_details()] == [
        "RELU",
        "Frobnicate",
        "Frobnicate",
        "Defrag",
    ]
    with pytest.raises(RuntimeError) as caught:
        interpreter.allocate_tensors()
    text = str(caught.value)
    assert "needs 2 ops" in text
    assert "Defrag (node 3)" in text
    assert "Frobnicate (2 nodes: 1, 2)" in text
    assert "litefuse.Delegate" in text


def test_the_file_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "odd.tflite"
    path.write_bytes(with_unknown_ops())
    with pytest.raises(RuntimeError, match=r"odd\.tflite needs 2 ops"):
        Interpreter(path).allocate_tensors()
