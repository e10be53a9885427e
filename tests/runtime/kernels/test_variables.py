from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import interpreter as litert

from litefuse.runtime import interpreter as ours
from litefuse.runtime.model.build import ModelBuilder


def counter(initialise: bool = True) -> bytes:
    """An accumulator: CALL_ONCE sets it to 10, every invoke adds the input and returns the sum."""
    b = ModelBuilder()
    name: dict[str, Any] = {"container": "", "shared_name": "total"}
    x, handle = b.add_tensor("x", (2,), "float32"), b.add_tensor("h", (1,), "RESOURCE")
    old, new = b.add_tensor("old", (2,), "float32"), b.add_tensor("new", (2,), "float32")
    if initialise:
        b.add_op("CALL_ONCE", [], [], init_subgraph_index=1)
    b.add_op("VAR_HANDLE", [], [handle], **name)
    b.add_op("READ_VARIABLE", [handle], [old])
    b.add_op("ADD", [old, x], [new])
    b.add_op("ASSIGN_VARIABLE", [handle, new], [])
    b.set_io([x], [new])
    b.add_subgraph("initialise")
    first = b.add_tensor("first", data=np.array([10, 10], np.float32))
    inner = b.add_tensor("h", (1,), "RESOURCE")
    b.add_op("VAR_HANDLE", [], [inner], **name)
    b.add_op("ASSIGN_VARIABLE", [inner, first], [])
    b.set_io([], [])
    return b.finish_bytes()


def test_a_variable_outlives_the_invoke() -> None:
    for module in (litert, ours):
        kind = module.OpResolverType.BUILTIN_REF
        interpreter = module.Interpreter(
            model_content=counter(), experimental_op_resolver_type=kind
        )
        interpreter.allocate_tensors()
        seen = []
        for _ in range(3):
            interpreter.set_tensor(0, np.array([1, 2], np.float32))
            interpreter.invoke()
            seen.append(interpreter.get_tensor(3).tolist())
        assert seen == [[11, 12], [12, 14], [13, 16]], module.__name__


def test_reading_before_a_value_is_an_error_that_names_the_variable() -> None:
    kind = ours.OpResolverType.BUILTIN_REF
    interpreter = ours.Interpreter(
        model_content=counter(initialise=False), experimental_op_resolver_type=kind
    )
    interpreter.allocate_tensors()
    with pytest.raises(RuntimeError, match="variable 'total' is read before it has a value"):
        interpreter.invoke()


def test_100_invokes_a_reset_and_another_interpreter_in_between() -> None:
    """A reset clears variable tensors, not resource variables: the sum goes on, in LiteRT too."""

    def make(module: Any) -> Any:
        kind = module.OpResolverType.BUILTIN_REF
        made = module.Interpreter(model_content=counter(), experimental_op_resolver_type=kind)
        made.allocate_tensors()
        return made

    def step(interpreter: Any, value: np.ndarray) -> list[float]:
        interpreter.set_tensor(0, value)
        interpreter.invoke()
        return list(interpreter.get_tensor(3))

    theirs, mine, other = make(litert), make(ours), make(ours)
    numbers = np.random.default_rng(2).standard_normal((100, 3, 2)).astype(np.float32)
    for turn, (value, stranger, _) in enumerate(numbers):
        if turn == 50:
            theirs.reset_all_variables()
            mine.reset_all_variables()
        want = step(theirs, value)
        step(other, stranger)
        assert step(mine, value) == want, turn
