from __future__ import annotations

import numpy as np
import pytest

from litefuse.runtime.interpreter import Interpreter, OpResolverType
from tests.runtime.interpreter.models import classifier


@pytest.fixture
def interpreter() -> Interpreter:
    made = Interpreter(
        model_content=classifier(), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    made.allocate_tensors()
    return made


def test_a_view_writes_into_the_tensor(interpreter: Interpreter) -> None:
    image = interpreter.tensor(0)
    image().fill(2.0)
    assert (interpreter.get_tensor(0) == 2.0).all()
    interpreter.invoke()
    scores = interpreter.tensor(9)
    np.testing.assert_array_equal(scores(), interpreter.get_tensor(9))


def test_nothing_runs_while_a_view_is_alive(interpreter: Interpreter) -> None:
    view = interpreter.tensor(0)()
    part = view[0, :2]
    for call in (
        interpreter.invoke,
        interpreter.allocate_tensors,
        lambda: interpreter.resize_tensor_input(0, [2, 8, 8, 2]),
    ):
        with pytest.raises(RuntimeError, match="at least 1 reference to internal data"):
            call()
    del view
    with pytest.raises(RuntimeError, match="at least 1 reference"):
        interpreter.invoke()
    del part
    interpreter.invoke()


def test_a_copy_is_a_copy(interpreter: Interpreter) -> None:
    copy = interpreter.get_tensor(0)
    copy.fill(5.0)
    assert not (interpreter.get_tensor(0) == 5.0).any()
    interpreter.invoke()


def test_a_constant_is_read_only(interpreter: Interpreter) -> None:
    with pytest.raises(ValueError, match="read-only"):
        interpreter.tensor(1)()[0] = 0
