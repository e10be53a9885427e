from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from tests.runtime.interpreter.models import classifier, two_signatures

X, Y = np.array([1, 2, 3], np.int32), np.array([4, 5, 6], np.int32)


def test_each_signature_runs_its_subgraph() -> None:
    for module in (litert, ours):
        interpreter = module.Interpreter(model_content=two_signatures())
        assert interpreter.get_signature_list() == {
            "product": {"inputs": ["x", "y"], "outputs": ["out"]},
            "sum": {"inputs": ["x", "y"], "outputs": ["out"]},
        }
        np.testing.assert_array_equal(
            interpreter.get_signature_runner("sum")(x=X, y=Y)["out"], X + Y
        )
        np.testing.assert_array_equal(
            interpreter.get_signature_runner("product")(x=X, y=Y)["out"], X * Y
        )
        with pytest.raises(ValueError, match="model has 2 Signatures"):
            interpreter.get_signature_runner()


def test_a_call_resizes_to_its_arrays() -> None:
    runner = ours.Interpreter(model_content=classifier()).get_signature_runner()
    for batch in (1, 5, 2):
        assert runner(image=np.zeros((batch, 8, 8, 2), np.float32))["scores"].shape == (batch, 10)


@pytest.mark.parametrize("arguments", [{}, {"other": X}, {"image": X, "more": X}])
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    texts = []
    for module in (litert, ours):
        runner = module.Interpreter(model_content=classifier()).get_signature_runner()
        with pytest.raises(ValueError, match="Invalid") as caught:
            runner(**arguments)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_details() -> None:
    pair = [
        m.Interpreter(model_content=two_signatures()).get_signature_runner("product")
        for m in (litert, ours)
    ]
    np.testing.assert_equal(pair[1].get_input_details(), pair[0].get_input_details())
    np.testing.assert_equal(pair[1].get_output_details(), pair[0].get_output_details())
